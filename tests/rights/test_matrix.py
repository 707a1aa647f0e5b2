"""Every route × every role × the caller's own and somebody else's object: what the table of rights allows, and nothing else.

The routes are those of the merged OpenAPI document, the verdict is that of contracts/rights.py, and everything that belongs to
the owner carries a mark that nobody else may read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from werkzeug.test import TestResponse

from chassis.auth import Principal
from contracts.rights import RIGHTS, ROLES, needs, unmet
from gateway.routes import find_route
from services.identity.domain.directory import Caller
from tests.rights.entries import ENTRIES, Entry, path_of
from tests.rights.world import MARK, Things, World, running_world

METHODS = ("get", "put", "post", "patch", "delete")
REFUSED = (401, 403, 404)
OWNER, STRANGER = "own", "other"
STAFF = {
    "officer": "officer-{department}",
    "supervisor": "supervisor",
    "system_admin": "administrator",
    "security_admin": "security",
    "audit_admin": "auditor",
}
"""Demo accounts; a role without one is asked as an account that is not in the directory."""


@dataclass(frozen=True)
class Operation:
    """One operation of the document. ``scope`` is None when no token is needed."""

    key: str
    method: str
    path: str
    scope: str | None

    @property
    def entry(self) -> Entry:
        return ENTRIES[self.key]


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Things]]:
    with running_world(tmp_path_factory.mktemp("rights")) as made:
        yield made


@pytest.fixture(scope="module")
def world(seeded: tuple[World, Things]) -> World:
    return seeded[0]


@pytest.fixture(scope="module")
def things(seeded: tuple[World, Things]) -> Things:
    return seeded[1]


@pytest.fixture(scope="module")
def operations(world: World) -> list[Operation]:
    """Reading first, and what changes the owner's things last."""
    document = world.told("GET", "/openapi.json", None)
    assert document["x-unavailable-services"] == []
    found = []
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                scopes = [s for need in item[method].get("security", []) for listed in need.values() for s in listed]
                found.append(Operation(f"{method.upper()} {path}", method.upper(), path, scopes[0] if scopes else None))
    return found


@pytest.fixture(scope="module")
def guarded(operations: list[Operation]) -> list[Operation]:
    known = [operation for operation in operations if operation.scope is not None and operation.key in ENTRIES]
    return sorted(known, key=lambda operation: (operation.entry.last, operation.method != "GET"))


def caller_of(world: World, role: str, whose: str) -> Caller:
    """The owner is the applicant, or the department that has the task; the stranger another of that kind."""
    if role == "person":
        return world.person("school-agent" if whose == OWNER else "parent")
    place = {"department": "education" if whose == OWNER else "health"} if role in ("officer", "department") else {}
    account = world.staff(STAFF[role].format(**place)) if role in STAFF else f"{role}-{whose}"
    return Caller(subject=account, name="某人", kind=role, **place)  # type: ignore[arg-type]


def allowed(operation: Operation, caller: Caller, things: Things, owner: str) -> bool:
    """What the table says."""
    assert operation.scope is not None
    asks = Principal(
        subject=caller.subject, name=caller.name, kind=caller.kind, scopes=frozenset(),
        party=caller.party or caller.subject, department=caller.department,
    )  # fmt: skip
    if operation.entry.facts is None:
        return needs(asks, operation.scope) is not None
    return unmet(asks, operation.scope, operation.entry.facts(things, owner)) is None


def sees_everything(role: str, operation: Operation) -> bool:
    """Whether the role reads such objects whoever's they are."""
    return operation.scope is not None and RIGHTS[operation.scope].get(role) == ()  # type: ignore[call-overload]


def ask(world: World, things: Things, operation: Operation, token: str | None) -> TestResponse:
    path = path_of(operation.key, operation.path, things, owner_of(world))
    if operation.key == "POST /api/v1/materials":
        return world.ask("POST", path, token, b"%PDF-1.7 x", **{"Content-Type": "application/pdf"})
    return world.ask(operation.method, path, token, None if operation.method == "GET" else operation.entry.body(things))


def owner_of(world: World) -> str:
    party = world.person("school-agent").party
    assert party is not None
    return party


def test_every_route_is_in_the_matrix_and_every_entry_is_a_route(operations: list[Operation]) -> None:
    assert {operation.key for operation in operations if operation.scope is not None} == set(ENTRIES)


def test_every_scope_of_a_route_is_an_action_of_the_table(operations: list[Operation]) -> None:
    assert {operation.scope for operation in operations if operation.scope is not None} <= set(RIGHTS)


def test_without_a_token_no_guarded_route_answers_and_nothing_changes(
    world: World, things: Things, guarded: list[Operation]
) -> None:
    before = world.versions()
    answers = {operation.key: ask(world, things, operation, None) for operation in guarded}
    assert {key: (a.status_code, a.json["code"]) for key, a in answers.items()} == dict.fromkeys(
        answers, (401, "token_missing")
    )
    assert world.versions() == before


def test_public_routes_ask_for_no_token_and_never_show_what_is_the_owners(
    world: World, things: Things, operations: list[Operation]
) -> None:
    for operation in operations:
        if operation.scope is None:
            path = operation.path.replace("{licence_no}", things.licence).replace("{item_code}", things.item_code)
            assert find_route(path.replace("{version}", "1")).is_public(operation.method, path), operation.key
            if operation.method == "GET" and "{" not in path:
                assert leaks(world.ask("GET", path, None), things) == [], operation.key


@pytest.mark.parametrize("whose", [STRANGER, OWNER])
@pytest.mark.parametrize("role", ROLES)
def test_what_the_table_does_not_allow_is_refused_shows_nothing_and_changes_nothing(
    world: World, things: Things, guarded: list[Operation], role: str, whose: str
) -> None:
    caller, owner, wrong = caller_of(world, role, whose), owner_of(world), []
    token = world.token(caller)
    for operation in guarded:
        if allowed(operation, caller, things, owner):
            continue
        before = world.versions()
        answer = ask(world, things, operation, token)
        changed = {name for name, version in world.versions().items() if version != before[name]}
        shown = leaks(answer, things, operation.entry.body(things))
        if answer.status_code not in REFUSED or changed or shown:
            wrong.append((operation.key, answer.status_code, answer.text[:200], changed, shown))
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
def test_lists_of_a_stranger_hold_nothing_of_the_owners(
    world: World, things: Things, guarded: list[Operation], role: str
) -> None:
    token = world.token(caller_of(world, role, STRANGER))
    for operation in guarded:
        if operation.method == "GET" and not sees_everything(role, operation):
            assert leaks(ask(world, things, operation, token), things) == [], operation.key


# The owner changes the things that the others are asked about, and security administrators change the signing key.
LAST = ("person", "security_admin")


@pytest.mark.parametrize("whose", [STRANGER, OWNER])
@pytest.mark.parametrize("role", [*(role for role in ROLES if role not in LAST), *LAST])
def test_what_the_table_allows_is_answered(
    world: World, things: Things, guarded: list[Operation], role: str, whose: str
) -> None:
    """Whatever else the answer is (a body may be wrong, a task be taken): it is no refusal of rights."""
    caller, owner, wrong, asked = caller_of(world, role, whose), owner_of(world), [], 0
    token = world.token(caller)
    for operation in guarded:
        if not allowed(operation, caller, things, owner):
            continue
        answer = ask(world, things, operation, token)
        asked += 1
        if not is_answered(operation, answer.status_code):
            wrong.append((operation.key, answer.status_code, answer.text[:200]))
    assert wrong == []
    assert asked > 0


def is_answered(operation: Operation, status: int) -> bool:
    """Whether the request went past the guards. Where the entry names no object of the owner's, there may be none (404)."""
    if operation.method == "GET" and operation.entry.facts is not None:
        return status == 200
    missing = operation.entry.own_row or ("{" in operation.path and operation.entry.facts is None)
    return status not in (401, 403, 500, 502, 504) and (status != 404 or missing)


def leaks(answer: TestResponse, things: Things, body: Any = None) -> list[str]:
    """What of the owner's stands in the answer that did not stand in the question."""
    asked = f"{answer.request.path} {body}"
    secrets = (
        MARK,
        things.draft,
        things.material,
        things.open_case,
        things.ended_case,
        things.message,
        things.delegation,
        things.app,
    )
    return [secret for secret in secrets if secret in answer.text and secret not in asked]
