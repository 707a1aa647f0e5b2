"""Whatever an account has, nobody else reaches by its id: every route of identity that names a thing of a person's."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from contracts.rights import RIGHTS
from services.identity.models import (
    consents,
    contacts,
    data_requests,
    db,
    delegations,
    developer_apps,
    developer_keys,
    messages,
    outside_identities,
)
from tests.services.identity.conftest import PASSWORD, Counter, everything
from tests.services.identity.test_own_account import SITE, Owner, add_session, door

OTHER = "330000198807230046"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINE = "of-the-owner"
METHODS = ("get", "put", "post", "patch", "delete")
BODIES: dict[str, Any] = {
    "PUT /api/v1/account/passkeys/{passkey_id}": {"name": "x"},
    "POST /api/v1/account/passkeys/{passkey_id}/removal": {"password": PASSWORD},
    "POST /api/v1/account/outside-identities/{provider_id}/removal": {"password": PASSWORD},
    "PUT /api/v1/my/contacts/{kind}": {"value": "13900000000"},
    "POST /api/v1/my/contacts/{kind}/confirmation": {"code": "123456"},
    "POST /api/v1/developer-apps/{app_id}/application": {
        "datasets": ["items"], "scope": [], "per_minute": 60, "per_day": 1000,
    },
    "POST /api/v1/developer-apps/{app_id}/keys": {"environment": "sandbox"},
}  # fmt: skip
OF_ONES_OWN = {
    "/api/v1/my/contacts/{kind}",
    "/api/v1/my/contacts/{kind}/confirmation",
    "/api/v1/account/consents/{client_id}/withdrawal",
    "/api/v1/account/outside-identities/{provider_id}/removal",
}
"""What is named there is the caller's own of that name: it is no secret that others have one too."""


class Somebody(Owner):
    """A person with one of everything."""

    def __init__(self, counter: Counter, username: str, party: str) -> None:
        super().__init__(counter, username, "person", party=party, sid=f"s-{username}")
        self.party = party

    def call(self, method: str, path: str, scope: str, body: Any = None) -> Any:
        headers = self.counter.tokens.headers(scope, **self.claims)
        headers["Idempotency-Key"] = f"obj-{next(self.counter.keys)}"
        content = {} if method in ("GET", "DELETE") else {"json": {} if body is None else body}
        return self.counter.client.open(path, method=method, headers=headers, **content)

    def furnish(self) -> dict[str, str]:
        """Ids by the name of the path's parameter."""
        passkey = self.set_up_passkey()
        add_session(self.account_id, MINE)
        party, account = {"party_id": self.party}, {"account_id": self.account_id}
        rows = (
            (delegations, {"grantor_id": self.party, "delegation_id": MINE}),
            (developer_apps, party | {"app_id": MINE, "state": "sandbox"}),
            (developer_keys, {"key_id": "key-of-owner", "app_id": MINE, "expires_at": NOW + timedelta(3650)}),
            (data_requests, party | {"request_id": MINE, "state": "open"}),
            (consents, account | {"client_id": "somewhere", "scope": "openid"}),
            (contacts, party | {"kind": "phone", "pending": b"x", "code_sealed": b"x", "code_until": NOW}),
            (outside_identities, account | {"provider": "out"}),
            (messages, party | {"message_id": MINE, "event_id": MINE}),
            (messages, account | {"message_id": "notice-of-owner", "event_id": "notice-of-owner"}),
        )
        with db.transaction() as tx:
            for table, row in rows:
                tx.execute(sa.insert(table).values(filled(table, row)))
        return {
            "passkey_id": passkey, "session_id": MINE, "delegation_id": MINE, "app_id": MINE, "key_id": "key-of-owner",
            "request_id": MINE, "client_id": "somewhere", "kind": "phone", "provider_id": "out", "message_id": MINE,
        }  # fmt: skip


def filled(table: sa.Table, row: dict[str, Any]) -> dict[str, Any]:
    """The row with something in every column that must have something."""
    usual = {str: "x", int: 0, bool: False, bytes: b"", dict: {}, date: date(2027, 1, 1), datetime: NOW}
    needed = {c.name: c for c in table.columns if not c.nullable and c.name not in row and c.server_default is None}
    return row | {name: usual[_kind(column.type)] for name, column in needed.items()}


def _kind(column: sa.types.TypeEngine[Any]) -> type:
    kind = column.python_type
    if kind is object:
        return datetime if "Time" in type(column).__name__ else dict
    return kind


@pytest.fixture
def owner(counter: Counter) -> Somebody:
    door(counter, site=SITE)
    return Somebody(counter, "parent", counter.person())


@pytest.fixture
def stranger(owner: Somebody) -> Somebody:
    return Somebody(owner.counter, "second", owner.counter.person(OTHER, "周敏"))


def of_persons(counter: Counter, *, named: bool) -> list[tuple[str, str, str]]:
    """Method, path and scope of the routes that a person may use, those that name a thing, or those that list."""
    found = []
    for path, item in counter.client.get("/openapi/identity.json").json["paths"].items():
        for method, operation in ((name, one) for name, one in item.items() if name in METHODS):
            scopes = [s for need in operation.get("security", []) for s in need.get("bearer", [])]
            if scopes and "person" in RIGHTS[scopes[0]] and ("{" in path) == named:
                found.append((method.upper(), path, scopes[0]))
    return found


def rows_of(owner: Somebody) -> dict[str, list[Any]]:
    """Every row that speaks of the owner, by table."""
    marks = (MINE, owner.account_id, owner.party, "key-of-owner", "notice-of-owner")
    return {
        table: [row for row in rows if any(mark in map(str, row) for mark in marks)]
        for table, rows in everything().items()
        if table != "idempotency"
    }


def test_what_is_another_accounts_is_not_there_and_stays_as_it_is(owner: Somebody, stranger: Somebody) -> None:
    ids = owner.furnish()
    before, wrong, asked = rows_of(owner), [], 0
    for method, path, scope in of_persons(owner.counter, named=True):
        for message in (MINE, "notice-of-owner") if "{message_id}" in path else (MINE,):
            filled = re.sub(r"{(\w+)}", lambda name: (ids | {"message_id": message})[name[1]], path)  # noqa: B023
            answer = stranger.call(method, filled, scope, BODIES.get(f"{method} {path}"))
            asked += 1
            if answer.status_code != 404 and path not in OF_ONES_OWN:
                wrong.append((method, path, answer.status_code, answer.text[:200]))
            if rows_of(owner) != before:
                wrong.append((method, path, "changed", ""))
                before = rows_of(owner)
    assert wrong == []
    assert asked >= len(BODIES)


def test_lists_hold_nothing_of_another_account(owner: Somebody, stranger: Somebody) -> None:
    secrets = {*owner.furnish().values(), owner.account_id, owner.party, "notice-of-owner"} - {"phone", "out"}
    for method, path, scope in of_persons(owner.counter, named=False):
        if method == "GET":
            answer = stranger.call(method, path, scope)
            assert [secret for secret in secrets if secret in answer.text] == [], path
