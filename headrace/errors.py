"""What can go wrong in Headrace, and how it is said.

HeadraceError
├── ConfigError        a declaration (conf/, pipelines/, params.yaml) is wrong
├── SourceError        the source of the rows cannot be read
│   └── SourceUnavailable  ... now; it may well be a little later
├── DataError          the rows are not what was declared
│   └── ValidationError   the rows are past the declared limits
├── IntegrityError     a file is not the one that was written
└── TrackingError      the model registry cannot be reached or holds something unexpected
"""

from __future__ import annotations


class HeadraceError(Exception):
    """A failure that a user can act on; its message says where, what was found and what would be right."""


class ConfigError(HeadraceError):
    """A declaration is wrong."""


class SourceError(HeadraceError):
    """The source of the rows cannot be read."""


class SourceUnavailable(SourceError):  # noqa: N818  it is called what it is
    """The source of the rows cannot be reached now; trying again can help."""


class DataError(HeadraceError):
    """The rows are not what was declared."""


class ValidationError(DataError):
    """The rows are past the declared limits; the message has a line for each limit."""


class IntegrityError(HeadraceError):
    """A file is not the one that was written."""


class TrackingError(HeadraceError):
    """The model registry cannot be reached or holds something unexpected."""
