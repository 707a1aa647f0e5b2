"""The embedded platform killed -9 at each failpoint that it passes, while cases run: nothing lost, nothing doubled."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.clients import BUS_PERMIT_OPINIONS, Clients, GatewayDoor
from faults.embedded import NAME, embedded_program
from faults.invariants import judge, sqlite_reader, wait_until_drained
from faults.supervisor import Supervisor
from localservers.processes import Processes

CASES = 2
ROUNDS = 5


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a platform that has published its items and was stopped."""
    folder = tmp_path_factory.mktemp("published")
    program, processes = embedded_program(folder), Processes(folder / "logs")
    processes.start(program)
    try:
        processes.wait_ready()
        Clients(GatewayDoor(program.base_url)).wait_for_item()
        assert wait_until_drained(sqlite_reader(folder)) == []
    finally:
        processes.stop()
    return folder


@pytest.fixture
def processes(tmp_path: Path, published: Path) -> Iterator[Processes]:
    """To run on a copy of the published folder."""
    shutil.copytree(published, tmp_path, dirs_exist_ok=True)
    made = Processes(tmp_path / "logs")
    yield made
    made.stop()


@pytest.mark.parametrize(
    "failpoint",
    [
        "transaction.begin:30",
        "transaction.after_domain_write:25",
        "transaction.after_outbox_insert:20",
        "transaction.after_commit:35",
        "relay.before_publish:4",
        "relay.before_confirm:6",
        "relay.before_mark:5",
        "consumer.before_transaction:6",
        "consumer.inside:9",
        "consumer.after_commit:7",
        "ledger.append:5",
        "ledger.sign:2",
    ],
)
def test_platform_killed_at_a_failpoint_loses_and_doubles_nothing(
    tmp_path: Path, processes: Processes, failpoint: str
) -> None:
    program, read = embedded_program(tmp_path), sqlite_reader(tmp_path)
    clients = Clients(GatewayDoor(program.base_url))
    processes.start(program, {"TONGBAN_FAILPOINT": f"{failpoint}:kill"})
    with Supervisor(processes) as supervisor:
        for _ in range(ROUNDS):  # how often a failpoint is passed varies: what waits together is handled together
            clients.play(CASES)
            assert wait_until_drained(read) == []
            if supervisor.deaths:
                break
        shown = {case_no: clients.shown(case_no) for case_no in clients.acknowledged}
    assert supervisor.deaths[NAME] == 1, "the failpoint was never reached: the test would prove nothing"
    assert judge(read, shown, opinions_per_case=BUS_PERMIT_OPINIONS) == []
