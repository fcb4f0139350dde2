"""The environment as DVC sees it, library by library."""

from headrace.environment.describing import describe, write
from headrace.environment.verifying import verify

__all__ = ["describe", "verify", "write"]
