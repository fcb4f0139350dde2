"""Whether a winner is registered, and as what."""

from __future__ import annotations

import dataclasses
import json
import shutil
import socket

import numpy as np
import pandas as pd
import pytest
from judged_pipeline import MODELS, write_candidates
from sklearn.metrics import average_precision_score

from headrace.declaration.modelling import Objective, Registration, RowSplit, Tracking
from headrace.declaration.pipeline import RegisterConfig
from headrace.errors import IntegrityError, TrackingError
from headrace.metrics import METRICS
from headrace.models import load
from headrace.registry import describe, register
from headrace.registry.comparing import compare
from headrace.storage import digest, read_json
from headrace.tasks import read_task


def test_the_first_becomes_champion_and_stays_it(place):
    """There is nobody to compare with; the same winner again is the champion itself."""
    first = place.register()
    assert (first["decision"], first["version"], first["alias"]) == ("first", 1, "champion")
    assert describe(first) == "good is the first model; registered as v1, alias champion"
    again = place.register()
    assert (again["decision"], again["version"], again["alias"]) == ("champion", 1, "champion")
    assert read_json(place.data / "registration.json") == json.loads(json.dumps(again))
    assert len(place.client.search_model_versions("name = 'cards'")) == 1


def test_a_version_without_its_alias_is_not_registered_again(place):
    """A process was killed between the two."""
    place.register()
    place.client.delete_registered_model_alias("cards", "champion")
    again = place.register()
    assert (again["decision"], again["version"]) == ("first", 1)
    assert place.client.get_model_version_by_alias("cards", "champion").version == 1


def test_a_champion_of_other_tools_is_refused(place):
    """It has no digest to hold its files against."""
    place.client.create_registered_model("cards")
    version = place.client.create_model_version("cards", str(place.root))
    place.client.set_registered_model_alias("cards", "champion", version.version)
    with pytest.raises(IntegrityError, match=r"models:/cards/1 at .*: it has no tag headrace.digest"):
        place.register()


def test_mlflow_gives_our_folder_by_its_alias(place):
    """`models:/cards@champion` is the winner's folder, and loads."""
    place.register()
    brought = place.download("models:/cards@champion")
    assert digest(brought) == digest(place.data / "winner")
    assert load(brought).manifest["candidate"] == "good"


def test_a_better_winner_becomes_challenger(place):
    """It is registered beside the champion, once, with by how much it is better."""
    place.judge("weak")
    place.register()
    place.judge("good", "weak")
    better = place.register()
    assert (better["decision"], better["version"], better["alias"]) == ("better", 2, "challenger")
    assert 0 < better["interval"][0] < better["difference"] < better["interval"][1]
    assert better["difference"] == pytest.approx(better["winner_value"] - better["champion_value"])
    scores = read_json(place.data / "evaluation" / "evaluation.json")["candidates"]
    assert better["champion_value"] == scores["weak"]["test"]["average_precision"]
    assert place.register() == better
    aliases = place.client.get_registered_model("cards").aliases
    assert {name: int(number) for name, number in aliases.items()} == {"champion": 1, "challenger": 2}
    assert describe(better).startswith("good is better than champion v1 by 0.")


def test_a_worse_winner_is_recorded_and_not_registered(place):
    """`registration.json` says by how much it is worse; the registry stays as it was."""
    place.register()
    place.judge("weak")
    worse = place.register()
    assert (worse["decision"], worse["version"], worse["alias"]) == ("not better", None, None)
    assert worse["interval"][1] < 0
    assert worse["champion_version"] == 1
    assert len(place.client.search_model_versions("name = 'cards'")) == 1
    assert "is not surely better than champion v1: -0." in describe(worse)


def test_a_gain_below_the_declared_one_is_not_enough(place):
    """The lower end of the interval has to be above `minimum_gain`."""
    place.judge("weak")
    place.register()
    place.judge("good")
    assert place.register(minimum_gain=0.9)["decision"] == "not better"


def test_another_threshold_is_another_version(place):
    """The champion's scores are the same, its decisions are not: a person may promote it."""
    place.register()
    place.judge("good", false_positive_budget=0.2)
    changed = place.register()
    assert (changed["decision"], changed["version"], changed["alias"]) == ("new threshold", 2, "challenger")
    assert changed["difference"] == 0


def test_a_champion_of_other_features_is_not_compared(place):
    """A feature that it takes is not declared any more: the winner becomes challenger, and the reason is said."""
    place.register()
    file = place.data / "features" / "features.json"
    manifest = read_json(file)
    manifest["features"] = [feature for feature in manifest["features"] if feature["name"] != "risk"]
    file.write_text(json.dumps(manifest))
    write_candidates(place.data / "candidates", place.data / "features", place.case.config, MODELS)
    place.judge("good", slices=[])
    other = place.register()
    assert (other["decision"], other["version"], other["alias"]) == ("not comparable", 2, "challenger")
    assert other["reason"] == "the champion takes the number risk, which is not declared any more in features.json"
    assert other["interval"] is None


def test_a_champion_that_saw_the_test_rows_is_not_compared(place):
    """It would look better than it is."""
    place.judge("weak")
    place.register()
    time = dataclasses.replace(place.case.config.split.time, test="12d")
    config = dataclasses.replace(place.case.config, split=dataclasses.replace(place.case.config.split, time=time))
    write_candidates(place.data / "candidates", place.data / "features", config, MODELS)
    later = dataclasses.replace(place, case=dataclasses.replace(place.case, config=config))
    later.judge("good")
    other = later.register()
    assert other["decision"] == "not comparable"
    assert other["reason"].startswith("the champion was trained on rows until 2024-01-24")


@pytest.mark.parametrize(("share", "decision"), [(0.3, "not comparable"), (0.1, "better")])
def test_a_champion_that_saw_keys_that_judge_is_not_compared(place, share, decision):
    """Where a larger share of them judges than when it was trained; a smaller one it has not seen."""

    def with_share(share):
        split = dataclasses.replace(place.case.config.split, time=None, rows=RowSplit(test_share=share, folds=2))
        config = dataclasses.replace(place.case.config, split=split)
        write_candidates(place.data / "candidates", place.data / "features", config, MODELS)
        return dataclasses.replace(place, case=dataclasses.replace(place.case, config=config))

    first = with_share(0.2)
    first.judge("weak")
    first.register()
    later = with_share(share)
    later.judge("good")
    other = later.register()
    assert other["decision"] == decision
    if decision == "not comparable":
        assert other["reason"] == "the champion was trained on all but 0.2 of the keys, and 0.3 of them judge now"


def test_a_champion_that_was_split_in_another_way_is_not_compared(place):
    """Nobody can say which of the rows that judge it has seen."""
    place.judge("weak")
    place.register()
    split = dataclasses.replace(place.case.config.split, time=None, rows=RowSplit(test_share=0.2, folds=2))
    config = dataclasses.replace(place.case.config, split=split)
    write_candidates(place.data / "candidates", place.data / "features", config, MODELS)
    later = dataclasses.replace(place, case=dataclasses.replace(place.case, config=config))
    later.judge("good")
    other = later.register()
    assert other["decision"] == "not comparable"
    assert other["reason"].startswith("the champion was split in another way")


def test_changed_files_in_the_registry_are_refused(place):
    """Somebody changed one byte of the champion."""
    place.judge("weak")
    place.register()
    model = next((place.root / "mlruns").rglob("winner/*/model.skops"))
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    place.judge("good")
    with pytest.raises(IntegrityError, match=r"models:/cards/1 at sqlite:///.*its files have the digest"):
        place.register()


def test_lost_files_in_the_registry_are_named(place):
    """The champion cannot be scored: a person has to say who is champion."""
    place.judge("weak")
    place.register()
    shutil.rmtree(place.root / "mlruns")
    place.judge("good", "weak")
    with pytest.raises(TrackingError, match=r"models:/cards/1 at sqlite:///.*its files cannot be read; put them back"):
        place.register()


def test_a_file_that_is_no_database_is_refused(place):
    """In one line that names it."""
    (place.root / "mlflow.db").write_text("hello")
    with pytest.raises(TrackingError, match=r"sqlite:///.*/mlflow\.db: file is not a database"):
        place.register()


def test_a_lower_loss_is_a_gain(place):
    """The difference is positive where the winner is better, also where lower is better."""
    place.judge("good", "weak")
    rows = pd.read_parquet(place.data / "evaluation" / "scores.parquet")
    config = RegisterConfig(
        pipeline="cards",
        seed=1,
        evaluation=Objective(metric="log_loss"),
        registration=Registration(resamples=100),
        tracking=place.tracking,
    )
    compared = compare(rows, read_task({}), "good", rows["weak"].to_numpy(), config)
    assert compared.winner_value < compared.champion_value
    assert 0 < compared.interval[0] < compared.difference < compared.interval[1]


def test_the_interval_is_that_of_resampled_rows(place):
    """Against a bootstrap written out with scikit-learn's metric."""
    place.judge("good", "weak")
    rows = pd.read_parquet(place.data / "evaluation" / "scores.parquet")
    config = RegisterConfig(
        pipeline="cards",
        seed=5,
        evaluation=Objective(metric="average_precision"),
        registration=Registration(resamples=150, confidence=0.9),
        tracking=place.tracking,
    )
    compared = compare(rows, read_task({}), "good", rows["weak"].to_numpy(), config)
    generator = np.random.default_rng(5)
    labels, good, weak = (rows[name].to_numpy() for name in ("label", "good", "weak"))
    gains = []
    for _ in range(150):
        drawn = generator.integers(0, len(rows), len(rows))
        gains.append(
            average_precision_score(labels[drawn], good[drawn]) - average_precision_score(labels[drawn], weak[drawn])
        )
    assert compared.interval == pytest.approx(tuple(np.quantile(gains, [0.05, 0.95])))
    assert compared.winner_value == METRICS["binary"]["average_precision"](labels, good)


def test_a_server_that_is_away_is_named_without_its_password(place):
    """It is tried some times; what is there stays as it was."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    tracking = Tracking(uri=f"http://me:topsecret@127.0.0.1:{port}")
    config = RegisterConfig(
        pipeline="cards",
        seed=0,
        evaluation=Objective(metric="average_precision"),
        registration=Registration(),
        tracking=tracking,
    )
    with pytest.raises(TrackingError, match=rf"http://\*\*\*@127.0.0.1:{port}: ") as caught:
        register(place.data, config, place.root)
    assert "topsecret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (place.data / "registration.json").exists()
