"""A winner, packed as a Bento with all that its service needs."""

from headrace.packaging.packaging import Packaged, package, sync

__all__ = ["Packaged", "package", "sync"]
