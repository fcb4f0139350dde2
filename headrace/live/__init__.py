"""Entity windows that are kept current while rows arrive: the features of training, for one row at a time."""

from headrace.errors import WindowsUnavailable
from headrace.live.features import LiveFeatures
from headrace.live.opening import check_windows, open_windows

__all__ = ["LiveFeatures", "WindowsUnavailable", "check_windows", "open_windows"]
