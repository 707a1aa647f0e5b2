"""The embedded platform killed -9 at each failpoint that it passes, while cases run: nothing lost, nothing doubled."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import invariants
from tests.faults.clients import Clients
from tests.faults.embedded_process import EmbeddedProcess

CASES = 2


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a platform that has published its items and was stopped."""
    folder = tmp_path_factory.mktemp("published")
    platform = EmbeddedProcess(folder)
    platform.start()
    Clients(platform).wait_for_item()
    invariants.wait_until_drained(folder)
    assert platform.stop() == 0
    return folder


@pytest.fixture
def platform(tmp_path: Path, published: Path) -> Iterator[EmbeddedProcess]:
    """A platform on a copy of the published folder; not started."""
    shutil.copytree(published, tmp_path, dirs_exist_ok=True)
    made = EmbeddedProcess(tmp_path)
    yield made
    made.kill()


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
    tmp_path: Path, platform: EmbeddedProcess, failpoint: str
) -> None:
    platform.start(f"{failpoint}:kill")
    clients = Clients(platform)
    clients.submit(CASES)
    clients.work_until_closed()
    platform.ensure_alive()
    invariants.wait_until_drained(tmp_path)
    assert platform.deaths == 1, "the failpoint was never reached: the test would prove nothing"
    invariants.check(tmp_path, clients.acknowledged)
    for case_no in clients.acknowledged:
        [(licence_no,)] = invariants.rows(
            tmp_path, "documents", f"SELECT licence_no FROM licences WHERE case_no = '{case_no}'"
        )
        assert clients.licence_of(case_no) == licence_no, "I8: what the citizen sees is the state of the case"
    assert platform.stop() == 0
