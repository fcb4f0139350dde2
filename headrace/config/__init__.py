"""Stock Hydra, with typed configs and errors of one line."""

from headrace.config.composing import compose
from headrace.config.errors import explain, folder_on_command_line, one_line_errors
from headrace.config.origin import Origin
from headrace.config.reading import CONF, find_origin, read
from headrace.declaration.targets import allowed_targets, locate

__all__ = [
    "CONF",
    "Origin",
    "allowed_targets",
    "compose",
    "explain",
    "find_origin",
    "folder_on_command_line",
    "locate",
    "one_line_errors",
    "read",
]
