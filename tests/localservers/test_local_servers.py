"""Servers of one's own: they start, survive kill -9 with their data, and never outlive whoever started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from localservers import install, requirements
from localservers.child import Child, ServerDied
from localservers.postgresql import PostgreSQL
from localservers.rabbitmq import RabbitMQ


def ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_until_ended(*pids: int) -> None:
    deadline = time.monotonic() + 20
    while not all(ended(pid) for pid in pids):
        assert time.monotonic() < deadline, "still running"
        time.sleep(0.02)


STARTER = """
import os, signal, subprocess, sys, threading
from pathlib import Path
from localservers.child import Child
log = Path(sys.argv[1]) / "log"
children = []
thread = threading.Thread(target=lambda: children.append(
    Child(["sh", "-c", "sleep 600 & sleep 600"], log, environment={"PATH": os.environ["PATH"]})))
thread.start()
thread.join()
print(children[0].pid, flush=True)
sys.stdin.read()
"""


def test_children_die_with_their_starter_even_when_it_is_killed_and_not_with_its_thread(tmp_path: Path) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout
    shell = int(starter.stdout.readline())

    def children() -> list[int]:
        return [int(pid) for pid in Path(f"/proc/{shell}/task/{shell}/children").read_text().split()]

    while len(children()) < 2:
        time.sleep(0.01)
    sleepers = children()
    assert not ended(shell)
    starter.kill()
    starter.wait()
    wait_until_ended(shell, *sleepers)


def test_a_server_that_does_not_start_is_said_with_its_last_words(tmp_path: Path) -> None:
    child = Child(["sh", "-c", "echo no luck; exit 3"], tmp_path / "log", environment=dict(os.environ))
    with pytest.raises(ServerDied, match="no luck"):
        child.wait_until(lambda: False, timeout_s=10)


def test_stop_kills_what_does_not_go_politely(tmp_path: Path) -> None:
    child = Child(
        ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"], tmp_path / "log", environment=dict(os.environ)
    )
    child.stop(signal.SIGTERM, timeout_s=0.2)
    wait_until_ended(child.pid)


def test_postgresql_keeps_its_data_through_kill_9(postgresql: PostgreSQL, postgresql_url: str) -> None:
    address = postgresql_url.replace("+psycopg", "")
    with psycopg.connect(address) as session:
        session.execute("CREATE TABLE t AS SELECT 1 AS a")
    before = postgresql.pid
    postgresql.kill()
    wait_until_ended(before)
    postgresql.restart()
    with psycopg.connect(address) as session:
        assert session.execute("SELECT a FROM t").fetchall() == [(1,)]


def test_a_kept_cluster_has_its_data_at_the_next_start_and_another_is_fresh() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # the server may run as another user
        for there in (False, True):
            with PostgreSQL(folder, fsync=False, keep=True) as server:
                assert ("kept" in databases(server)) == there
                server.create_database("kept")
        with PostgreSQL(folder, fsync=False) as server:
            assert "kept" not in databases(server)


def databases(server: PostgreSQL) -> set[str]:
    with psycopg.connect(server.url("postgres").replace("+psycopg", "")) as session:
        return {row[0] for row in session.execute("SELECT datname FROM pg_database")}


def test_rabbitmq_answers_through_its_management_api(rabbitmq: RabbitMQ) -> None:
    api = rabbitmq.management
    api.create_vhost("local servers/1")
    assert api.queue("local servers/1", "none") is None
    assert api.connections("local servers/1") == []
    api.delete_vhost("local servers/1")
    assert "nodes" in rabbitmq.ctl("cluster_status", "--formatter", "json") or rabbitmq.ctl("ping")


def test_what_is_missing_is_named_and_nothing_is_installed_without_rights(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(requirements, "RABBITMQ_SERVER", tmp_path / "none")
    monkeypatch.setattr(install, "_as_root", lambda: None)
    with pytest.raises(SystemExit) as caught:
        install.main()
    assert "rabbitmq-server" in str(caught.value.code)
    assert "postgresql" not in str(caught.value.code)
    with pytest.raises(requirements.ServerMissing, match="apt-get install --no-install-recommends rabbitmq-server"):
        requirements.require("rabbitmq-server")


def test_consul_which_debian_no_longer_has_is_named_with_its_source() -> None:
    said = requirements.how_to_install(["redis-server", "consul"])
    assert "apt-get install --no-install-recommends redis-server;" in said
    assert "https://developer.hashicorp.com/consul/install" in said
    assert "apt-get" not in requirements.how_to_install(["consul"])
