"""Every way a case can go, from the citizen's first call to its end, on the embedded bus and SQLite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.factories.definitions import make_definition
from tests.journeys.case import apply
from tests.journeys.judge import judge_case
from tests.journeys.platform import Town, embedded_town
from tests.journeys.ways import Journey
from tests.journeys.ways.every import JOURNEYS


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with embedded_town(tmp_path_factory.mktemp("journeys")) as town:
        yield town


@pytest.mark.parametrize("way", JOURNEYS, ids=lambda way: way.__name__)
def test(town: Town, way: Journey) -> None:
    way(town)


@pytest.fixture(scope="module")
def ended(town: Town) -> tuple[str, dict[str, Any], list[Any]]:
    """A case that went its whole way: number, as its citizen sees it, trail."""
    case = apply(town, town.publish(make_definition(199)))
    case.agree("accept", "police_opinion", "transport_opinion", "examine", "decide")
    shown = case.ended("closed")
    return case.no, shown, town.told("GET", f"/api/v1/trails/{case.no}", case.who)["events"]


LIES: dict[str, tuple[str, Callable[[list[Any]], list[Any]], str]] = {
    "a case is gone": ("FROM cases", lambda _rows: [], "I1"),
    "a case is in no state": ("FROM cases", lambda rows: [("lost", *rows[0][1:])], "I1"),
    "a task is still open": (
        "SELECT task_id, state",
        lambda rows: [(rows[0][0], "open", *rows[0][2:]), *rows[1:]],
        "I1",
    ),
    "a licence stands twice": ("FROM licences", lambda rows: rows * 2, "I2"),
    "a case is decided twice": ("FROM decisions", lambda rows: rows * 2, "I3"),
    "an opinion stands twice": ("JOIN opinions", lambda rows: [rows[0], *rows], "I3"),
    "an entry is not in the ledger": ("SELECT leaf FROM entries", lambda rows: rows[:-1], "I4"),
    "the case's order has a gap": ("SELECT body FROM outbox", lambda rows: rows[1:], "I4"),
    "a task has no last day": ("SELECT task_id, state", lambda rows: [(*rows[0][:3], None), *rows[1:]], "I5"),
    "an event is parked": ("SELECT event_id FROM retries", lambda _rows: [("e-1",)], "I6"),
    "an event was never sent": ("sent_at IS NULL", lambda _rows: [(1,)], "I7"),
}


@pytest.mark.parametrize("lie", LIES)
def test_the_judge_finds(town: Town, ended: tuple[str, dict[str, Any], list[Any]], lie: str) -> None:
    mark, instead, invariant = LIES[lie]
    case_no, shown, trail = ended

    def read(service: str, query: str) -> list[Any]:
        rows = town.read(service, query)
        return instead(rows) if mark in query and (rows or "FROM retries" in query) else rows

    assert judge_case(town.read, case_no, shown, trail) == []
    assert invariant in {violation.invariant for violation in judge_case(read, case_no, shown, trail)}


def test_the_judge_finds_what_the_citizen_or_audit_is_not_shown(
    town: Town, ended: tuple[str, dict[str, Any], list[Any]]
) -> None:
    case_no, shown, trail = ended
    other = shown | {"state": "denied"}
    assert [v.invariant for v in judge_case(town.read, case_no, other, trail)] == ["I8"]
    assert [v.kind for v in judge_case(town.read, case_no, shown, trail[:-1])] == ["lost"]
    assert [v.invariant for v in judge_case(town.read, case_no, shown, trail[::-1])] == ["I4"]
