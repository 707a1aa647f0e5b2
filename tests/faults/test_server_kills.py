"""A small part of ``make failpoints``: processes of the platform killed -9 on real servers while cases run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from faults.failpoints import Row, kill_at, servers
from faults.rig import Rig

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("servers")
    with servers(folder) as running:
        yield running


@pytest.mark.parametrize(
    ("program", "failpoint"),
    [
        ("workflow-worker", "consumer.after_commit"),
        ("audit-worker", "ledger.append"),
        ("bridge", "bridge.before_ack"),
    ],
)
def test_a_process_killed_at_a_failpoint_loses_and_doubles_nothing(rig: Rig, program: str, failpoint: str) -> None:
    row = Row(program, failpoint)
    kill_at(rig, row, 2)
    assert row.runs == 1, "the failpoint was never reached: the test would prove nothing"
    assert row.violations == []
