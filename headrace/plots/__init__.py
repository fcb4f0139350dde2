"""Figures of an evaluation: for the report, for MLflow."""

from headrace.plots.drawing import figures
from headrace.plots.svg import to_svg
from headrace.plots.timeline import timeline

__all__ = ["figures", "timeline", "to_svg"]
