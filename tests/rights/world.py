"""The embedded platform with things in it that belong to somebody: whose they are decides every request of the matrix."""

from __future__ import annotations

import itertools
import json
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from stdnum.cn import ric
from werkzeug.test import Client, TestResponse

from chassis import clock
from chassis.discovery import Local
from chassis.settings import load_settings
from demo.applications import SCHOOL_BUS, paper
from demo.client import wait_for
from embedded.platform import SERVICES, start_platform
from localservers.platform import DIRECTORY
from services.identity.api.desk import DESK
from services.identity.domain.directory import Caller
from services.identity.models import accounts, db
from services.workflow.domain.deadline import law_date
from tests.rights.modes import keep_modes

PATIENCE_S = 60.0
PLAN = (
    ("accept", "education"),
    ("police_opinion", "police"),
    ("transport_opinion", "transport"),
    ("examine", "education"),
    ("decide", "county_government"),
    ("issue_plate", "police"),
)
NOT_HERE = "33000019900101001"  # of nobody in the directory; the check digit is added
APP = {"name": "应用", "name_en": "App", "purpose": "查询办事指南", "contact": "dev@example.org"}
MARK = "白石桥机密站"
"""Stands in the forms of the owner's cases and in nobody else's: where a stranger reads it, something leaked."""


@dataclass(frozen=True)
class Things:
    """What belongs to the owner, by id. ``open_case`` waits for its acceptance by education, ``ended_case`` has a licence;
    ``delegation`` is offered to somebody who is not here; ``app`` is a developer's, ``api_key`` the id of its key.
    """

    item_code: str
    open_case: str
    ended_case: str
    task: str
    draft: str
    material: str
    receipt: str
    licence: str
    message: str
    delegation: str
    item_draft: str
    app: str
    api_key: str
    party: str
    bundle: str
    slot: str
    appointment: str


class World:
    """Speaks to the platform as anybody. Tokens are signed by identity itself, so that every role has one."""

    def __init__(self, folder: Path, app: Any, identity: Any) -> None:
        self._folder, self._client, self._identity = folder, Client(app), identity
        self._keys = itertools.count(1)
        with db.read() as connection:
            self._accounts = {row.username: row for row in connection.execute(sa.select(accounts))}

    def person(self, username: str) -> Caller:
        """A demo account of a person, fully assured."""
        row = self._accounts[username]
        return Caller(subject=row.account_id, name=row.name, kind="person", party=row.party_id, level=5)

    def staff(self, username: str) -> str:
        """Id of a demo account of staff."""
        return str(self._accounts[username].account_id)

    def token(self, caller: Caller) -> str:
        issued: str = self._identity.extensions["tongban"].parts[DESK].tokens.issue(caller)["access_token"]
        return issued

    def ask(self, method: str, path: str, token: str | None, body: Any = None, **headers: str) -> TestResponse:
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        headers["Idempotency-Key"] = f"k-{next(self._keys)}"
        content = {"data": body} if isinstance(body, bytes) else {"json": body}
        return self._client.open(path, method=method, headers=headers, **content)

    def told(self, method: str, path: str, token: str | None, body: Any = None, **headers: str) -> Any:
        answer = self.ask(method, path, token, body, **headers)
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json

    def versions(self) -> dict[str, int]:
        """A number per service that changes with every commit in its database."""
        return {name: watch.execute("PRAGMA data_version").fetchone()[0] for name, watch in self._watches().items()}

    def _watches(self) -> Mapping[str, sqlite3.Connection]:
        if not hasattr(self, "_open"):
            self._open = {
                service.name: sqlite3.connect(self._folder / f"{service.name}.sqlite", check_same_thread=False)
                for service in SERVICES
            }
        return self._open

    def close(self) -> None:
        for watch in getattr(self, "_open", {}).values():
            watch.close()

    def seed(self) -> Things:
        """The owner's cases, one running and one that went its whole way, and a stranger's."""
        item = wait_for("the item", self._item, timeout_s=PATIENCE_S)
        owner, stranger = self.token(self.person("school-agent")), self.token(self.person("parent"))
        form = item["form_schema"]["examples"][0]
        marked = json.loads(json.dumps(form).replace(json.dumps("云溪县第一小学")[1:-1], MARK))
        assert MARK in json.dumps(marked, ensure_ascii=False)
        stored = self._upload(owner, item)
        open_case = self._apply(owner, item, marked, stored)
        ended_case = self._apply(owner, item, marked, stored)
        self._apply(stranger, item, form, self._upload(stranger, item))
        for step, department in PLAN:
            self._answer(f"{ended_case}-{step}-1", department)
        licence = wait_for("the licence", lambda: self._licence(owner), timeout_s=PATIENCE_S)
        rating = {"case_no": ended_case, "level": 5, "comment": MARK, "aspects": []}
        wait_for(
            "the end",
            lambda: self.ask("POST", "/api/v1/ratings", owner, rating).status_code == 201,
            timeout_s=PATIENCE_S,
        )
        wait_for(
            "both in the record",
            lambda: all(
                self.ask("GET", f"/api/v1/trails/{c}", owner).status_code == 200 for c in (open_case, ended_case)
            ),
            timeout_s=PATIENCE_S,
        )
        draft = self.told("POST", "/api/v1/drafts", owner, {"item_code": item["item_code"]})
        saved = {"form": {"school": MARK}, "materials": {}, "step": "form", "version": draft["version"]}
        self.told("PUT", f"/api/v1/drafts/{draft['draft_id']}", owner, saved)
        messages = wait_for(
            "a message", lambda: self.told("GET", "/api/v1/messages", owner)["messages"], timeout_s=PATIENCE_S
        )
        offer = {
            "name": "许某",
            "identity_number": NOT_HERE + ric.calc_check_digit(NOT_HERE + "0"),
            "actions": ["submit"],
            "from_on": law_date(clock.now()).isoformat(),
            "until_on": law_date(clock.now() + timedelta(days=30)).isoformat(),
        }
        delegation = self.told("POST", "/api/v1/delegations", owner, offer)
        author = Caller(subject="author-education", name="起草人", kind="officer", department="education")
        written = {"definition": {name: item[name] for name in ("item_code", "name", "lead_department")}}
        item_draft = self.told("POST", "/api/v1/item-drafts", self.token(author), written)
        app = self.told("POST", "/api/v1/developer-apps", owner, APP)
        return Things(
            item_code=item["item_code"],
            open_case=open_case,
            ended_case=ended_case,
            task=f"{open_case}-accept-1",
            draft=draft["draft_id"],
            material=stored[0]["material_id"],
            receipt=stored[0]["receipt"],
            licence=licence,
            message=messages[0]["message_id"],
            delegation=delegation["delegation_id"],
            item_draft=item_draft["draft_id"],
            app=app["app_id"],
            api_key=app["key_id"],
            party=str(self.person("school-agent").party),
            **keep_modes(item["item_code"], open_case),
        )

    def _item(self) -> Any:
        found = [i for i in self.told("GET", "/api/v1/items", None)["items"] if i["name"] == SCHOOL_BUS.item]
        return self.told("GET", f"/api/v1/items/{found[0]['item_code']}", None) if found else None

    def _upload(self, token: str, item: Any) -> list[Any]:
        def stored(code: str) -> Any:
            path = f"/api/v1/materials?item_code={item['item_code']}&material_code={code}"
            answer = self.ask("POST", path, token, paper(code), **{"Content-Type": "application/pdf"})
            return answer.json if answer.status_code == 201 else None

        required = [material["code"] for material in item["materials"] if material["required"]]
        return [wait_for("the store", lambda code=code: stored(code), timeout_s=PATIENCE_S) for code in required]

    def _apply(self, token: str, item: Any, form: Any, stored: list[Any]) -> str:
        body = {"item_code": item["item_code"], "form": form, "materials": [material["receipt"] for material in stored]}

        def opened() -> Any:
            answer = self.ask("POST", "/api/v1/cases", token, body)
            assert answer.status_code in (201, 404), answer.text
            return answer.json["case_no"] if answer.status_code == 201 else None

        return str(wait_for("the item at workflow", opened, timeout_s=PATIENCE_S))

    def _answer(self, task_id: str, department: str) -> None:
        token = self.token(
            Caller(subject=f"{department}-system", name=department, kind="department", department=department)
        )
        self.told("POST", f"/api/v1/tasks/{task_id}/opinion", token, {"verdict": "agree"})

    def _licence(self, token: str) -> str | None:
        licences = self.told("GET", "/api/v1/licences", token)["licences"]
        return str(licences[0]["licence_no"]) if licences else None


@contextmanager
def running_world(folder: Path) -> Iterator[tuple[World, Things]]:
    """A seeded platform whose background work has ended: from then on only requests change anything."""
    settings = replace(
        load_settings("embedded"),
        data_dir=folder,
        directory_file=DIRECTORY,
        log_level="ERROR",
        stop_timeout_s=0.2,  # streams of events last half of it: they end after what there is to tell
    )
    settings = replace(settings, staff_second_factor="offered")
    platform = start_platform(settings)
    directory = platform.app._directory
    identity = directory.find("identity")
    assert isinstance(identity, Local)
    world = World(folder, platform.app, identity.app)
    try:
        things = world.seed()
    finally:
        platform.stop(20)
    try:
        yield world, things
    finally:
        world.close()
        platform.app.close()
        clock.follow(None)


NOBODY = str(uuid.UUID(int=0))
