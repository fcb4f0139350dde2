"""Random numbers that a day can draw without the days before it: one stream for each purpose and day."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a stream is drawn for. A number that is in use is never given to another purpose."""

    CUSTOMERS = 0
    TERMINALS = 1
    PURCHASES = 2
    COMPROMISED_TERMINALS = 3
    COMPROMISED_CUSTOMERS = 4
    COMPROMISED_PURCHASES = 5
    STOLEN_CARDS = 6
    CARD_TESTS = 7


def stream(seed: int, purpose: Purpose, day: int = 0) -> np.random.Generator:
    """Return the generator of a purpose on a day (its ordinal; 0 where the purpose has no day)."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(purpose, day))))
