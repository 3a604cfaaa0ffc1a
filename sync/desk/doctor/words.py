"""How the doctor writes moments and sizes, and which addresses it takes for this machine's own."""

from __future__ import annotations

import datetime as dt
import ipaddress
from urllib.parse import urlsplit

_UNIT = 1024


def moment_shown(moment: dt.datetime) -> str:
    """`2026-11-22 04:03 UTC`."""
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def bytes_shown(size: float) -> str:
    """`1.4 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < _UNIT:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= _UNIT
    return f"{size:.1f} TiB"


def is_local(url: str) -> bool:
    """Whether what is said to this address never leaves the machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
