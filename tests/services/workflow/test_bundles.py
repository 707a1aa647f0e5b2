"""一件事: one form and each material once; a case for every part that applies, all or none; and the bundle as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from contracts.case import BundleDecided, CaseSubmitted
from contracts.item import (
    Condition,
    EligibilityQuestion,
    Item,
    ItemSuspended,
    Package,
    PackagePart,
    PackagePublished,
    PackageRetired,
)
from contracts.rights import scopes_of
from services.workflow.models import bundles, cases, db
from services.workflow.service import SERVICE
from tests.factories.items import ITEM_CODE, make_item
from tests.services.workflow.conftest import Desk, assert_refused, everything, make_desk, together
from tests.services.workflow.pure import rule, with_steps
from tests.support import deliver, envelope_bytes, told

SECOND, THIRD = "11370800MB28559184" + "4" + "370105005002", "11370800MB28559184" + "4" + "370105005003"


def item(code: str, field: str, *materials: str) -> Item:
    """An item with a field and materials, decided by education and the county."""
    return msgspec.structs.replace(
        with_steps(make_item(opinions=(), delivery=False), examine={"after": ("accept",)}),
        item_code=code,
        form_schema={
            "type": "object",
            "properties": {field: {"type": "string", "minLength": 2}},
            "required": [field],
            "additionalProperties": False,
        },
        materials=tuple(rule(material) for material in materials),
    )


PACKAGE = Package(
    package_code="open_school",
    version=1,
    name="开办学校一件事",
    name_en="Opening a school",
    lead_department="education",
    form_schema={
        "type": "object",
        "properties": {"name": {"type": "string", "minLength": 2}, "bus": {"type": "boolean"}},
        "required": ["name"],
        "additionalProperties": False,
    },
    materials=(rule("charter"), rule("board_list"), rule("route")),
    parts=(
        PackagePart(item_code=ITEM_CODE, materials={"charter": "charter"}, fields={"name": "name"}),
        PackagePart(item_code=SECOND, materials={"rules": "charter", "board": "board_list"}, fields={"school": "name"}),
        PackagePart(
            item_code=THIRD,
            materials={"route": "route"},
            fields={"title": "name"},
            when=(Condition(field="bus", one_of=(True,)),),
        ),
    ),
)


@dataclass
class Counter:
    desk: Desk

    def papers(self, *codes: tuple[str, str], **more: Any) -> list[str]:
        return [self.desk.receipt(code, item_code=item_code, **more) for item_code, code in codes]

    def call(self, method: str, path: str, body: Any = None, **claims: Any) -> Any:
        headers = self.desk.citizen(**claims) | {"Idempotency-Key": claims.pop("key", f"b-{next(self.desk.keys)}")}
        return self.desk.client.open(f"/api/v1/{path}", method=method, json=body, headers=headers)

    def apply(self, *, claims: dict[str, Any] | None = None, **body: Any) -> Any:
        content = {"form": {"name": "云溪学校"}, "materials": self.papers(*NEEDED)}
        return self.call("POST", "packages/open_school/cases", content | body, **claims or {})

    def opened(self, **body: Any) -> tuple[str, list[str]]:
        answer = self.apply(**body)
        assert answer.status_code == 201, answer.json
        return answer.json["bundle_no"], [case["case_no"] for case in answer.json["cases"]]

    def show(self, bundle_no: str, **claims: Any) -> Any:
        return self.call("GET", f"bundles/{bundle_no}", **claims).json

    def finish(self, case_no: str) -> None:
        self.desk.agree(case_no, ("education", "accept"), ("education", "examine"), ("county_government", "decide"))


NEEDED = ((ITEM_CODE, "charter"), (SECOND, "board"))


@pytest.fixture
def counter(desk: Desk) -> Counter:
    return opened_counter(desk)


def opened_counter(desk: Desk) -> Counter:
    desk.publish(msgspec.structs.replace(item(ITEM_CODE, "name", "charter"), version=2))
    desk.publish(item(SECOND, "school", "rules", "board"))
    desk.publish(item(THIRD, "title", "route"))
    event = PackagePublished(package_code="open_school", effective_from=date(2020, 1, 1), package=PACKAGE)
    deliver(SERVICE, "workflow.items", envelope_bytes(event, source="catalog"))
    return Counter(desk)


@pytest.fixture
def postgresql_counter(postgresql_url: str, tmp_path: Any) -> Iterator[Counter]:
    for desk in make_desk(tmp_path, postgresql_url):
        yield opened_counter(desk)
        db.engine.dispose()


def test_one_application_opens_a_case_for_each_part_that_applies_with_its_own_form_and_materials(
    counter: Counter,
) -> None:
    draft = counter.call("POST", "packages/open_school/drafts").json
    bundle_no, case_nos = counter.opened(draft_id=draft["draft_id"])
    assert bundle_no.startswith("YJS")
    first, second = (counter.desk.show(case_no) for case_no in case_nos)
    assert (first["item_code"], second["item_code"]) == (ITEM_CODE, SECOND)
    assert (first["form"], second["form"]) == ({"name": "云溪学校"}, {"school": "云溪学校"})
    assert {first["bundle_no"], second["bundle_no"]} == {bundle_no}
    handed_in = [{m["code"]: m["material_id"] for m in shown["materials"]} for shown in (first, second)]
    assert set(handed_in[0]) == {"charter"}
    assert set(handed_in[1]) == {"rules", "board"}
    assert handed_in[0]["charter"] == handed_in[1]["rules"]  # handed in once
    assert [event.bundle_no for event in told(db, CaseSubmitted)] == [bundle_no] * 2
    assert counter.desk.show_draft(draft["draft_id"]).status_code == 404
    assert all(shown["clocks"] for shown in (first, second))
    _, more = counter.opened(
        form={"name": "云溪学校", "bus": True}, materials=counter.papers(*NEEDED, (THIRD, "route"))
    )
    assert [case_no[:31] for case_no in more] == [ITEM_CODE, SECOND, THIRD]


def test_a_repeated_request_opens_nothing_more(counter: Counter) -> None:
    body = {"form": {"name": "云溪学校"}, "materials": counter.papers(*NEEDED)}
    headers = counter.desk.citizen() | {"Idempotency-Key": "once"}
    answers = [
        counter.desk.client.post("/api/v1/packages/open_school/cases", json=body, headers=headers) for _ in range(2)
    ]
    assert answers[0].json == answers[1].json
    with db.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(bundles)).scalar() == 1
        assert connection.execute(sa.select(sa.func.count()).select_from(cases)).scalar() == 2


def test_what_does_not_fit_opens_none_of_the_cases(counter: Counter) -> None:
    def refuses(status: int, code: str, codes: Sequence[tuple[str, str]] = NEEDED, **change: Any) -> dict[str, Any]:
        before = everything()
        refused = counter.apply(**({"materials": counter.papers(*codes)} | change))
        assert_refused(refused, status, code, before)
        facts: dict[str, Any] = refused.json
        return facts

    refuses(422, "form_invalid", form={"name": "云"})
    assert refuses(409, "package_version_superseded", package_version=9)["current_version"] == 1
    assert refuses(422, "material_missing", NEEDED[:1])["materials"] == ["board_list"]
    assert refuses(422, "material_doubled", (*NEEDED, (SECOND, "rules")))["materials"] == ["charter"]
    assert refuses(422, "material_not_in_guide", (*NEEDED, (THIRD, "route")))["materials"] == ["route"]
    refuses(422, "material_not_in_guide", (*NEEDED, (SECOND, "x")))
    assert refuses(422, "delivery_way_not_offered", delivery_way="post")["offered"] == ["electronic"]
    assert refuses(422, "material_may_not_follow", NEEDED[:1], later=["board_list"])["item_code"] == SECOND
    assert refuses(422, "commitment_not_offered", commitment=[SECOND])["item_code"] == SECOND
    assert refuses(422, "eligibility_unanswered", eligibility={SECOND: {"x": True}})["item_code"] == SECOND
    refuses(403, "material_of_another_owner", materials=counter.papers(*NEEDED, owner="p-x"))
    deliver(SERVICE, "workflow.items", envelope_bytes(ItemSuspended(item_code=SECOND, reason="调整"), source="catalog"))
    assert refuses(409, "item_suspended")["item_code"] == SECOND


def test_who_may_apply_for_some_of_the_items_only_may_not_apply_for_the_package(counter: Counter) -> None:
    before = everything()
    limited = {"items": [ITEM_CODE]}
    assert_refused(counter.apply(claims=limited), 403, "item_not_delegated", before)
    assert_refused(counter.call("POST", "packages/open_school/drafts", **limited), 403, "item_not_delegated", before)
    assert_refused(counter.call("POST", "packages/nothing/drafts"), 404, "package_unknown", before)


def test_the_bundle_is_seen_whole_by_its_applicant_the_lead_and_supervision_and_by_nobody_else(
    counter: Counter,
) -> None:
    bundle_no, case_nos = counter.opened()
    shown = counter.show(bundle_no)
    assert [case["case_no"] for case in shown["cases"]] == case_nos
    assert [case["waiting_for"][0]["department"] for case in shown["cases"]] == ["education"] * 2
    assert (shown["name"], shown["all_decided"], shown["notices"]) == ("开办学校一件事", False, [])
    assert [b["bundle_no"] for b in counter.call("GET", "bundles").json["bundles"]] == [bundle_no]
    assert counter.call("GET", "bundles", party="p-x").json["bundles"] == []
    assert counter.show(bundle_no, party="p-x")["code"] == "not_found"
    limited = counter.show(bundle_no, items=[SECOND])
    assert [case["item_code"] for case in limited["cases"]] == [SECOND]
    for kind, department, status in (
        ("officer", "education", 200),
        ("officer", "police", 404),
        ("supervisor", None, 200),
    ):
        claims = {"kind": kind, "sub": "o-1"} | ({"dept": department} if department else {})
        headers = counter.desk.tokens.headers(scopes_of(kind), **claims)
        answer: Any = counter.desk.client.get(f"/api/v1/bundles/{bundle_no}", headers=headers)
        assert answer.status_code == status, (kind, department)


def test_one_correction_serves_every_case_that_asked_for_the_material(counter: Counter) -> None:
    bundle_no, (first, second) = counter.opened()
    for case_no, code, problem in ((first, "charter", "缺页"), (second, "rules", "未签")):
        defects = [{"material_code": code, "problem": problem}]
        asked = counter.desk.answer("education", f"{case_no}-accept-1", "correction_needed", defects=defects)
        assert asked.json["case_state"] == "awaiting_correction", asked.json
    notices = counter.show(bundle_no)["notices"]
    assert [(n["case_no"], n["material_code"], n["problem"]) for n in notices] == [
        (first, "charter", "缺页"),
        (second, "charter", "未签"),
    ]
    before = everything()
    surplus = counter.call("POST", f"bundles/{bundle_no}/corrections", {"materials": counter.papers((SECOND, "board"))})
    assert_refused(surplus, 422, "correction_mismatch", before)
    stranger = counter.call(
        "POST", f"bundles/{bundle_no}/corrections", {"materials": counter.papers((SECOND, "rules"))}, party="p-x"
    )
    assert_refused(stranger, 404, "not_found", before)
    answer = counter.call("POST", f"bundles/{bundle_no}/corrections", {"materials": counter.papers((SECOND, "rules"))})
    assert [case["state"] for case in answer.json["cases"]] == ["received", "received"]
    newest = [counter.desk.show(case_no)["materials"][-1] for case_no in (first, second)]
    assert [material["code"] for material in newest] == ["charter", "rules"]
    assert newest[0]["material_id"] == newest[1]["material_id"]
    assert counter.show(bundle_no)["notices"] == []
    before = everything()
    again = counter.call("POST", f"bundles/{bundle_no}/corrections", {"materials": counter.papers((SECOND, "rules"))})
    assert_refused(again, 409, "no_correction_asked", before)


def test_a_withdrawal_takes_back_what_is_not_decided_and_the_rest_stands(counter: Counter) -> None:
    bundle_no, (first, second) = counter.opened()
    counter.finish(first)
    answer = counter.call("POST", f"bundles/{bundle_no}/withdrawal", {"reason": "不办了"})
    assert [case["state"] for case in answer.json["cases"]] == ["approved", "withdrawn"]
    [decided] = told(db, BundleDecided)
    assert (decided.bundle_no, decided.granted, set(decided.case_nos)) == (bundle_no, 1, {first, second})
    before = everything()
    again = counter.call("POST", f"bundles/{bundle_no}/withdrawal", {"reason": "不办了"})
    assert_refused(again, 409, "move_not_allowed", before)


def test_a_bundle_is_noted_as_decided_with_its_last_case_and_once(counter: Counter) -> None:
    bundle_no, (first, second) = counter.opened()
    counter.finish(first)
    assert (told(db, BundleDecided), counter.show(bundle_no)["all_decided"]) == ([], False)
    counter.finish(second)
    assert len(told(db, BundleDecided)) == 1
    shown = counter.show(bundle_no)
    assert (shown["all_decided"], shown["delivered"]) == (True, False)
    single = counter.desk.submit(form={"name": "云溪"}, materials=counter.papers((ITEM_CODE, "charter"))).json[
        "case_no"
    ]
    counter.finish(single)
    assert len(told(db, BundleDecided)) == 1


def test_the_last_two_cases_decided_at_once_note_the_bundle_once(postgresql_counter: Counter) -> None:
    counter = postgresql_counter
    for _ in range(3):
        bundle_no, case_nos = counter.opened()
        for case_no in case_nos:
            counter.desk.agree(case_no, ("education", "accept"), ("education", "examine"))
        decide = [lambda c=c: counter.desk.answer("county_government", f"{c}-decide-1") for c in case_nos]
        assert [answer.status_code for answer in together(*decide)] == [200, 200]
        assert [event.bundle_no for event in told(db, BundleDecided)].count(bundle_no) == 1


def test_a_package_draft_is_kept_apart_and_saved_like_any_other(counter: Counter) -> None:
    draft = counter.call("POST", "packages/open_school/drafts").json
    assert (draft["package_code"], draft["item_name"], draft["item_version"]) == ("open_school", "开办学校一件事", 1)
    saved = counter.desk.save_draft(draft["draft_id"], form={"name": "云"})
    assert (saved.status_code, saved.json["form"]) == (200, {"name": "云"})
    assert counter.desk.drafts() == []
    listed = counter.call("GET", "packages/open_school/drafts").json["drafts"]
    assert [found["draft_id"] for found in listed] == [draft["draft_id"]]
    assert counter.call("GET", "packages/open_school/drafts", party="p-x").json["drafts"] == []
    counter.opened(
        claims={"party": "p-x", "sub": "p-x"},
        draft_id=draft["draft_id"],
        materials=counter.papers(*NEEDED, owner="p-x"),
    )
    assert counter.desk.show_draft(draft["draft_id"]).status_code == 200  # another's draft stays


QUESTION = EligibilityQuestion(
    code="fined",
    question="受过处罚吗？",
    question_en="Fined?",
    must_be=False,
    otherwise="三年后再申请。",
    otherwise_en="Apply in three years.",
)


def asks(counter: Counter) -> None:
    """Another version: the second item asks whether one qualifies, and alone needs the field ``school``."""
    counter.desk.publish(
        msgspec.structs.replace(item(SECOND, "school", "rules", "board"), version=2, eligibility=(QUESTION,))
    )
    first, second, third = PACKAGE.parts
    form = PACKAGE.form_schema | {
        "properties": PACKAGE.form_schema["properties"] | {"school": {"type": "string", "minLength": 2}},
        "required": ["name", "school"],
    }
    parts = (first, msgspec.structs.replace(second, fields={"school": "school"}), third)
    package = msgspec.structs.replace(PACKAGE, version=2, form_schema=form, parts=parts)
    event = PackagePublished(package_code="open_school", effective_from=date(2020, 1, 1), package=package)
    deliver(SERVICE, "workflow.items", envelope_bytes(event, source="catalog"))


def test_who_does_not_qualify_for_an_item_leaves_it_out_and_the_others_are_opened(counter: Counter) -> None:
    asks(counter)
    fined = {SECOND: {"fined": True}}
    form = {"name": "云溪学校"}
    papers = counter.papers(NEEDED[0])

    def refuses(status: int, code: str, **body: Any) -> dict[str, Any]:
        before = everything()
        refused = counter.apply(**({"form": form, "materials": papers, "eligibility": fined} | body))
        assert_refused(refused, status, code, before)
        facts: dict[str, Any] = refused.json
        return facts

    assert "school" in str(refuses(422, "form_invalid")["errors"])
    whole = {"form": form | {"school": "云溪学校"}, "materials": counter.papers(*NEEDED)}
    assert refuses(409, "not_eligible", **whole)["item_code"] == SECOND
    assert refuses(422, "item_not_to_leave_out", eligibility={SECOND: {"fined": False}}, leave_out=[SECOND])
    assert refuses(422, "eligibility_unanswered", eligibility={}, leave_out=[SECOND])["missing"] == ["fined"]
    assert refuses(422, "item_not_in_package", leave_out=["9" * 31], **whole)["items"] == ["9" * 31]
    surplus = refuses(422, "material_not_in_guide", leave_out=[SECOND], materials=counter.papers(*NEEDED))
    assert surplus["materials"] == ["board_list"]
    refuses(422, "package_not_applicable", leave_out=[ITEM_CODE, SECOND])
    answer = counter.apply(form=form, materials=papers, eligibility=fined, leave_out=[SECOND, THIRD])
    assert answer.status_code == 201, answer.json
    assert [case["item_code"] for case in answer.json["cases"]] == [ITEM_CODE]
    told_why = [
        {
            "item_code": SECOND,
            "item_name": "校车使用许可",
            "reasons": {"fined": "三年后再申请。 / Apply in three years."},
        }
    ]
    assert answer.json["left_out"] == told_why
    assert counter.show(answer.json["bundle_no"])["left_out"] == told_why


def test_a_draft_keeps_what_is_chosen_for_each_item(counter: Counter) -> None:
    draft = counter.call("POST", "packages/open_school/drafts").json
    choices = {"by_item": {SECOND: {"eligibility": {"fined": True}, "left_out": True}}, "later": ["charter"]}
    saved = counter.desk.save_draft(draft["draft_id"], choices=choices)
    assert (saved.status_code, saved.json["choices"]) == (200, choices)
    listed = counter.desk.client.get("/api/v1/drafts?of=package", headers=counter.desk.citizen()).json["drafts"]
    assert [found["draft_id"] for found in listed] == [draft["draft_id"]]


def test_a_retired_package_is_refused_with_its_reason_and_its_drafts_say_so(counter: Counter) -> None:
    draft = counter.call("POST", "packages/open_school/drafts").json
    bundle_no, _ = counter.opened()
    event = PackageRetired(package_code="open_school", retired_on=date(2020, 1, 1), reason="由新版取代")
    for _ in range(2):
        deliver(SERVICE, "workflow.items", envelope_bytes(event, source="catalog"))
    before = everything()
    for refused in (counter.apply(), counter.call("POST", "packages/open_school/drafts")):
        assert_refused(refused, 409, "package_retired", before)
        assert (refused.json["reason"], refused.json["retired_on"]) == ("由新版取代", "2020-01-01")
    shown = counter.desk.show_draft(draft["draft_id"]).json
    assert (shown["retired_on"], shown["retired_because"]) == ("2020-01-01", "由新版取代")
    assert counter.call("POST", f"bundles/{bundle_no}/withdrawal", {"reason": "不办了"}).status_code == 200


def test_a_counter_takes_the_bundle_in_for_somebody_registered(counter: Counter) -> None:
    body = {
        "form": {"name": "云溪学校"}, "materials": counter.papers(*NEEDED, owner="p-li"), "applicant_id": "p-li",
        "applicant_name": "李某",
    }  # fmt: skip

    def take_in() -> Any:
        headers = counter.desk.tokens.headers(
            scopes_of("officer"), kind="officer", dept="education", sub="o-1", name="王某"
        )
        headers["Idempotency-Key"] = f"i-{next(counter.desk.keys)}"
        return counter.desk.client.post("/api/v1/packages/open_school/cases/intake", json=body, headers=headers)

    before = everything()
    assert_refused(take_in(), 404, "applicant_unknown", before)
    counter.desk.register("p-li")
    assert take_in().status_code == 201
    submitted = told(db, CaseSubmitted)
    assert {(event.channel, event.applicant_id, event.represented) for event in submitted} == {("window", "p-li", True)}
