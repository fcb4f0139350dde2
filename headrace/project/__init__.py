"""A new project, laid down in a folder: the stock configuration, and Headrace itself as a wheel."""

from headrace.project.laying import Laid, is_project, lay_down

__all__ = ["Laid", "is_project", "lay_down"]
