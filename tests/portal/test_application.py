"""What an application consists of beside its form, without a platform."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from portal import application
from portal.catalogue.written import WrittenError, read_definition, written

ITEM: dict[str, Any] = {
    "item_code": "x",
    "version": 1,
    "state": "in_force",
    "materials": [
        {"code": "main", "name": "甲", "required": True},
        {"code": "lease", "name": "乙", "required": True, "when": [{"field": "owns", "one_of": [False]}]},
        {"code": "fire", "name": "丙", "required": True, "when": [{"field": "area", "at_least": 100}]},
        {"code": "tax", "name": "丁", "required": True, "later_working_days": 5},
        {"code": "oath", "name": "戊", "required": True},
    ],
    "commitment": {"materials": ["oath"]},
}


def codes(form: dict[str, Any]) -> list[str]:
    return [rule["code"] for rule in application.asked_for(ITEM, form)]


@pytest.mark.parametrize(
    ("form", "asked"),
    [
        ({}, set()),
        ({"owns": False}, {"lease"}),
        ({"owns": 0}, set()),  # no is not nought
        ({"area": 100}, {"fire"}),
        ({"area": 99.5}, set()),
        ({"area": True}, set()),
        ({"owns": [False, True]}, {"lease"}),
    ],
)
def test_materials_are_asked_for_when_the_answers_call_for_them(form: dict[str, Any], asked: set[str]) -> None:
    assert set(codes(form)) == {"main", "tax", "oath"} | asked
    assert {rule["code"] for rule in application.not_asked_for(ITEM, form)} == {"lease", "fire"} - asked


def test_what_is_promised_is_not_missing_and_only_what_may_follow_can_be_promised() -> None:
    assert set(application.missing(ITEM, {}, {}, [])) == {"main", "tax", "oath"}
    chosen = {"later": ["tax", "main"], "commitment": True}
    assert set(application.missing(ITEM, {}, chosen, [])) == {"main"}
    assert application.later(ITEM, {}, chosen, ["tax"]) == [], "what is there is not owed"


def test_what_the_answers_do_not_call_for_is_not_handed_in() -> None:
    body = application.body_of(ITEM, {"owns": True}, {"later": ["tax"]}, {"main": "r-1", "lease": "r-2"})
    assert (body["materials"], body["later"], body["commitment"]) == (["r-1"], ["tax"], False)


def test_the_round_that_is_open_and_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = [
        {"name": "late", "opens": "2026-09-01", "closes": "2026-09-30"},
        {"name": "early", "opens": "2026-03-01", "closes": "2026-03-31"},
    ]
    item = ITEM | {"batches": rounds}
    for day, now, coming in (
        ("02-28", None, "early"),
        ("03-01", "early", "late"),
        ("03-31", "early", "late"),
        ("10-01", None, None),
    ):
        moment = datetime.fromisoformat(f"2026-{day}T12:00:00").replace(tzinfo=UTC)
        monkeypatch.setattr(application, "china_now", lambda moment=moment: moment)
        found = application.round_of(item)
        assert found is not None
        assert ((found.now or {}).get("name"), (found.coming or {}).get("name")) == (now, coming)
        assert application.closed_because(item) == ("" if now else "batch")
    assert application.closed_because(item | {"state": "suspended"}) == "suspended"


def test_a_definition_is_read_as_it_was_written() -> None:
    definition = {
        "name": "校车？",
        "effective_from": "2026-01-01",
        "materials": [{"code": "a", "required": True}],
        "n": 1.5,
    }
    assert read_definition(written(definition)) == definition
    assert read_definition("effective_from: 2026-01-01") == {"effective_from": "2026-01-01"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a",
        "a: [",
        "1: x",
        "a: !!python/object/apply:os.system [x]",
        "a: &x [1]\nb: *x",
        "a: " + "[" * 1500,
        "a: !!binary aGk=",
        "a: x" * 40_000,
    ],
)
def test_what_is_no_definition_is_refused(text: str) -> None:
    with pytest.raises(WrittenError):
        read_definition(text)
