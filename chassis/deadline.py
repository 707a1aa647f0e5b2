"""Until when the caller waits, passed down with a request: what nobody waits for any more is not worth doing.

A point in time, and not a length of it, so that the wait for a free thread counts as well. Machines keep the same time.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

HEADER = "X-Request-Deadline-Ms"
"""Milliseconds since 1970, UTC."""
_KEY = "HTTP_X_REQUEST_DEADLINE_MS"


def left_s(environ: Mapping[str, Any]) -> float | None:
    """Seconds until the deadline of a request, below 0 when it has passed; None without one, or for one that is no number."""
    stated = environ.get(_KEY)
    if stated is None or not (stated.isascii() and stated.isdigit() and len(stated) < 16):
        return None
    return int(stated) / 1000 - time.time()


def in_s(seconds: float) -> str:
    """The header's value for so many seconds from now."""
    return str(int((time.time() + seconds) * 1000))
