"""Figures of an evaluation: for the report, for MLflow."""

from headrace.plots.drawing import figures
from headrace.plots.svg import to_svg

__all__ = ["figures", "to_svg"]
