"""The embedded platform killed -9 where it hurts most, while cases run: nothing lost, nothing doubled.

`make failpoints` does it at every failpoint.
"""

from __future__ import annotations

import pytest

from faults.failpoints import Row, kill_at
from faults.rig import Rig

FAILPOINTS = (
    "transaction.after_commit",
    "relay.before_mark",
    "consumer.inside",
    "ledger.append",
)


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_platform_killed_at_a_failpoint_loses_and_doubles_nothing(embedded: Rig, failpoint: str) -> None:
    row = Row("embedded", failpoint)
    kill_at(embedded, row, 2)
    assert row.runs == 1, "the failpoint was never reached: the test would prove nothing"
    assert row.violations == []
