"""A pipeline's report: one page that explains what ran, what came of it and why."""

from headrace.report.page import render, write_report

__all__ = ["render", "write_report"]
