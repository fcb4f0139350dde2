"""What can go wrong in Headrace, and how it is said.

HeadraceError
├── ConfigError        a declaration (conf/, pipelines/, params.yaml) is wrong
├── SourceError        the source of the rows cannot be read
│   └── SourceUnavailable  ... now; it may well be a little later
├── DataError          the rows are not what was declared
│   └── ValidationError   the rows are past the declared limits
├── IntegrityError     a file is not the one that was written
├── LogError           the prediction log does not take or find what it is asked
│   ├── LogUnavailable     ... now; it may well be a little later
│   ├── ConflictError      a request id was used for something else, or an outcome contradicts an earlier one
│   └── UnknownRequestError  no answer has this request id
├── WindowsUnavailable the store of live windows cannot be reached now; it may well be a little later
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


class LogError(HeadraceError):
    """The prediction log does not take or find what it is asked."""


class LogUnavailable(LogError):  # noqa: N818  it is called what it is
    """The prediction log cannot be written or read now; trying again can help."""

    request_id: str | None = None
    """What to try again with, where the id was made."""


class ConflictError(LogError):
    """A request id was used for another request, or an outcome contradicts an earlier one."""


class UnknownRequestError(LogError):
    """No answer in the prediction log has this request id."""


class WindowsUnavailable(HeadraceError):  # noqa: N818  it is called what it is
    """The store of live windows cannot be reached now; trying again can help."""

    request_id: str | None = None
    """What to try again with, where the id was made."""


class TrackingError(HeadraceError):
    """The model registry cannot be reached or holds something unexpected."""
