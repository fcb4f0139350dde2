"""Figures of an evaluation, and their SVG."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from headrace.plots import figures, to_svg
from headrace.plots.style import new_axes


@pytest.fixture(scope="module")
def drawn(judged):
    """All figures of the timed case."""
    return figures(judged.data)


def test_every_plot_of_a_pipeline_is_drawn(drawn, judged_untimed):
    """Costs have a figure where they are declared; the others are there for every pipeline."""
    always = {"precision_recall", "roc", "calibration", "confusion", "importance", "scores"}
    assert drawn.keys() == always | {"cost"}
    assert figures(judged_untimed.data).keys() == always


def test_axes_are_named(drawn):
    """Whoever sees a figure alone knows what it shows."""
    for name, figure in drawn.items():
        (axes,) = figure.axes
        assert name in {"confusion", "importance"} or axes.get_ylabel()
        assert name == "confusion" or axes.get_xlabel()


def test_another_candidate_can_stand_out(judged):
    """A candidate's own run shows its own decisions."""
    texts = [text.get_text() for text in figures(judged.data, "weak")["confusion"].axes[0].texts]
    assert texts != [text.get_text() for text in figures(judged.data)["confusion"].axes[0].texts]


def test_svg_takes_the_colours_of_its_page(drawn):
    """Nothing is left of the colours that only suit paper, nor a font of its own; it is XML with real text."""
    for name, figure in drawn.items():
        svg = to_svg(name, figure, f"figure {name}")
        ElementTree.fromstring(svg)
        assert set(re.findall(r"#[0-9a-fA-F]{6}\b", svg)) == set()
        assert "font:" not in svg
        assert "font-family" not in svg
        assert "<metadata" not in svg
    assert "Recall: share of positives found" in to_svg("roc", drawn["roc"], "roc")


def test_svg_is_the_same_each_time(drawn, judged):
    """Neither a date nor chance is in it."""
    again = figures(judged.data)
    for name, figure in drawn.items():
        assert to_svg(name, figure, name) == to_svg(name, again[name], name)


def test_svg_keeps_names_that_the_machine_has_no_font_for(recwarn):
    """They are text, which the reader's browser writes; the terminal is not filled with warnings of each letter."""
    figure, axes = new_axes()
    axes.set_xlabel("面積")
    assert "面積" in to_svg("area", figure, "an area")
    assert not recwarn.list
