"""How long an account, or a network address, has to wait after wrong passwords and codes. It grows, and never becomes a lock."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

FREE_FAILURES = 4
LONGEST_WAIT_S = 300
QUIET = timedelta(hours=24)
"""Failures are forgotten after this long without another one."""
FORGIVEN_PER_MINUTE = 1.0
"""Many people share an address, so its failures drain away while those of an account stay until it is signed in to."""
_MOST_ABOVE = 12.0


@dataclass(frozen=True)
class Delays:
    """From which failure on there is a delay: in a row for an account, in the bucket for an address; and its ceiling."""

    failures: int = FREE_FAILURES + 1
    longest_wait_s: int = LONGEST_WAIT_S
    address_failures: int = 20

    def of_account(self, failures: int) -> timedelta:
        """Wait before the next attempt on an account that failed so often in a row."""
        return wait_after(failures, self.failures - 1, self.longest_wait_s)

    def of_address(self, level: float) -> timedelta:
        """Wait before the next attempt from an address whose bucket is so full."""
        return wait_after(math.ceil(level), self.address_failures, self.longest_wait_s)

    def filled(self, level: float, quiet: timedelta) -> float:
        """The bucket of an address after one more failure, ``quiet`` after the last. It overflows: half an hour empties it."""
        left = max(0.0, level - FORGIVEN_PER_MINUTE * max(quiet, timedelta()) / timedelta(minutes=1))
        return min(left + 1, self.address_failures + _MOST_ABOVE)


def wait_after(failures: int, free: int = FREE_FAILURES, longest_wait_s: int = LONGEST_WAIT_S) -> timedelta:
    """Wait before the next attempt after so many failures: none for the ``free`` ones, then 1, 2, 4 … up to the longest."""
    if failures <= free:
        return timedelta()
    doublings = min(failures - free - 1, longest_wait_s.bit_length())
    return timedelta(seconds=min(2**doublings, longest_wait_s))
