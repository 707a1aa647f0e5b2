"""The life of a process: it stops when asked, within its limit; it never outlives its watcher, nor the watcher it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import sqlalchemy as sa

from chassis import stopping
from chassis.consul import Agent, Registered
from chassis.migrate import upgrade
from chassis.outbox import waiting as waiting_events
from localservers.consul import Consul
from tests.chassis.process import TinyProcess
from tests.chassis.rig import eventually
from tests.chassis.tiny.service import SERVICE, db, notes


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    url = f"sqlite:///{tmp_path}/tiny.sqlite"
    db.bind(url)
    upgrade(db, SERVICE.migrations)
    return {"TONGBAN_DATABASE_URL": url, "TONGBAN_BUS_URL": "embedded", "TONGBAN_DATA_DIR": str(tmp_path)}


@pytest.fixture
def process(environment: Mapping[str, str], tmp_path: Path) -> Iterator[TinyProcess]:
    started = TinyProcess(tmp_path, environment)
    yield started
    started.kill()


def gone(pid: int) -> bool:
    """True when the process has ended, reaped or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_sigterm_finishes_the_request_in_hand_and_what_it_told_then_exits_0(process: TinyProcess) -> None:
    process.wait_ready()
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(process.ask("POST", "/notes/a?hold_s=1")))
    asking.start()

    def stored() -> bool:
        with db.read() as connection:
            return bool(connection.execute(sa.select(notes)).first())

    eventually(stored)
    process.popen.send_signal(signal.SIGTERM)
    assert process.wait() == 0
    asking.join()
    assert answers == [201]
    assert waiting_events(db) == 0


@pytest.fixture
def leaving(environment: Mapping[str, str], tmp_path: Path) -> Iterator[TinyProcess]:
    """A process that was asked to stop, and takes its time."""
    started = TinyProcess(tmp_path, dict(environment) | {"TONGBAN_DRAIN_S": "60"})
    started.wait_ready()
    started.popen.send_signal(signal.SIGTERM)
    eventually(lambda: started.ask("GET", "/health/ready") == 503)
    yield started
    started.kill()


def test_a_leaving_process_serves_on_and_says_so_until_asked_again(leaving: TinyProcess) -> None:
    waiting = http.client.HTTPConnection("127.0.0.1", leaving.port, timeout=30)
    waiting.request("GET", "/wait")
    other = http.client.HTTPConnection("127.0.0.1", leaving.port, timeout=30)
    other.request("POST", "/notes/a")
    answer = other.getresponse()
    assert (answer.status, answer.getheader("Connection")) == (201, f"close, {stopping.OPTION}")
    answer.read()
    assert leaving.ask("GET", "/health/live") == 200
    leaving.popen.send_signal(signal.SIGTERM)
    assert json.loads(waiting.getresponse().read()) == {"closing": True}, "who waits holds nothing up"
    assert leaving.wait() == 0
    assert waiting_events(db) == 0


def test_a_leaving_process_whose_worker_dies_ends_at_once_with_1(leaving: TinyProcess) -> None:
    os.kill(leaving.worker or 0, signal.SIGKILL)
    assert leaving.wait() == 1


def test_ctrl_c_waits_for_nobody(environment: Mapping[str, str], tmp_path: Path) -> None:
    process = TinyProcess(tmp_path, dict(environment) | {"TONGBAN_DRAIN_S": "60"})
    try:
        process.wait_ready()
        process.popen.send_signal(signal.SIGINT)
        assert process.wait() == 0
    finally:
        process.kill()


def test_the_watcher_of_a_killed_worker_exits_1(process: TinyProcess) -> None:
    process.wait_ready()
    os.kill(process.worker or 0, signal.SIGKILL)
    assert process.wait() == 1


def test_the_worker_of_a_killed_watcher_ends_too(process: TinyProcess) -> None:
    process.wait_ready()
    worker = process.worker
    assert worker
    os.kill(process.popen.pid, signal.SIGKILL)
    process.wait()
    eventually(lambda: gone(worker))


def test_a_sigterm_while_loading_ends_it_at_once(process: TinyProcess) -> None:
    worker = eventually(lambda: process.worker)
    process.popen.send_signal(signal.SIGTERM)
    assert process.wait() == 0
    eventually(lambda: gone(worker))


def test_settings_that_make_no_sense_end_it_with_a_sentence(environment: Mapping[str, str], tmp_path: Path) -> None:
    wrong = dict(environment) | {"TONGBAN_DATABASE_URL": "mysql://x", "TONGBAN_BUS_URL": "redis://x"}
    process = TinyProcess(tmp_path, wrong)
    assert process.wait() == 2
    said = process.log.read_text()
    assert "TONGBAN_DATABASE_URL" in said
    assert "TONGBAN_BUS_URL" in said
    assert "Traceback" not in said


def test_a_database_without_its_schema_is_not_ready_and_says_why(
    tmp_path: Path, environment: Mapping[str, str]
) -> None:
    bare = dict(environment) | {"TONGBAN_DATABASE_URL": f"sqlite:///{tmp_path}/bare.sqlite"}
    process = TinyProcess(tmp_path, bare)
    try:

        def answer() -> int:
            try:
                return process.ask("GET", "/health/ready")
            except OSError:
                return 0

        assert eventually(answer) == 503
        assert process.ask("GET", "/health/live") == 200
    finally:
        process.kill()


def test_an_instance_is_withdrawn_while_it_still_takes_requests(
    consul: Consul, environment: Mapping[str, str], tmp_path: Path
) -> None:
    agent = Agent(consul.url)

    def listed() -> list[Registered]:
        return [one for one in agent.instances("tongban-tiny", 0, 0)[1] if one.port == process.port]

    process = TinyProcess(tmp_path, dict(environment) | {"TONGBAN_CONSUL": consul.url, "TONGBAN_DRAIN_S": "60"})
    try:
        process.wait_ready()
        eventually(lambda: [one for one in listed() if one.passing])
        process.popen.send_signal(signal.SIGTERM)
        eventually(lambda: not listed())
        assert process.ask("GET", "/health/live") == 200
        process.popen.send_signal(signal.SIGTERM)
        assert process.wait() == 0
        assert not listed()
    finally:
        process.kill()
