"""A small part of ``make failpoints`` and of ``make rolling``: processes of the platform killed -9 on real servers while cases
run, and stopped as they should be under load.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.databases import PostgresqlDatabases
from faults.failpoints import Row, kill_at, servers
from faults.rig import DEPARTMENTS, Rig, background, server_rig
from faults.rolling import Campaign, roll
from localservers.platform import SERVICES
from localservers.postgresql import PostgreSQL
from localservers.rabbitmq import RabbitMQ
from tests.faults.restoring import (
    copied,
    grown_from,
    move_world,
    newest_checkpoint,
    require_all,
    require_licences,
    surviving,
    tongban,
)

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("servers")
    with servers(folder, instances={"workflow": 2, "gateway": 2}, settings={"TONGBAN_DRAIN_S": "2"}) as running:
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


def test_processes_restarted_one_after_the_other_under_load_fail_no_request_and_lose_nothing(rig: Rig) -> None:
    names = ["workflow-web", "workflow-web-2", "workflow-worker", "gateway"]
    rolled = roll(rig, names, Campaign("a few"))
    assert [request.failure for one in rolled.restarts for request in one.failures] == []
    assert [one.name for one in rolled.restarts if len(one.requests) < 10] == [], (
        "a restart without load proves nothing"
    )
    assert (rolled.failed, rolled.violations) == (0, [])


def test_a_backup_made_under_load_is_restored_on_new_servers(rig: Rig, tmp_path: Path) -> None:
    """The last of this file: the platform is destroyed. Broker and databases begin anew; departments keep what they remember."""
    assert isinstance(rig.databases, PostgresqlDatabases)
    folder, keys = tmp_path / "backup", tmp_path / "elsewhere" / "keys.tar"
    old = rig.clock_file.parent
    source = {"TONGBAN_DATABASE_URL": rig.databases.url_of("{service}"), "TONGBAN_DATA_DIR": str(old / "data")}
    with rig.silence():
        rig.supervisor.stop("documents-worker")  # what it has not heard is in its queue, and lost with the broker
        rig.play()
        before, checkpoint = copied(rig.promises), newest_checkpoint(rig.databases)
        with background(lambda: rig.play(2)):
            tongban(source, "backup", "--to", folder, "--keys-to", keys)
    for name in (*rig.parts, *(f"department-{code}" for code in DEPARTMENTS)):
        rig.supervisor.stop(name)
    with PostgreSQL(tmp_path / "postgresql", fsync=False) as postgresql, RabbitMQ(tmp_path / "rabbitmq") as broker:
        for service in SERVICES:
            postgresql.create_database(service)
        target = {"TONGBAN_DATABASE_URL": postgresql.url("{service}"), "TONGBAN_DATA_DIR": str(tmp_path / "data")}
        said = tongban(target, "restore", "--from", folder, "--keys", keys)
        assert re.search(r"^catalog: .*: [1-9]", said, re.MULTILINE), said
        tongban(target, "restore", "--from", folder, "--keys", keys, fails="不是空的")
        there = PostgresqlDatabases(postgresql.url)
        promises = surviving(there, rig.promises)
        require_all(before, promises)
        move_world(old, tmp_path, promises.cases)
        with server_rig(tmp_path, postgresql, broker, roles=("all",), promises=promises) as restored:
            assert restored.verdict() == []
            restored.submit(2)
            assert restored.verdict() == []
            assert grown_from(there, *checkpoint)
            assert require_licences(there, tmp_path / "data") == len(promises.cases)
