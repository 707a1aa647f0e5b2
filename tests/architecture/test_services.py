"""What a service declares is what it does: routes, events, refusals, tables."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from chassis.auth import PUBLIC
from chassis.service import Service
from chassis.web import REFUSALS, create_web
from contracts.registry import EVENTS
from contracts.upcasts import UPCASTS
from contracts_docs.events_page import listeners
from contracts_docs.parties import DEPARTMENT, all_parties
from gateway.routes import ROUTES, find_route
from tests.architecture.house import NAMES, ROOT, SERVICES, at, calls, python_files, tree
from tests.support import Tokens, bind, make_runtime

OPERATOR = ("/health/", "/metrics")
every_service = pytest.mark.parametrize("service", SERVICES, ids=NAMES)


def test_the_five_services_are_here() -> None:
    assert NAMES == ["audit", "catalog", "documents", "identity", "workflow"]


@every_service
def test_every_route_declares_who_may_call_it(service: Service, tmp_path: Path) -> None:
    app = create_web(service, make_runtime(service, tmp_path, Tokens()))
    silent = [
        rule.rule for rule in app.url_map.iter_rules() if not getattr(app.view_functions[rule.endpoint], "scope", "")
    ]
    assert silent == []


@every_service
def test_every_route_is_reached_through_the_gateway(service: Service, tmp_path: Path) -> None:
    app = create_web(service, make_runtime(service, tmp_path, Tokens()))
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(OPERATOR):
            continue
        path = "/".join("x" if part.startswith("<") else part for part in rule.rule.split("/"))
        route = find_route(path)
        assert route.service == service.name, rule.rule
        public = getattr(app.view_functions[rule.endpoint], "scope", "") == PUBLIC
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            assert route.is_public(method, path) == public, (
                f"{method} {rule.rule}: gateway and service disagree on the token"
            )


def test_every_prefix_of_the_gateway_belongs_to_one_service() -> None:
    assert [prefix for prefix, count in Counter(route.prefix for route in ROUTES).items() if count > 1] == []
    assert {route.service for route in ROUTES} == set(NAMES)


@every_service
def test_service_tells_what_it_owns(service: Service) -> None:
    """An older major is read, and told no more."""
    owned = {name for name, spec in EVENTS.items() if spec.owner == service.name and spec.event not in UPCASTS}
    assert {event.TYPE for event in service.tells} == owned


@every_service
def test_every_told_event_is_told_somewhere_in_the_service(service: Service) -> None:
    """A class that no module builds is an announcement that never comes."""
    built = {name.rpartition(".")[2] for path in python_files(f"services/{service.name}") for name, _ in calls(path)}
    assert {event.__name__ for event in service.tells} - built == set()


@every_service
def test_subscriptions_carry_the_name_of_their_service(service: Service) -> None:
    names = [subscription.name for subscription in service.subscriptions]
    assert len(names) == len(set(names))
    assert all(name.startswith(f"{service.name}.") for name in names)


def test_every_event_has_an_owner_a_sample_and_a_schema() -> None:
    assert {spec.owner for spec in EVENTS.values()} == {*NAMES, DEPARTMENT}
    for kind in ("samples", "schemas"):
        assert sorted(path.stem for path in (ROOT / "contracts" / kind).glob("*.json")) == sorted(EVENTS)


def test_every_event_is_heard_or_marked_as_kept_by_the_ledger_only() -> None:
    parties = all_parties()
    assert [party.name for party in parties if party.everything] == ["audit"]
    page = (ROOT / "docs" / "events.md").read_text()
    for name in EVENTS:
        [row] = [line for line in page.splitlines() if f"/{name}.json" in line]
        assert ("ledger only" in row) == (not listeners(name, parties)), name


@every_service
def test_nobody_but_the_ledger_keeps_everything_and_handlers_know_their_events(service: Service) -> None:
    for subscription in service.subscriptions:
        assert (subscription.everything is None) == bool(subscription.handlers), subscription.name
        for event in subscription.handlers:
            assert event.TYPE in EVENTS, f"{subscription.name} handles {event.__name__}"


@every_service
def test_migrations_make_the_models(service: Service, tmp_path: Path) -> None:
    database = bind(service, tmp_path)
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
        difference = compare_metadata(context, database.metadata)
    assert difference == [], f"run: make migration SERVICE={service.name} MESSAGE=..."


@every_service
def test_every_refusal_has_a_status(service: Service) -> None:
    mapped = REFUSALS | dict(service.refusals)
    for path in python_files(f"services/{service.name}"):
        for code, node in refusals(path):
            assert code in mapped, f"{at(path, node)}: {code}"
    assert all(400 <= status < 600 for status in service.refusals.values())


@every_service
def test_no_status_is_kept_for_a_refusal_that_never_comes(service: Service) -> None:
    table = ROOT / "services" / service.name / "service.py"
    said = {
        node.value
        for path in python_files(f"services/{service.name}")
        if path != table
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(service.refusals) - said == set()


def test_refusals_of_the_mechanism_have_a_status() -> None:
    for path in python_files("chassis"):
        for code, node in refusals(path):
            assert code in REFUSALS, f"{at(path, node)}: {code}"


def test_refusals_speak_chinese_and_english() -> None:
    mute = [
        at(path, node)
        for path in python_files("chassis", "services", "gateway")
        for name, node in calls(path)
        if name.rpartition(".")[2] == "Refusal" and len(node.args) > 1 and not bilingual(node.args[1])
    ]
    assert mute == []


def refusals(path: Path) -> list[tuple[str, ast.Call]]:
    """(code, call) of every Refusal with a code written out."""
    found = [(node.args[0], node) for name, node in calls(path) if name.rpartition(".")[2] == "Refusal" and node.args]
    return [(str(code.value), node) for code, node in found if isinstance(code, ast.Constant)]


def bilingual(detail: ast.expr) -> bool:
    """Whether a written-out detail has both languages; one that is computed is not judged."""
    texts = [node.value for node in ast.walk(detail) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    if not isinstance(detail, ast.Constant | ast.JoinedStr):
        return True
    whole = "".join(texts)
    return " / " in whole and any("\u4e00" <= character <= "\u9fff" for character in whole)
