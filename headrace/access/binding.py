"""Whom a service without access checks can be reached by, and the line that says so."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import os
import socket
import sys

HOW = "give out tokens with `headrace token create`, and set HEADRACE_ACCESS__ENABLED=true"


def bound_host() -> str | None:
    """Return the address that BentoML's worker listens at; None outside of one.

    BentoML tells a service nothing of it: not in its settings, where `bentoml serve --host` is not kept. But its worker
    is started with the number of the listening socket as `--fd`.
    """
    with contextlib.suppress(OSError, ValueError, IndexError):
        number = int(sys.argv[sys.argv.index("--fd") + 1])
        with socket.socket(fileno=os.dup(number)) as listening:
            return "localhost" if listening.family == socket.AF_UNIX else str(listening.getsockname()[0])
    return None


def warn_if_open(host: str | None) -> None:
    """Log one loud line; it is for a service whose access checks are off, once at its start.

    Args:
        host: The address it listens at; None where that is not known.
    """
    log = logging.getLogger(__name__)
    if host is not None and _is_loopback(host):
        log.warning("ACCESS CHECKS ARE OFF: every process of this machine may ask (%s). Otherwise %s.", host, HOW)
        return
    where = f"listens at {host}" if host is not None else "may listen at any address"
    log.critical(
        "ACCESS CHECKS ARE OFF AND THE SERVICE IS OPEN: it %s, and whoever reaches it may ask. To close it, %s.",
        where,
        HOW,
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
