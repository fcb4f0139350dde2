"""A hash of keys that is the same on every machine, in every version of every library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FNV_OFFSET = np.uint64(0xCBF29CE484222325)
FNV_PRIME = np.uint64(0x100000001B3)
MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def hash_keys(keys: NDArray[Any]) -> NDArray[np.uint64]:
    """Return 64 well mixed bits for each key.

    It is FNV-1a over the UTF-8 bytes of the key's text, then the finaliser of SplitMix64, since FNV leaves the upper
    bits of short keys alike. We spell it out because a split has to outlive versions: neither Python's `hash` nor that
    of pandas promises to stay. It hashes text, so 7 and "7" fall on the same side whatever type the schema declares.

    Args:
        keys: Numbers or text, (rows,).
    """
    import pyarrow as pa

    text = pa.array(keys).cast(pa.large_string())
    _, offsets, content = text.buffers()
    ends = np.frombuffer(offsets, np.int64)[text.offset : text.offset + len(text) + 1]
    octets = np.frombuffer(content, np.uint8) if content else np.zeros(0, np.uint8)
    starts, lengths = ends[:-1], np.diff(ends)
    hashes = np.full(len(text), FNV_OFFSET)
    for position in range(int(lengths.max(initial=0))):
        longer = np.flatnonzero(lengths > position)
        hashes[longer] = (hashes[longer] ^ octets[starts[longer] + position]) * FNV_PRIME
    hashes = (hashes ^ (hashes >> np.uint64(30))) * MIX[0]
    hashes = (hashes ^ (hashes >> np.uint64(27))) * MIX[1]
    mixed: NDArray[np.uint64] = hashes ^ (hashes >> np.uint64(31))
    return mixed
