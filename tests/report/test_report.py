"""The page of a pipeline, and its sentences."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from judged_pipeline import MODELS

from headrace.declaration.modelling import Registration, Target
from headrace.declaration.pipeline import ReportConfig
from headrace.errors import DataError
from headrace.registry import registering
from headrace.report import formatting, render, sentences, write_report
from headrace.report.lineage import find_commit, read_stages
from headrace.report.tables import candidate_names, metric_rows

FIRST = {
    "pipeline": "cards", "candidate": "good", "digest": "d", "decision": "first", "metric": "average_precision",
    "winner_value": 0.8, "champion_value": None, "difference": None, "interval": None, "confidence": 0.95,
    "resamples": 1000, "champion_version": None, "version": "1", "alias": "champion", "model_name": "cards",
}  # fmt: skip
BETTER = FIRST | {
    "decision": "better", "champion_value": 0.7, "difference": 0.1, "interval": [0.04, 0.16], "champion_version": "1",
    "version": "2", "alias": "challenger",
}  # fmt: skip
WORSE = BETTER | {"decision": "not better", "interval": [-0.04, 0.16], "version": None, "alias": None}
PARTS = {"2024-01-01": {"rows": 190, "rejected": 10, "mean_shift": {"amount": 1.5}}} | {
    f"2024-01-{day:02}": {"rows": 200, "rejected": 0, "mean_shift": {}} for day in range(2, 31)
}
VALIDATION = {
    "rows": 5990, "rejected": 10, "rejected_share": 10 / 5990, "left_out_columns": ["note"],
    "rules": {"amount: minimum": 10, "kind: values": 0}, "parts": PARTS,
    "columns": {
        "amount": {"type": "decimal(12,2)", "missing": 0, "missing_share": 0.0, "minimum": 1.0, "maximum": 250.5, "mean": 60.1},
        "kind": {"type": "category", "missing": 3, "missing_share": 0.0005, "values": {"<chip>": 3000, "web": 2977}},
        "name": {"type": "string", "missing": 0, "missing_share": 0.0},
    },
    "mean_shift": {"checked": True, "limit": None, "largest": {"column": "amount", "day": "2024-01-01", "distance": 1.5}},
}  # fmt: skip
UNTIMED = VALIDATION | {
    "parts": {"all": {"rows": 6000, "rejected": 0, "mean_shift": {}}}, "rejected": 0, "rules": {},
    "mean_shift": {"checked": False, "reason": "rows have no time, and so no history"},
}  # fmt: skip


class Tags(HTMLParser):
    """Collects what a page would fetch, and whether its elements close."""

    VOID = ("meta", "br", "link", "img")

    def __init__(self):
        super().__init__()
        self.open, self.fetched, self.tags = [], [], []

    def handle_starttag(self, tag, attrs):
        """Note an element."""
        self.tags.append(tag)
        self.fetched += [value for name, value in attrs if name in {"src", "href"} and not value.startswith("#")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        """Close the innermost element."""
        assert self.open.pop() == tag


def finish(case, folder, validation, registration):
    """Copy a judged pipeline and add what the other stages write."""
    shutil.copytree(case.data, folder)
    (folder / "package").mkdir()
    for name, content in {
        "validation.json": validation,
        "registration.json": registration,
        "package/bento.json": {"tag": "cards:abc123"},
    }.items():
        (folder / name).write_text(json.dumps(content))
    return ReportConfig(
        pipeline="cards",
        target=Target(column="fraud", positive=1, delay="2d"),
        evaluation=case.config.evaluation,
        registration=Registration(),
    )


def test_the_page_needs_nothing_but_itself(judged, tmp_path):
    """No script, no network, every element closed, and what data hold cannot become markup."""
    config = finish(judged, tmp_path / "data", VALIDATION, BETTER)
    page = render(tmp_path / "data", tmp_path, config)
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert tags.fetched == []
    assert "script" not in tags.tags
    assert not re.findall(r"url\((?!#)|@import", page)
    assert "&lt;chip&gt;" in page
    assert page.count("<svg") == 8


def test_the_page_says_what_a_person_wants_to_know(judged, tmp_path):
    """Winner, decision with its interval, threshold, costs, ceiling, slices, rejects and how to serve it."""
    config = finish(judged, tmp_path / "data", VALIDATION, BETTER)
    page = render(tmp_path / "data", tmp_path, config)
    summary = json.loads((judged.data / "evaluation" / "evaluation.json").read_text())
    for words in (
        "New challenger.",
        "lies between +0.040 and +0.160",
        "is all the recall that this process lets anyone reach",
        "A positive that is missed costs amount",
        "bentoml serve cards:abc123",
        "amount: minimum",
        "In money",
        "26 to 30 January 2024",
        summary["candidates"]["good"]["digest"],
        *MODELS,
    ):
        assert words in page
    assert "kind: values" not in page


def test_the_page_says_what_the_rules_change(judged, tmp_path):
    """A line for each rule and for each decision, and the flagged rows beside those of the model alone."""
    config = finish(judged, tmp_path / "data", VALIDATION, BETTER)
    page = render(tmp_path / "data", tmp_path, config)
    section = page.partition("What the rules change")[2].partition("</section>")[0]
    hybrid = json.loads((judged.data / "evaluation" / "evaluation.json").read_text())["hybrid"]
    for words in (
        "Decided is allow, review or block; a row counts as flagged where it is block.",
        f"With the rules {formatting.share(hybrid['test']['recall'])} of the positives are flagged",
        f"cost {formatting.number(hybrid['cost'])}, those of the model alone",
        "what a decision short of block costs is not in it",
        "shop_9_by_night",
        "probability BETWEEN 0.1 AND 0.5",
        *(f"<td>{formatting.count(one['rows'])}</td>" for one in [*hybrid["rules"], *hybrid["decisions"]]),
    ):
        assert words in section


def test_a_pipeline_without_time_and_costs_has_a_page(judged_untimed, tmp_path):
    """What is not declared is not spoken of."""
    config = finish(judged_untimed, tmp_path / "data", UNTIMED, FIRST)
    page = render(tmp_path / "data", tmp_path, config)
    assert "New champion." in page
    assert "In money" not in page
    assert "What the rules change" not in page
    assert "lets anyone reach" not in page
    assert "Why rows were rejected" not in page
    assert "a day" not in page.partition("<main>")[2].partition("</section>")[0]
    assert "log loss on validation rows" in page
    assert page.count("<svg") == 6


def test_a_winner_that_flags_nothing_has_a_page(judged_hopeless, tmp_path):
    """Where all rows have one score no threshold keeps the budget, and the page says so."""
    config = finish(judged_hopeless, tmp_path / "data", UNTIMED, FIRST)
    page = render(tmp_path / "data", tmp_path, config)
    assert "its threshold flags no test row" in page
    assert "On the test rows it flags nothing" in page
    assert not re.search(r"\bnan\b", page)


def test_the_page_is_the_same_each_time(judged, tmp_path):
    """It tells the commit, but neither the hour nor the place."""
    config = finish(judged, tmp_path / "data", VALIDATION, WORSE)
    write_report(tmp_path / "data", tmp_path, config)
    first = (tmp_path / "data" / "report.html").read_bytes()
    shutil.move(tmp_path / "data", tmp_path / "elsewhere")
    write_report(tmp_path / "elsewhere", tmp_path, config)
    assert (tmp_path / "elsewhere" / "report.html").read_bytes() == first
    assert str(tmp_path).encode() not in first


def test_a_missing_output_is_named(judged, tmp_path):
    """And no half page is left."""
    config = finish(judged, tmp_path / "data", VALIDATION, FIRST)
    (tmp_path / "data" / "registration.json").unlink()
    with pytest.raises(DataError, match=r"registration\.json: no such file"):
        write_report(tmp_path / "data", tmp_path, config)
    assert not (tmp_path / "data" / "report.html").exists()


def test_the_decision_is_said_in_words():
    """First, better, and not better each have their own."""
    assert sentences.decision(FIRST) == [
        "It is the first model of this pipeline, so it is registered as version 1 and is the champion."
    ]
    better, comparison = sentences.decision(BETTER)
    assert better == "It is better than the champion, and is registered as version 2, the challenger."
    assert "0.800 against 0.700 of the champion, version 1" in comparison
    assert "not registered, and version 1 stays" in sentences.decision(WORSE)[0]
    same = FIRST | {"decision": "champion", "champion_version": "1"}
    assert sentences.decision(same) == ["It is the champion already: version 1 holds the same files."]
    moved = FIRST | {"decision": "new threshold", "reason": "threshold 0.5 -> 0.4", "champion_version": "1"}
    assert "with another threshold (threshold 0.5 -> 0.4)" in sentences.decision(moved)[0]
    other = FIRST | {"decision": "not comparable", "reason": "rows lack the features x", "version": "2"}
    assert "The champion, version 1, cannot score" in sentences.decision(other | {"champion_version": "1"})[0]
    assert "(rows lack the features x)" in sentences.decision(other)[0]
    assert "between \u22120.040 and +0.160" in sentences.decision(WORSE)[1]


def test_every_decision_of_the_registry_has_words():
    """The page knows each decision that registering can take."""
    source = Path(registering.__file__).read_text()
    for verdict in re.findall(r'Decision\("([a-z ]+)"|decision="([a-z ]+)"', source):
        assert "".join(verdict) in sentences.VERDICTS


@pytest.mark.parametrize(
    ("metric", "first"),
    [("average_precision", "Average precision"), ("roc_auc", "ROC AUC"), ("log_loss", "Log loss")],
)
def test_the_page_begins_with_the_metric_by_which_candidates_are_compared(judged, tmp_path, metric, first):
    """Its card is the first, and its line the first of the test rows."""
    config = finish(judged, tmp_path / "data", VALIDATION, FIRST)
    file = tmp_path / "data" / "evaluation" / "evaluation.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "metric": metric}))
    page = render(tmp_path / "data", tmp_path, config)
    cards = page.partition('<dl class="tiles">')[2].partition("</dl>")[0]
    assert re.findall("<dt>(.*?)</dt>", cards) == [first, "Recall", "Precision", "Negatives flagged"]
    assert f"Validation<small>{first}, mean of" in page
    lines = page.partition('scope="rowgroup">On the test rows')[2]
    assert re.findall(r'<th scope="row">([^<]+)<small>', lines)[0] == first


def test_the_best_value_of_each_metric_stands_out(judged):
    """The winner comes first; of a loss the smallest is the best."""
    summary = json.loads((judged.data / "evaluation" / "evaluation.json").read_text())
    names = candidate_names(summary)
    assert names == ["good", "weak"]
    for row in metric_rows(summary, names, "test"):
        values = [summary["candidates"][name]["test"] for name in names]
        assert any(cell.is_best for cell in row.cells)
        if row.words.name == "Log loss":
            assert row.cells[0].is_best == (values[0]["log_loss"] <= values[1]["log_loss"])


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        ("2018-08-08T00:00:00", "2018-08-15T00:00:00", "8 to 14 August 2018"),
        ("2018-07-25", "2018-08-15", "25 July to 14 August 2018"),
        ("2018-12-25", "2019-01-02", "25 December 2018 to 1 January 2019"),
        ("2018-08-08", "2018-08-09", "8 August 2018"),
        ("2018-08-08T06:00:00", "2018-08-08T18:00:00", "8 August 2018, 06:00 to 8 August 2018, 18:00"),
    ],
)
def test_a_period_names_its_last_day(since, until, words):
    """A period that ends before the 15th ends on the 14th."""
    assert formatting.period(since, until) == words


def test_a_share_has_as_many_digits_as_it_needs():
    """Nothing but all is 100 %, and nothing but none is 0 %."""
    assert [formatting.share(value).replace(formatting.NARROW, " ") for value in (0, 0.688, 0.0034, 0.99995, 1)] == [
        "0.0 %",
        "68.8 %",
        "0.34 %",
        "99.9950 %",
        "100.0 %",
    ]


def test_the_commit_is_named_with_what_differs_from_it(tmp_path):
    """Changes of code and configuration count, outputs do not; outside a repository there is no commit."""
    assert find_commit(tmp_path) is None
    (tmp_path / "params.yaml").write_text("a: 1\n")
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.email=a@b.c", "-c", "user.name=A", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", "-C", tmp_path, *command], check=True)
    commit = find_commit(tmp_path)
    assert re.fullmatch("[0-9a-f]{40}", commit.id)
    assert commit.changed == ()
    (tmp_path / "params.yaml").write_text("a: 2\n")
    (tmp_path / "report.html").write_text("")
    assert find_commit(tmp_path).changed == ("params.yaml",)


def test_stages_are_those_of_the_pipeline(tmp_path):
    """What DVC recorded of another pipeline is not shown, nor are versions of libraries."""
    (tmp_path / "dvc.lock").write_text(
        """
schema: '2.0'
stages:
  ingest@cards:
    cmd: python -m stages.ingest  -cd x
    params: {environment.yaml: {libraries.duckdb: '2'}, pipelines/cards/pipeline.yaml: {source: {a: 1}}}
    outs: [{path: data/cards/raw, md5: abc.dir, size: 1}]
  ingest@other: {cmd: x}
  train@good: {cmd: y}
"""
    )
    stages = read_stages(tmp_path, "cards", ["good"])
    assert [stage.name for stage in stages] == ["ingest@cards", "train@good"]
    assert stages[0].command == "python -m stages.ingest -cd x"
    assert stages[0].params == {"pipelines/cards/pipeline.yaml: source": {"a": 1}}
    assert stages[0].outputs == {"data/cards/raw": "abc.dir"}
    assert read_stages(tmp_path / "none", "cards", []) == []
