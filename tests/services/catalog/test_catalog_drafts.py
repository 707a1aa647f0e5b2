from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from chassis import clock
from contracts.item import ItemPublished, ItemResumed, ItemRetired, ItemSuspended
from services.catalog.domain.law_date import law_date
from services.catalog.jobs import keep_calendar
from services.catalog.models import db, drafts, history
from services.catalog.service import SERVICE
from tests.services.catalog.conftest import Publisher
from tests.support import Tokens, metric, show_gauges, told

Document = dict[str, Any]
Post = Callable[..., Any]
SCOPES = "catalog:write catalog:review catalog:publish history:read"
TODAY = law_date(clock.now())


@pytest.fixture
def ask(client: FlaskClient, tokens: Tokens) -> Post:
    """A call by somebody of the education department, unless another is named."""

    def call(method: str, path: str, who: str, body: Any = None, **claims: Any) -> Any:
        said = {"kind": "officer", "dept": "education"} if not who.startswith("admin") else {"kind": "system_admin"}
        headers = tokens.headers(SCOPES, sub=who, **(said | claims))
        key = f"{who}-{method}-{path}-{hash(repr(body))}"
        return client.open(path, method=method, json=body, headers=headers | {"Idempotency-Key": key[-200:]})

    return call


@pytest.fixture
def definition(school_bus: Document, departments: None) -> Document:
    return school_bus | {"effective_from": TODAY.isoformat()}


def start(ask: Post, definition: Document, who: str = "author") -> str:
    answer = ask("POST", "/api/v1/item-drafts", who, {"definition": definition, "why": "年度修订"})
    assert answer.status_code == 201, answer.json
    assert answer.headers["Location"].endswith(answer.json["draft_id"])
    return str(answer.json["draft_id"])


def move(ask: Post, draft_id: str, step: str, who: str, **body: Any) -> Any:
    return ask("POST", f"/api/v1/item-drafts/{draft_id}/{step}", who, body)


def states() -> list[tuple[str, int]]:
    with db.read() as connection:
        return [(row.state, row.revision) for row in connection.execute(sa.select(drafts).order_by(drafts.c.draft_id))]


def actions() -> list[tuple[str, str, str]]:
    with db.read() as connection:
        rows = connection.execute(sa.select(history).order_by(history.c.position)).all()
    return [(row.action, row.by, row.why) for row in rows]


def approved(ask: Post, definition: Document) -> str:
    draft_id = start(ask, definition)
    assert move(ask, draft_id, "submission", "author", revision=1).status_code == 201
    answer = move(ask, draft_id, "review", "reviewer", revision=2, verdict="approve", why="要素齐全")
    assert (answer.status_code, answer.json["state"]) == (201, "approved"), answer.json
    return draft_id


def test_a_draft_is_written_reviewed_by_a_second_person_and_published(ask: Post, definition: Document) -> None:
    draft_id = approved(ask, definition)
    answer = move(ask, draft_id, "publication", "admin", why="同意")
    assert (answer.status_code, answer.json["version"], answer.json["state"]) == (201, 1, "published")
    [event] = told(db)
    assert (event.item.version, event.effective_from) == (1, TODAY)
    assert actions() == [
        ("drafted", "author", "年度修订"),
        ("submitted", "author", ""),
        ("approved", "reviewer", "要素齐全"),
        ("published", "admin", "同意"),
    ]
    past = ask("GET", f"/api/v1/item-history/{definition['item_code']}", "author").json["history"]
    assert [(one["action"], one["version"]) for one in past][:2] == [("published", 1), ("approved", None)]


def test_nobody_reviews_what_they_have_written(ask: Post, definition: Document) -> None:
    draft_id = start(ask, definition)
    changed = definition | {"limit_note": "另有说明", "limit_note_en": "A note"}
    assert (
        ask("PUT", f"/api/v1/item-drafts/{draft_id}", "second", {"definition": changed, "revision": 1}).status_code
        == 200
    )
    assert move(ask, draft_id, "submission", "author", revision=2).status_code == 201
    for who in ("author", "second"):
        answer = move(ask, draft_id, "review", who, revision=3, verdict="approve", why="好")
        assert (answer.status_code, answer.json["code"]) == (403, "review_of_own_draft")
    assert states() == [("in_review", 3)]
    assert move(ask, draft_id, "review", "third", revision=3, verdict="approve", why="好").status_code == 201


def test_a_draft_that_is_given_back_can_be_changed_and_reviewed_again(ask: Post, definition: Document) -> None:
    draft_id = start(ask, definition)
    move(ask, draft_id, "submission", "author", revision=1)
    body = {"definition": definition, "revision": 2}
    refused = ask("PUT", f"/api/v1/item-drafts/{draft_id}", "author", body)
    assert (refused.status_code, refused.json["code"]) == (409, "draft_state")
    answer = move(ask, draft_id, "review", "reviewer", revision=2, verdict="return", why="承诺时限写错")
    assert answer.json == {"draft_id": draft_id, "state": "draft", "revision": 3}
    change = {"definition": definition | {"name_en": "School bus licence"}, "revision": 3}
    for _ in range(2):  # a repeat of the same change is the same change
        assert ask("PUT", f"/api/v1/item-drafts/{draft_id}", "author", change).json["revision"] == 4
    stale = ask("PUT", f"/api/v1/item-drafts/{draft_id}", "other", {"definition": definition, "revision": 3})
    assert (stale.status_code, stale.json["code"], stale.json["revision"]) == (409, "draft_changed", 4)
    assert move(ask, draft_id, "submission", "author", revision=4).status_code == 201


def test_what_is_not_approved_is_not_published(ask: Post, definition: Document) -> None:
    draft_id = start(ask, definition)
    for revision, then in ((1, "submission"), (2, None)):
        answer = move(ask, draft_id, "publication", "admin", why=str(revision))
        assert (answer.status_code, answer.json["code"]) == (409, "draft_state")
        if then:
            move(ask, draft_id, then, "author", revision=revision)
    assert told(db) == []
    assert move(ask, draft_id, "discard", "author").json["code"] == "draft_state"
    assert states() == [("in_review", 2)]


def test_a_faulty_draft_is_kept_told_all_its_problems_and_not_submitted(ask: Post, definition: Document) -> None:
    faulty = {key: value for key, value in definition.items() if key not in ("bases", "flow")}
    faulty["office"] = faulty["office"] | {"complaint_phone": ""}
    faulty["materials"][1] = faulty["materials"][1] | {"name": "校车使用许可凭证复印件"}
    draft_id = start(ask, faulty)
    shown = ask("GET", f"/api/v1/item-drafts/{draft_id}", "author").json
    found = {(f["code"], f["where"]) for f in shown["findings"] if not f["advice"]}
    assert found == {
        ("element_missing", "bases"),
        ("element_missing", "flow"),
        ("phone_missing", "office.complaint_phone"),
    }
    assert (shown["publishable"], shown["definition"], shown["authors"]) == (False, faulty, ["author"])
    answer = move(ask, draft_id, "submission", "author", revision=1)
    assert (answer.status_code, answer.json["code"], len(answer.json["problems"])) == (422, "item_invalid", 3)
    assert states() == [("draft", 1)]
    checked = ask("POST", "/api/v1/item-checks", "author", {"definition": faulty}).json
    assert checked == {"publishable": False, "findings": shown["findings"]}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"item_code": "1133"}, 422, "draft_unidentified"),
        ({"name": ""}, 422, "draft_unidentified"),
        ({"lead_department": 7}, 422, "draft_unidentified"),
        ({"lead_department": "health"}, 403, "draft_not_own"),
    ],
)
def test_a_draft_needs_a_place_in_ones_own_department(
    ask: Post, definition: Document, change: Document, status: int, code: str
) -> None:
    answer = ask("POST", "/api/v1/item-drafts", "author", {"definition": definition | change})
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert states() == []


def test_another_department_neither_sees_nor_takes_over_an_item(
    ask: Post, publisher: Publisher, definition: Document
) -> None:
    draft_id = start(ask, definition)
    assert ask("GET", f"/api/v1/item-drafts/{draft_id}", "stranger", dept="health").json["code"] == "draft_not_found"
    assert ask("GET", "/api/v1/item-drafts", "stranger", dept="health").json == {"drafts": [], "next": None}
    assert [d["draft_id"] for d in ask("GET", "/api/v1/item-drafts", "admin").json["drafts"]] == [draft_id]
    assert publisher.publish(definition).status_code == 201
    taken = {"definition": definition | {"lead_department": "health"}}
    assert ask("POST", "/api/v1/item-drafts", "stranger", taken, dept="health").json["code"] == "draft_not_own"
    past = ask("GET", f"/api/v1/item-history/{definition['item_code']}", "stranger", dept="health")
    assert (past.status_code, past.json["code"]) == (404, "item_not_found")


def test_a_scheduled_version_is_told_beforehand_and_in_force_on_its_day(
    ask: Post, client: FlaskClient, definition: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    tomorrow = TODAY + timedelta(days=1)
    draft_id = approved(ask, definition | {"effective_from": tomorrow.isoformat()})
    assert move(ask, draft_id, "publication", "admin").json["state"] == "scheduled"
    assert [event.effective_from for event in told(db, ItemPublished)] == [tomorrow]
    keep_calendar()
    assert states() == [("scheduled", 4)]
    monkeypatch.setattr(clock, "now", _a_day_later(clock.now))
    for _ in range(2):
        keep_calendar()
    assert states() == [("published", 5)]
    assert client.get(f"/api/v1/items/{definition['item_code']}").json["version"] == 1
    assert [action for action, _, _ in actions()][-2:] == ["scheduled", "in_force"]
    assert len(told(db)) == 1


def test_a_version_whose_day_is_past_goes_back_to_its_authors(ask: Post, definition: Document) -> None:
    draft_id = approved(ask, definition | {"effective_from": (TODAY - timedelta(days=1)).isoformat()})
    answer = move(ask, draft_id, "publication", "admin")
    assert (answer.status_code, answer.json["code"]) == (409, "effective_date_past")
    assert told(db) == []
    answer = move(ask, draft_id, "return", "admin", why="日期已过")
    assert answer.json["state"] == "draft"
    assert ask("GET", f"/api/v1/item-drafts/{draft_id}", "author").json["reviewer"] is None


def test_an_item_ends_by_itself_on_its_planned_day(
    publisher: Publisher, client: FlaskClient, definition: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    tomorrow = TODAY + timedelta(days=1)
    assert publisher.publish(definition | {"cancel_on": tomorrow.isoformat()}).status_code == 201
    keep_calendar()
    assert told(db, ItemRetired) == []
    monkeypatch.setattr(clock, "now", _a_day_later(clock.now))
    for _ in range(2):
        keep_calendar()
    assert [event.retired_on for event in told(db, ItemRetired)] == [tomorrow]
    assert client.get(f"/api/v1/items/{definition['item_code']}").json["state"] == "retired"


def test_a_suspended_item_says_so_and_is_resumed(
    ask: Post, client: FlaskClient, publisher: Publisher, definition: Document
) -> None:
    address = f"/api/v1/items/{definition['item_code']}"
    assert ask("POST", f"{address}/suspension", "admin", {"reason": "系统升级"}).json["code"] == "item_not_found"
    publisher.publish(definition)
    etag = client.get(address).headers["ETag"]
    assert ask("POST", f"{address}/resumption", "admin", {"reason": "完成"}).json["code"] == "item_not_suspended"
    assert ask("POST", f"{address}/suspension", "admin", {"reason": "升级"}).json["state"] == "suspended"
    shown = client.get(address)
    assert (shown.json["state"], shown.json["suspended_reason"]) == ("suspended", "升级")
    show_gauges(SERVICE)
    assert {state: metric("tongban_items", state=state) for state in ("in_force", "suspended", "retired")} == {
        "in_force": 0, "suspended": 1, "retired": 0,
    }  # fmt: skip
    assert shown.headers["ETag"] != etag
    assert client.get("/api/v1/items?state=suspended").json["items"][0]["item_code"] == definition["item_code"]
    assert ask("POST", f"{address}/suspension", "admin", {"reason": "又"}).json["code"] == "item_suspended"
    assert ask("POST", f"{address}/resumption", "admin", {"reason": "完毕"}).json["state"] == "in_force"
    assert client.get(address).headers["ETag"] == etag
    assert [event.reason for event in told(db, ItemSuspended)] == ["升级"]
    assert len(told(db, ItemResumed)) == 1
    assert [action for action, _, _ in actions()] == ["published", "suspended", "resumed"]


def test_versions_and_what_changed_between_them_are_public(
    client: FlaskClient, publisher: Publisher, definition: Document
) -> None:
    after = copy.deepcopy(definition)
    after["committed_limit"]["amount"] = 12
    after["number_limit"] = {"text": "每校十辆", "text_en": "Ten for a school"}
    publisher.publish(definition)
    publisher.publish(after)
    address = f"/api/v1/items/{definition['item_code']}"
    assert [v["version"] for v in client.get(f"{address}/versions").json["versions"]] == [2, 1]
    answer = client.get(f"{address}/differences?before=1&after=2").json
    assert [(c["path"], c["kind"], c["before"], c["after"]) for c in answer["changes"]] == [
        ("/committed_limit/amount", "changed", 11, 12),
        ("/number_limit", "added", None, after["number_limit"]),
    ]
    back = client.get(f"{address}/differences?before=2&after=1").json["changes"]
    assert [c["kind"] for c in back] == ["changed", "removed"]
    assert client.get(f"{address}/differences?before=1&after=3").json["code"] == "version_not_found"
    assert client.get("/api/v1/items/1/versions").json["code"] == "item_not_found"


def test_a_draft_shows_what_it_would_change(ask: Post, publisher: Publisher, definition: Document) -> None:
    publisher.publish(definition)
    draft_id = start(ask, definition | {"name_en": "School bus licence"})
    [change] = ask("GET", f"/api/v1/item-drafts/{draft_id}", "author").json["changes"]
    assert change["says"] == "英文名称：由“School bus permit”改为“School bus licence”"


def test_a_code_of_the_2016_generation_leads_to_todays(
    client: FlaskClient, publisher: Publisher, definition: Document
) -> None:
    former = "0100501600"
    assert client.get(f"/api/v1/items/former-codes/{former}").json["code"] == "former_code_unknown"
    assert publisher.publish(definition | {"former_basic_code": former}).status_code == 201
    assert client.get(f"/api/v1/items/former-codes/{former}").json == {
        "former_code": former,
        "basic_code": definition["basic_code"],
    }
    other = copy.deepcopy(definition) | {"former_basic_code": former, "handling_items": []}
    other["item_code"], other["basic_code"] = (
        definition["item_code"][:-3] + "001",
        definition["basic_code"][:-3] + "001",
    )
    answer = publisher.publish(other)
    assert (answer.status_code, answer.json["code"]) == (409, "former_code_conflict")
    assert len(told(db)) == 1


def test_a_material_that_another_item_yields_is_flagged(
    client: FlaskClient, ask: Post, publisher: Publisher, definition: Document
) -> None:
    publisher.publish(definition)
    other = copy.deepcopy(definition) | {"handling_items": [], "name": "校车标牌补发"}
    other["item_code"], other["basic_code"] = (
        definition["item_code"][:-3] + "001",
        definition["basic_code"][:-3] + "001",
    )
    other["result"]["licence"]["name"] = "校车标牌"
    other["result"]["licence"]["type_code"] = other["result"]["licence"]["type_code"][:-1] + "2"
    other["materials"][0]["name"] = "校车使用许可凭证（复印件）"
    found = ask("POST", "/api/v1/item-checks", "author", {"definition": other}).json
    assert [f["where"] for f in found["findings"] if f["code"] == "material_circular"] == ["materials.0.licence_type"]
    assert found["publishable"]
    publisher.publish(other)
    guide = client.get(f"/api/v1/items/{other['item_code']}")
    assert [p["item_code"] for p in guide.json["produced_by"]["application"]] == [definition["item_code"]]
    assert client.get(f"/api/v1/items/{definition['item_code']}").json["produced_by"] == {}


def _a_day_later(now: Callable[[], Any]) -> Callable[[], Any]:
    return lambda: now() + timedelta(days=1)
