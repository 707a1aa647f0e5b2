"""What the fuzzer works on: a platform, callers of every kind, and the names of things that exist."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from demo.applications import ENROLMENT, SCHOOL_BUS
from demo.client import Api, wait_for
from demo.story import apply, find_item
from localservers.platform import DIRECTORY, directory
from localservers.ports import free_port
from localservers.processes import READY_PATH, Processes, Program

PATIENCE_S = 90.0
SIGNED_IN_S = 600.0
CASES = 3
STRANGERS, ENTITLED = 0.1, 0.7


@dataclass
class Callers:
    """Access tokens by username, renewed before they run out. Used from one thread per process."""

    base_url: str
    passwords: Mapping[str, str]
    _tokens: dict[str, tuple[str, float]] = field(default_factory=dict)
    _scopes: dict[str, set[str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def any(self, chance: random.Random, scopes: Collection[str] = ()) -> dict[str, str]:
        """Headers of somebody: seven in ten may use ``scopes``, one in ten is a stranger, the others are anybody."""
        drawn = chance.random()
        if drawn < STRANGERS:
            return {}
        known = sorted(self.passwords)
        entitled = [name for name in known if drawn < STRANGERS + ENTITLED and set(scopes) <= self._scopes_of(name)]
        return self.headers(chance.choice(entitled or known))

    def _scopes_of(self, username: str) -> set[str]:
        if username not in self._scopes:
            self.headers(username)
        return self._scopes[username]

    def headers(self, username: str) -> dict[str, str]:
        """Authorization of one account."""
        with self._lock:
            token, since = self._tokens.get(username, ("", 0.0))
            if not token or time.monotonic() - since > SIGNED_IN_S:
                token = self._sign_in(username)
                self._tokens[username] = token, time.monotonic()
        return {"Authorization": f"Bearer {token}"}

    def _sign_in(self, username: str) -> str:
        granted = Api(self.base_url, ca_file=None).sign_in(username, self.passwords[username])
        self._scopes[username] = set(granted["scope"].split())
        return str(granted["access_token"])


@dataclass(frozen=True)
class World:
    """``names``: parameter of a path -> values that exist."""

    base_url: str
    callers: Callers
    names: Mapping[str, list[str]]
    openapi: dict[str, Any]


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """The embedded platform with departments that answer, and some cases in it."""
    base_url = f"http://127.0.0.1:{free_port()}"
    processes = Processes(folder / "logs")
    environment = {
        "TONGBAN_HTTP_ADDRESS": base_url.removeprefix("http://"),
        "TONGBAN_PUBLIC_URL": base_url,
        "TONGBAN_DATA_DIR": str(folder / "data"),
        "TONGBAN_DIRECTORY_FILE": str(DIRECTORY),
        "TONGBAN_STAFF_SECOND_FACTOR": "offered",
        "TONGBAN_LOG_LEVEL": "WARNING",
        "TONGBAN_STOP_TIMEOUT_S": "2",  # of which a stream of events lives for half
    }
    try:
        processes.start(Program("platform", "embedded", ("--delay", "0"), environment, base_url + READY_PATH))
        processes.wait_ready()
        passwords = {account["username"]: account["password"] for account in directory()["accounts"]}
        names = _seed(base_url, passwords)
        yield World(base_url, Callers(base_url, passwords), names, _openapi(base_url))
    finally:
        processes.stop()


def _seed(base_url: str, passwords: Mapping[str, str]) -> dict[str, list[str]]:
    school = SCHOOL_BUS.username
    citizen = Api(base_url, ca_file=None, username=school, password=passwords[school])
    wait_for("publication", lambda: _published(citizen, SCHOOL_BUS.item, ENROLMENT.item), timeout_s=PATIENCE_S)
    cases = [apply(citizen, SCHOOL_BUS) for _ in range(CASES)]
    parent = ENROLMENT.username
    cases.append(apply(Api(base_url, ca_file=None, username=parent, password=passwords[parent]), ENROLMENT))
    wait_for("a licence", lambda: citizen.get("/api/v1/licences")["licences"], timeout_s=PATIENCE_S)
    return {
        "case_no": cases,
        "task_id": [task["task_id"] for case_no in cases[:CASES] for task in _tasks(citizen, case_no)],
        "licence_no": [one["licence_no"] for one in citizen.get("/api/v1/licences")["licences"]],
        "item_code": [find_item(citizen, one.item)["item_code"] for one in (SCHOOL_BUS, ENROLMENT)],
        "username": sorted(passwords),
    }


def _published(citizen: Api, *names: str) -> bool:
    return {item["name"] for item in citizen.get("/api/v1/items")["items"]}.issuperset(names)


def _tasks(citizen: Api, case_no: str) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = citizen.get(f"/api/v1/cases/{case_no}")["tasks"]
    return tasks


def _openapi(base_url: str) -> dict[str, Any]:
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=PATIENCE_S)
    connection.request("GET", "/openapi.json")
    document: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return document
