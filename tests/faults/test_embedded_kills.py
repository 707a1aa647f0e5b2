"""The embedded platform killed -9 at each failpoint that it passes, while cases run: nothing lost, nothing doubled."""

from __future__ import annotations

import pytest

from chassis.failpoints import NAMES
from faults.failpoints import Row, kill_at
from faults.rig import Rig

ONLY_ON_SERVERS = {name for name in NAMES if name.startswith("bridge.")}


@pytest.mark.parametrize("failpoint", sorted(NAMES - ONLY_ON_SERVERS))
def test_platform_killed_at_a_failpoint_loses_and_doubles_nothing(embedded: Rig, failpoint: str) -> None:
    row = Row("embedded", failpoint)
    kill_at(embedded, row, 2)
    assert row.runs == 1, "the failpoint was never reached: the test would prove nothing"
    assert row.violations == []
