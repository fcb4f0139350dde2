"""Two versions of a model, one in the place of the other while clients ask: nobody notices but by the version."""

from __future__ import annotations

import shutil
import signal
import time
from typing import TYPE_CHECKING

import pytest
from clients import Load, check_log, sqlite_log
from packaged_pipeline import CARDS, pack, start, write_winner

from headrace.declaration.modelling import Model
from headrace.service import package_folder, read_contents

if TYPE_CHECKING:
    from packaged_pipeline import Place, Server

SWAPS = 6

pytestmark = [pytest.mark.slow, pytest.mark.timeout(280)]


def package_another(place: Place) -> str:
    """Put another model of cards in the place of the first one, and package it; return its Bento's tag."""
    data = place.root / "data/cards"
    shutil.rmtree(data / "winner")
    params = {"n_estimators": 35, "num_leaves": 5, "min_child_samples": 8}
    write_winner(data, CARDS, Model(_target_="lightgbm.LGBMClassifier", params=params))
    [tag] = pack(place.root, place.home, "cards")
    return tag


def test_versions_that_are_swapped_under_load(place: Place) -> None:
    """Back and forth: the next one is ready, clients turn to it, and the other gets SIGTERM with requests under way."""
    old_bento = place.bento("cards")
    before = read_contents(place.root / package_folder("cards")).version
    new_bento = place.home.joinpath("bentos", *package_another(place).split(":"))
    after = read_contents(place.root / package_folder("cards")).version
    assert before != after
    state = place.home / "state"
    running: list[Server] = []

    def started(turn: int) -> Server:
        bento = (old_bento, new_bento)[turn % 2]
        running.append(start(place.home, place.home, str(bento), HEADRACE_STATE=str(state), HEADRACE_WORKERS="2"))
        running[-1].wait()
        return running[-1]

    try:
        current = started(0)
        load = Load(lambda: current.port, clients=8)
        with load:
            for turn in range(1, SWAPS + 1):
                load.wait_for(200)
                following, leaving = started(turn), current
                load.wait_for(200)
                with load.sending:  # what was sent to the old one is under way, and nothing more comes
                    current = following
                    under_way = len(load.sent) - len(load.told) - len(load.lost)
                    leaving.process.send_signal(signal.SIGTERM)
                begin = time.monotonic()
                leaving.process.wait(30)
                took = time.monotonic() - begin
                running.remove(leaving)
                print(f"swap {turn}: {under_way} under way, ended after {took:.2f} s, lost so far {len(load.lost)}")
            load.wait_for(200)
        by_version = {each["model_version"] for each in load.acknowledged.values()}
        counts = {
            version: sum(each["model_version"] == version for each in load.acknowledged.values())
            for version in sorted(by_version)
        }
        print(f"{SWAPS} swaps: answers by version {counts}, failed {len(load.lost) + len(load.refused)}")
        check_log(sqlite_log(current), load.acknowledged, "after the swaps")
        assert by_version == {before, after}
        assert not load.lost, dict(list(load.lost.items())[:5])
        assert not load.refused, load.refused[:3]
    finally:
        for each in running:
            each.stop()
