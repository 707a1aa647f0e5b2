"""Killed -9 at every failpoint of transaction, relay and consumer, and restarted: nothing is lost, nothing doubled."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from chassis.db import Database
from chassis.failpoints import NAMES, _Armed
from chassis.outbox import waiting
from chassis.run import migrate
from chassis.settings import load_settings
from tests.chassis.process import TinyProcess
from tests.chassis.rig import eventually
from tests.chassis.tiny.service import SERVICE, effects

FAILPOINTS = sorted(name for name in NAMES if name.split(".")[0] in ("transaction", "relay", "consumer"))


def environment_of(folder: Path, database_url: str, bus_url: str) -> dict[str, str]:
    return {"TONGBAN_DATABASE_URL": database_url, "TONGBAN_BUS_URL": bus_url, "TONGBAN_DATA_DIR": str(folder)}


@pytest.fixture(params=["embedded", pytest.param("servers", marks=pytest.mark.servers)])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    if request.param == "embedded":
        return environment_of(tmp_path, f"sqlite:///{tmp_path}/tiny.sqlite", "embedded")
    vhost: Any = request.getfixturevalue("vhost")
    url: str = request.getfixturevalue("postgresql_url")
    return environment_of(tmp_path, url, vhost.url("workflow"))


@pytest.fixture
def database(environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Database:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = load_settings("tiny")
    SERVICE.database.bind(settings.database_url)
    migrate(SERVICE, settings)
    return SERVICE.database


def count_effects(database: Database) -> Counter[tuple[str, str]]:
    with database.read() as connection:
        return Counter((row.kind, row.note_no) for row in connection.execute(sa.select(effects)))


def test_a_service_killed_at_every_failpoint_loses_and_doubles_nothing(
    environment: Mapping[str, str], database: Database, tmp_path: Path
) -> None:
    assert len(FAILPOINTS) == 10
    numbers = (f"{number:05}" for number in count())
    told: list[str] = []
    for nth, failpoint in enumerate(FAILPOINTS, start=1):
        process = TinyProcess(tmp_path, environment, failpoint=f"{failpoint}:{nth % 4 + 1}:kill")
        try:
            while True:
                told.append(next(numbers))
                assert len(told) < 2_000, f"{failpoint} is never passed"
                if not process.tells(told[-1]):
                    break
            assert process.wait() == 1, failpoint
        finally:
            process.kill()
        assert set(count_effects(database).values()) <= {1}, failpoint

    process = TinyProcess(tmp_path, environment)
    try:
        for note in told:  # as a client does who got no answer; the answered ones are repeated too
            assert process.tells(note)
        expected = Counter((kind, note) for kind in ("first", "second") for note in told)
        eventually(lambda: count_effects(database) == expected and waiting(database) == 0)
        process.popen.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    finally:
        process.kill()
    assert count_effects(database) == expected
    assert waiting(database) == 0
    with database.read() as connection:
        assert connection.execute(sa.select(database.retries)).fetchall() == []


def test_a_failpoint_that_does_not_exist_is_refused() -> None:
    for spec in ("nowhere:1:kill", "relay.before_mark:1:sleep"):
        with pytest.raises(ValueError, match="TONGBAN_FAILPOINT"):
            _Armed(spec)
