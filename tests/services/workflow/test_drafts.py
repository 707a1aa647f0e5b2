"""Drafts: saved at every step, seen by their owner alone, gone when the case is opened."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from chassis import clock
from services.workflow.jobs import JOBS
from services.workflow.use_cases import forget_drafts, start_draft
from tests.factories.items import ITEM_CODE, make_item
from tests.services.workflow.conftest import Desk, assert_refused, everything

STRANGER: dict[str, Any] = {"sub": "p-9", "party": "p-9"}
MATERIAL = {
    "receipt": "eyJ.e30.x",
    "file_name": "申请表.pdf",
    "media_type": "application/pdf",
    "size_bytes": 10,
    "sha256": "0" * 64,
}
UNFINISHED = {"plate": "鲁", "seats": None, "stops": [{"name": "东门"}], "remark": "第一行\n第二行"}


def forget() -> None:
    [job] = [job for job in JOBS if job.name == "workflow.forget_drafts"]
    job.run()


def test_a_new_draft_is_empty(desk: Desk) -> None:
    answer = desk.start_draft(body={"item_code": ITEM_CODE, "item_version": 1})
    assert answer.status_code == 201
    draft = answer.json
    assert draft == {
        "draft_id": draft["draft_id"],
        "item_code": ITEM_CODE,
        "item_version": 1,
        "item_name": "校车使用许可",
        "package_code": None,
        "step": "",
        "updated_at": draft["updated_at"],
        "retired_on": None,
        "retired_because": None,
        "form": {},
        "materials": {},
        "choices": {},
        "version": 1,
    }
    assert desk.show_draft(draft["draft_id"]).json == draft


def test_what_is_saved_is_read_back_although_it_does_not_fit_the_schema_yet(desk: Desk) -> None:
    draft_id = desk.new_draft()
    first = desk.save_draft(draft_id, form=UNFINISHED, step="form")
    assert (first.status_code, first.json["version"]) == (200, 2)
    second = desk.save_draft(
        draft_id, form=UNFINISHED, materials={"application": MATERIAL}, step="materials", version=2
    )
    draft = desk.show_draft(draft_id).json
    assert draft == second.json
    assert (draft["form"], draft["materials"]) == (UNFINISHED, {"application": MATERIAL})
    assert (draft["step"], draft["version"]) == ("materials", 3)


def test_choices_are_kept_until_others_are_made(desk: Desk) -> None:
    draft_id = desk.new_draft()
    chosen = {
        "later": ["application"],
        "delivery_way": "post",
        "delivery_address": "学府路1号",
        "eligibility": {"q": True},
    }
    assert desk.save_draft(draft_id, choices=chosen).json["choices"] == chosen
    assert desk.save_draft(draft_id, step="materials", version=2).json["choices"] == chosen
    before = everything()
    assert_refused(desk.save_draft(draft_id, choices={"rank": 1}, version=3), 422, "invalid_input", before)
    assert desk.save_draft(draft_id, choices={}, version=3).json["choices"] == {}


def test_drafts_are_listed_with_the_last_touched_first(desk: Desk) -> None:
    older, newer = desk.new_draft(), desk.new_draft()
    assert [draft["draft_id"] for draft in desk.drafts()] == [newer, older]
    desk.save_draft(older, step="materials")
    listed = desk.drafts()
    assert [(draft["draft_id"], draft["step"]) for draft in listed] == [(older, "materials"), (newer, "")]
    assert set(listed[0]) == {
        "draft_id", "item_code", "item_version", "item_name", "package_code", "step", "updated_at", "retired_on",
        "retired_because",
    }  # fmt: skip


def test_another_partys_draft_is_unknown(desk: Desk) -> None:
    draft_id = desk.new_draft()
    before = everything()
    for answer in (
        desk.show_draft(draft_id, **STRANGER),
        desk.save_draft(draft_id, claims=STRANGER),
        desk.discard_draft(draft_id, **STRANGER),
        desk.show_draft(draft_id, party="p-1"),  # the same person, not acting for the organisation
    ):
        assert_refused(answer, 404, "draft_unknown", before)
    assert desk.drafts(**STRANGER) == []


def test_draft_that_never_was_is_unknown(desk: Desk) -> None:
    before = everything()
    assert_refused(desk.show_draft(str(uuid4())), 404, "draft_unknown", before)
    assert_refused(desk.save_draft(str(uuid4())), 404, "draft_unknown", before)
    assert_refused(desk.show_draft("nonsense"), 404, "not_found", before)


def test_save_over_what_another_window_saved_is_refused(desk: Desk) -> None:
    draft_id = desk.new_draft()
    desk.save_draft(draft_id, form={"plate": "鲁A12345"})
    before = everything()
    for version in (1, 3):
        answer = desk.save_draft(draft_id, form={"plate": "鲁B99999"}, version=version)
        assert_refused(answer, 409, "draft_changed", before)
        assert answer.json["current_version"] == 2


def test_save_that_is_sent_again_changes_nothing(desk: Desk) -> None:
    draft_id = desk.new_draft()
    first = desk.save_draft(draft_id, form=UNFINISHED)
    before = everything()
    again = desk.save_draft(draft_id, form=UNFINISHED)
    assert (again.status_code, again.json) == (200, first.json)
    assert everything() == before


def test_same_key_begins_one_draft(desk: Desk) -> None:
    first = desk.start_draft(key="once")
    before = everything()
    again = desk.start_draft(key="once")
    assert (again.status_code, again.json) == (201, first.json)
    assert everything() == before
    other = desk.start_draft(key="once", body={"item_code": ITEM_CODE, "item_version": 1})
    assert_refused(other, 422, "idempotency_key_reused", before)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"item_code": "X" * 31}, 404, "item_unknown"),
        ({"item_code": "short"}, 422, "invalid_input"),
        ({"item_code": ITEM_CODE, "item_version": 9}, 409, "item_version_superseded"),
        ({"item_code": ITEM_CODE, "form": {}}, 422, "invalid_input"),
    ],
)
def test_draft_for_what_cannot_be_applied_for_is_refused(
    desk: Desk, body: dict[str, Any], status: int, code: str
) -> None:
    before = everything()
    assert_refused(desk.start_draft(body=body), status, code, before)


def test_draft_for_a_retired_item_is_refused(desk: Desk) -> None:
    desk.retire()
    before = everything()
    assert_refused(desk.start_draft(), 409, "item_retired", before)


def test_draft_without_scope_or_key_is_refused(desk: Desk) -> None:
    draft_id = desk.new_draft()
    before = everything()
    officer = desk.tokens.headers("tasks:read tasks:answer cases:read", kind="officer", dept="education")
    body = {"item_code": ITEM_CODE}
    for answer in (
        desk.client.get("/api/v1/drafts", headers=officer),
        desk.client.get(f"/api/v1/drafts/{draft_id}", headers=officer),
        desk.client.delete(f"/api/v1/drafts/{draft_id}", headers=officer),
        desk.client.put(f"/api/v1/drafts/{draft_id}", json={}, headers=officer),
        desk.client.post("/api/v1/drafts", json=body, headers=officer),
    ):
        assert_refused(answer, 403, "scope_missing", before)
    keyless = desk.client.post("/api/v1/drafts", json=body, headers=desk.citizen())
    assert_refused(keyless, 400, "idempotency_key_missing", before)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"form": {"plate": "鲁A\x00"}}, "form_invalid"),
        ({"form": {"stops": [{"na\x1bme": "东门"}]}}, "form_invalid"),
        ({"materials": {"application": MATERIAL | {"file_name": "a\x7f.pdf"}}}, "form_invalid"),
        ({"step": "form\x00"}, "form_invalid"),
        ({"form": ["plate"]}, "invalid_input"),
        ({"materials": {"application": "receipt"}}, "invalid_input"),
        ({"materials": {"application": MATERIAL | {"more": 1}}}, "invalid_input"),
        ({"materials": {f"m{n}": MATERIAL for n in range(101)}}, "invalid_input"),
        ({"step": "x" * 41}, "invalid_input"),
        ({"version": None}, "invalid_input"),
        ({"owner_id": "p-9"}, "invalid_input"),
    ],
)
def test_content_that_cannot_be_kept_is_refused(desk: Desk, change: dict[str, Any], code: str) -> None:
    draft_id = desk.new_draft()
    before = everything()
    assert_refused(desk.save_draft(draft_id, **change), 422, code, before)


def test_content_larger_than_an_application_may_be_is_refused(desk: Desk) -> None:
    draft_id = desk.new_draft()
    before = everything()
    answer = desk.save_draft(draft_id, form={"remark": "x" * (1 << 20)})
    assert answer.status_code == 413
    assert everything() == before


def test_one_draft_too_many_is_refused_until_one_is_deleted(desk: Desk) -> None:
    draft_ids = [desk.new_draft() for _ in range(start_draft.MOST)]
    before = everything()
    assert_refused(desk.start_draft(), 409, "too_many_drafts", before)
    assert desk.start_draft(**STRANGER).status_code == 201
    assert desk.discard_draft(draft_ids[0]).status_code == 204
    assert desk.start_draft().status_code == 201


def test_deleting_may_be_repeated(desk: Desk) -> None:
    kept, gone = desk.new_draft(), desk.new_draft()
    for _ in range(2):
        answer = desk.discard_draft(gone)
        assert (answer.status_code, answer.data) == (204, b"")
    assert [draft["draft_id"] for draft in desk.drafts()] == [kept]


def test_case_takes_the_draft_it_was_written_in_with_it(desk: Desk) -> None:
    kept, used = desk.new_draft(), desk.new_draft()
    materials = [desk.receipt("application")]
    answer = desk.submit(key="once", materials=materials, draft_id=used)
    assert answer.status_code == 201
    assert [draft["draft_id"] for draft in desk.drafts()] == [kept]
    before = everything()
    again = desk.submit(key="once", materials=materials, draft_id=used)
    assert (again.status_code, again.json) == (201, answer.json)
    assert everything() == before


def test_refused_application_leaves_its_draft(desk: Desk) -> None:
    draft_id = desk.new_draft()
    before = everything()
    refused = desk.submit(draft_id=draft_id, form={"plate": "鲁"})
    assert_refused(refused, 422, "form_invalid", before)
    assert_refused(desk.submit(draft_id=draft_id, materials=[]), 422, "material_missing", before)
    assert_refused(desk.submit(draft_id="nonsense"), 422, "invalid_input", before)
    assert desk.show_draft(draft_id).status_code == 200


def test_case_is_opened_although_its_draft_is_gone_already(desk: Desk) -> None:
    draft_id = desk.new_draft()
    desk.discard_draft(draft_id)
    assert desk.submit(draft_id=draft_id).status_code == 201


def test_case_does_not_delete_another_partys_draft(desk: Desk) -> None:
    draft_id = desk.new_draft(**STRANGER)
    assert desk.submit(draft_id=draft_id).status_code == 201
    assert desk.show_draft(draft_id, **STRANGER).status_code == 200


def test_draft_keeps_the_version_of_the_guide_it_was_begun_under(desk: Desk) -> None:
    draft_id = desk.new_draft()
    desk.publish(make_item(version=2))
    assert desk.save_draft(draft_id).json["item_version"] == 1
    assert desk.start_draft().json["item_version"] == 2
    before = everything()
    stale = desk.submit(draft_id=draft_id, item_version=1)
    assert_refused(stale, 409, "item_version_superseded", before)


def test_drafts_that_nobody_touches_for_ninety_days_are_forgotten(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forget_drafts, "BATCH", 2)
    left = [desk.new_draft() for _ in range(5)]
    touched = desk.new_draft()
    clock.advance(desk.clock_file, timedelta(days=2))
    desk.save_draft(touched)
    clock.advance(desk.clock_file, timedelta(days=87))
    before = everything()
    forget()
    assert everything() == before
    clock.advance(desk.clock_file, timedelta(days=2))
    forget()
    assert [draft["draft_id"] for draft in desk.drafts()] == [touched]
    assert desk.show_draft(left[0]).json["code"] == "draft_unknown"
