"""How long an account has to wait after wrong passwords. It grows, and it never becomes a lock."""

from __future__ import annotations

from datetime import timedelta

FREE_FAILURES = 4
LONGEST_WAIT_S = 300
QUIET = timedelta(hours=24)
"""Failures are forgotten after this long without another one."""


def wait_after(failures: int) -> timedelta:
    """Wait before the next attempt after so many failures in a row: none for the first four, then 1, 2, 4 … 300 seconds."""
    if failures <= FREE_FAILURES:
        return timedelta()
    doublings = min(failures - FREE_FAILURES - 1, LONGEST_WAIT_S.bit_length())
    return timedelta(seconds=min(2**doublings, LONGEST_WAIT_S))
