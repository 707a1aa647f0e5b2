"""Materials: what is taken, what is refused and leaves nothing, and who may read them."""

from __future__ import annotations

import io
import json
import threading
from datetime import date
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from chassis.public_keys import PublicKeys
from contracts.case import CaseMaterial
from contracts.item import Item, MaterialRule
from contracts.licence import MaterialStored
from contracts.task import TaskAssigned
from services.documents.models import db, materials
from tests.factories.items import ITEM_CODE, make_item
from tests.factories.licences import CASE_NO, published
from tests.support import metric, told

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 8
LIMIT = 10_000
FILES = {
    "application/pdf": PDF,
    "image/png": b"\x89PNG\r\n\x1a\n" + b"p" * 100,
    "image/jpeg": b"\xff\xd8\xff\xe0" + b"j" * 100,
}


def rule(code: str, *media_types: str, max_bytes: int = LIMIT) -> MaterialRule:
    return MaterialRule(
        code=code, name=code, name_en=code, required=True, basis="§1", media_types=media_types, max_bytes=max_bytes
    )


def item_of(version: int, *rules: MaterialRule) -> Item:
    return msgspec.structs.replace(make_item(version=version), materials=rules)


@pytest.fixture
def counter(empty_desk: Any) -> Any:
    """A desk whose item takes a form (PDF) and a photo (any picture, or an office file that nobody can check)."""
    photo = rule("photo", "image/png", "image/jpeg", "application/msword")
    large = rule("large", "application/pdf", max_bytes=8_000_000)
    empty_desk.hear(published(item_of(1, rule("form", "application/pdf"), photo, large)))
    return empty_desk


def upload(desk: Any, body: Any = PDF, *, code: str = "form", media_type: str = "application/pdf", **kw: Any) -> Any:
    headers = desk.tokens.headers("materials:write", party=kw.pop("party", "p-1"))
    address = f"/api/v1/materials?item_code={kw.pop('item_code', ITEM_CODE)}&material_code={code}"
    if not body:
        kw = {"environ_overrides": {"CONTENT_LENGTH": "0"}} | kw
    return desk.client.post(address, data=body, content_type=media_type, headers=headers, **kw)


def rows() -> list[Any]:
    with db.read() as connection:
        return list(connection.execute(sa.select(materials)))


def assert_nothing_stored(desk: Any) -> None:
    assert rows() == []
    assert desk.files() == []
    assert told(db) == []


@pytest.mark.parametrize(("media_type", "body"), FILES.items())
def test_a_material_is_stored_told_and_receipted(counter: Any, media_type: str, body: bytes) -> None:
    code = "form" if media_type == "application/pdf" else "photo"
    answer = upload(counter, body, code=code, media_type=f"{media_type}; charset=binary")
    assert answer.status_code == 201, answer.json
    stored = answer.json
    assert (stored["owner_id"], stored["code"], stored["size_bytes"]) == ("p-1", code, len(body))
    [event] = told(db, MaterialStored)
    assert (event.material_id, event.sha256) == (stored["material_id"], stored["sha256"])

    keys = PublicKeys(lambda: counter.client.get("/api/v1/document-keys").json)
    receipt = stored.pop("receipt")
    assert json.loads(keys.verify_jws(receipt)) == stored
    assert "d" not in counter.client.get("/api/v1/document-keys").json["keys"][0]


def test_uploads_are_counted_by_how_they_ended(counter: Any) -> None:
    outcomes = ("stored", "media_type_not_allowed", "material_too_large")
    before = {one: metric("tongban_uploads_total", outcome=one) for one in outcomes}
    upload(counter)
    upload(counter, media_type="image/png")
    upload(counter, b"%PDF-" + b"x" * LIMIT)
    assert {one: metric("tongban_uploads_total", outcome=one) - before[one] for one in outcomes} == dict.fromkeys(
        outcomes, 1
    )


def test_the_same_file_again_is_the_same_material(counter: Any) -> None:
    first, again = upload(counter), upload(counter)
    assert again.status_code == 201
    assert again.json["material_id"] == first.json["material_id"]
    assert len(rows()) == len(told(db, MaterialStored)) == len(counter.files()) == 1


def test_the_same_file_of_another_owner_or_code_is_another_material(counter: Any) -> None:
    ids = {upload(counter).json["material_id"], upload(counter, party="p-2").json["material_id"]}
    assert len(ids) == 2
    assert len(counter.files()) == 1


def test_the_same_file_at_once_is_one_material(counter: Any) -> None:
    ready = threading.Barrier(4)
    ids: list[str] = []

    def send() -> None:
        ready.wait()
        ids.append(upload(counter).json["material_id"])

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 4
    assert len(set(ids)) == len(rows()) == len(told(db, MaterialStored)) == 1


@pytest.mark.parametrize(
    ("status", "code", "change"),
    [
        (404, "item_unknown", {"item_code": "no-such-item"}),
        (422, "invalid_input", {"item_code": "%00"}),
        (422, "invalid_input", {"item_code": "9" * 200}),
        (422, "material_not_in_guide", {"code": "passport"}),
        (415, "media_type_not_allowed", {"media_type": "image/png", "body": FILES["image/png"]}),
        (415, "media_type_not_allowed", {"media_type": "application/msword", "code": "photo"}),
        (415, "media_type_not_allowed", {"media_type": ""}),
        (422, "material_content_mismatch", {"body": b"<html><script>"}),
        (422, "material_content_mismatch", {"body": b"%PD"}),
        (422, "material_content_mismatch", {"code": "photo", "media_type": "image/png", "body": FILES["image/jpeg"]}),
        (422, "material_empty", {"body": b""}),
        (413, "material_too_large", {"body": b"%PDF-" + b"x" * LIMIT}),
    ],
)
def test_what_the_guide_does_not_allow_is_refused_and_leaves_nothing(
    counter: Any, status: int, code: str, change: dict[str, Any]
) -> None:
    answer = upload(counter, change.pop("body", PDF), **change)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert_nothing_stored(counter)


def test_a_file_of_exactly_the_limit_is_taken_and_one_byte_more_is_not(counter: Any) -> None:
    exactly = b"%PDF-".ljust(LIMIT, b"x")
    assert upload(counter, exactly + b"x").status_code == 413
    assert_nothing_stored(counter)
    assert upload(counter, exactly).status_code == 201


def test_a_file_larger_than_the_json_limit_is_taken_when_the_guide_allows(counter: Any) -> None:
    body = b"%PDF-" + b"x" * 3_000_000
    assert upload(counter, body, code="large").json["size_bytes"] == len(body)


class Watched(io.BytesIO):
    """A body that counts what was read of it."""

    taken = 0

    def readinto(self, buffer: Any) -> int:
        self.taken += (got := super().readinto(buffer))
        return got

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


def test_a_body_without_a_stated_length_is_refused_unread(counter: Any) -> None:
    """Broken off, it could not be told from a whole one."""
    body = Watched(PDF)
    overrides = {"wsgi.input": body, "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    answer = upload(counter, b"", environ_overrides=overrides)
    assert (answer.status_code, answer.json["code"]) == (411, "length_required")
    assert body.taken == 0
    assert_nothing_stored(counter)


def test_a_body_over_the_limit_is_refused_unread(counter: Any) -> None:
    body = Watched(b"%PDF-".ljust(LIMIT + 1, b"x"))
    overrides = {"wsgi.input": body, "wsgi.input_terminated": True, "CONTENT_LENGTH": str(LIMIT + 1)}
    answer = upload(counter, b"", environ_overrides=overrides)
    assert (answer.status_code, answer.json["code"]) == (413, "material_too_large")
    assert body.taken == 0
    assert_nothing_stored(counter)


def test_no_more_is_read_than_the_stated_length(counter: Any) -> None:
    body = Watched(b"%PDF-".ljust(10 * LIMIT, b"x"))
    overrides = {"wsgi.input": body, "wsgi.input_terminated": True, "CONTENT_LENGTH": str(LIMIT)}
    assert upload(counter, b"", environ_overrides=overrides).json["size_bytes"] == LIMIT
    assert body.taken == LIMIT


def test_an_upload_that_breaks_off_leaves_nothing(counter: Any) -> None:
    overrides = {"wsgi.input": io.BytesIO(PDF), "wsgi.input_terminated": True, "CONTENT_LENGTH": "5000"}
    answer = upload(counter, b"", environ_overrides=overrides)
    assert answer.status_code == 400
    assert_nothing_stored(counter)


def test_a_material_of_an_older_version_is_taken_for_cases_that_run_on_it(counter: Any) -> None:
    counter.hear(published(item_of(2, rule("new_form", "application/pdf"))))
    assert upload(counter, code="new_form").status_code == 201
    assert upload(counter, code="form").status_code == 201


def test_a_version_that_is_not_yet_in_force_counts_for_nothing(counter: Any) -> None:
    counter.hear(published(item_of(2, rule("new_form", "application/pdf")), effective_from=date(2999, 1, 1)))
    assert upload(counter, code="new_form").json["code"] == "material_not_in_guide"
    assert_nothing_stored(counter)


def test_uploading_needs_the_scope(counter: Any) -> None:
    headers = counter.tokens.headers("materials:read")
    answer = counter.client.post("/api/v1/materials?item_code=x&material_code=y", headers=headers)
    assert answer.status_code == 403
    assert counter.client.post("/api/v1/materials?item_code=x&material_code=y").status_code == 401
    assert_nothing_stored(counter)


def assigned(material_id: str, department: str, task_id: str) -> TaskAssigned:
    listed = CaseMaterial(
        material_id=material_id, code="form", name="表", media_type="application/pdf", size_bytes=1, sha256="0" * 64
    )
    return TaskAssigned(
        task_id=task_id, case_no=CASE_NO, step="s", step_name="环节", kind="opinion", round=1, department=department,
        item_code=ITEM_CODE, item_name="事项", due_on=date(2026, 1, 9), form={}, materials=(listed,),
    )  # fmt: skip


READERS = {
    "owner": ({"party": "p-1"}, 200),
    "another person": ({"party": "p-2"}, 404),
    "department with a task": ({"kind": "department", "dept": "police", "party": "d-police"}, 200),
    "officer of that department": ({"kind": "officer", "dept": "police", "sub": "o-9"}, 200),
    "department without a task": ({"kind": "department", "dept": "transport", "party": "d-transport"}, 404),
    "officer who owns it but asks for a department": ({"kind": "officer", "dept": "health", "party": "p-1"}, 404),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_material_is_for_its_owner_and_for_departments_with_a_task(counter: Any, reader: str) -> None:
    material_id = upload(counter).json["material_id"]
    other_id = upload(counter, PDF + b"other").json["material_id"]
    counter.hear(assigned(material_id, "police", "t-1"), assigned(material_id, "police", "t-2"))
    counter.hear(assigned(other_id, "transport", "t-3"))
    claims, status = READERS[reader]
    headers = counter.tokens.headers("materials:read", **claims)
    answer = counter.client.get(f"/api/v1/materials/{material_id}", headers=headers)
    assert answer.status_code == status
    if status == 200:
        assert answer.get_data() == PDF
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.headers["Content-Disposition"] == f"attachment; filename={material_id}.pdf"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    else:
        assert answer.json["code"] == "material_unknown"


def test_a_grant_that_comes_before_or_after_the_upload_is_the_same(counter: Any) -> None:
    material_id = upload(counter).json["material_id"]
    headers = counter.tokens.headers("materials:read", kind="department", dept="police")
    assert counter.client.get(f"/api/v1/materials/{material_id}", headers=headers).status_code == 404
    counter.hear(assigned(material_id, "police", "t-1"))
    assert counter.client.get(f"/api/v1/materials/{material_id}", headers=headers).status_code == 200


@pytest.mark.parametrize("material_id", ["x", "%00", "..%2f..%2fpki", "019e0000-0000-7000-8000-000000000000"])
def test_what_does_not_exist_is_not_found(counter: Any, material_id: str) -> None:
    headers = counter.tokens.headers("materials:read")
    assert counter.client.get(f"/api/v1/materials/{material_id}", headers=headers).status_code == 404


def test_a_material_keeps_who_really_handed_it_in(counter: Any) -> None:
    agent = {"sub": "p-1", "party": "p-1", "act": {"sub": "a-9", "name": "周敏"}}
    headers = counter.tokens.headers("materials:write", **agent)
    address = f"/api/v1/materials?item_code={ITEM_CODE}&material_code=form"
    answer = counter.client.post(address, data=PDF, content_type="application/pdf", headers=headers)
    assert answer.status_code == 201
    with db.read() as connection:
        row = connection.execute(sa.select(materials)).one()
    assert (row.owner_id, row.stored_by, row.agent_name) == ("p-1", "a-9", "周敏")
    [stored] = told(db, MaterialStored)
    assert (stored.owner_id, stored.stored_by) == ("p-1", "a-9")


def test_staff_take_materials_in_for_the_person_who_is_there_and_people_for_themselves_alone(counter: Any) -> None:
    address = f"/api/v1/materials?item_code={ITEM_CODE}&material_code=form&applicant_id=p-1"
    headers = counter.tokens.headers("materials:write", party="p-2", sub="p-2")
    refused = counter.client.post(address, data=PDF, content_type="application/pdf", headers=headers)
    assert (refused.status_code, refused.json["code"]) == (403, "material_not_own")
    assert_nothing_stored(counter)
    staff = counter.tokens.headers("materials:write", kind="officer", dept="education", sub="o-1", name="王某")
    taken = counter.client.post(address, data=PDF, content_type="application/pdf", headers=staff)
    assert (taken.status_code, taken.json["owner_id"]) == (201, "p-1")
    [stored] = told(db, MaterialStored)
    assert (stored.owner_id, stored.stored_by) == ("p-1", "o-1")
