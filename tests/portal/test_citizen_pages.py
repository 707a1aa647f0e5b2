"""What a citizen does in the pages, and what the API says of it afterwards."""

from __future__ import annotations

import io
import re
import threading
import uuid
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from demo.applications import paper
from portal.citizen import cases
from tests.portal.browsing import CSRF, enter
from tests.portal.rig import APPLICANT, PARENT, PROBLEM, Platform, World


@pytest.fixture
def citizen(client: FlaskClient, platform: Platform) -> FlaskClient:
    enter(client, platform, APPLICANT)
    return client


def post(client: FlaskClient, address: str, page: str | None = None, **fields: Any) -> Any:
    """Send a form with the token of ``page`` (the address itself if not given)."""
    found = CSRF.search(client.get(page or address).get_data(as_text=True))
    assert found
    return client.post(address, data={"csrf_token": found.group(1), **fields})


def as_fields(form: dict[str, Any]) -> dict[str, str]:
    return {name: "\n".join(value) if isinstance(value, list) else str(value) for name, value in form.items()}


def new_draft(platform: Platform) -> str:
    wanted = {"item_code": platform.item["item_code"], "item_version": platform.item["version"]}
    return str(platform.caller(APPLICANT).post("/api/v1/drafts", wanted)["draft_id"])


def stored(platform: Platform, draft_id: str) -> Any:
    return platform.caller(APPLICANT).get(f"/api/v1/drafts/{draft_id}")


def numbers(platform: Platform) -> list[str]:
    return [case["case_no"] for case in platform.caller(APPLICANT).get("/api/v1/cases")["cases"]]


def file(name: str = "a.pdf", content: bytes | None = None) -> tuple[io.BytesIO, str]:
    return io.BytesIO(paper(name) if content is None else content), name


@pytest.mark.parametrize(
    "address", ["/my", "/licences", "/apply/x", f"/drafts/{uuid.UUID(int=1)}/form", "/cases/1", "/cases/1/rating"]
)
def test_a_stranger_signs_in_first_and_comes_back(client: FlaskClient, platform: Platform, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 303
    assert answer.location.startswith("/sign-in?next=")
    assert enter(client, platform, APPLICANT, address).location == address


@pytest.mark.parametrize(
    ("sent", "page"),
    [
        ("/cases/1/withdrawal", "/cases/1/withdrawal"),
        (f"/drafts/{uuid.UUID(int=1)}/materials/a/removal", f"/drafts/{uuid.UUID(int=1)}/materials"),
        (f"/drafts/{uuid.UUID(int=1)}/deletion", "/"),
    ],
)
def test_who_was_signed_out_meanwhile_comes_back_to_the_page_of_the_form(
    client: FlaskClient, sent: str, page: str
) -> None:
    answer = post(client, sent, "/")
    assert answer.status_code == 303
    assert parse_qs(urlsplit(answer.location).query)["next"] == [page]


@pytest.mark.parametrize("evil", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_signing_in_leads_nowhere_else(client: FlaskClient, platform: Platform, evil: str) -> None:
    assert enter(client, platform, APPLICANT, evil).location == "/my"


def test_a_form_from_elsewhere_changes_nothing(citizen: FlaskClient, platform: Platform, world: World) -> None:
    answer = citizen.post(f"/cases/{world.fresh}/withdrawal", data={"reason": "forged"})
    assert answer.status_code == 400
    assert platform.case(world.fresh)["state"] == "received"


def test_nobody_begins_without_confirming_the_conditions(
    citizen: FlaskClient, world: World, platform: Platform
) -> None:
    before = platform.caller(APPLICANT).get("/api/v1/drafts")
    answer = post(citizen, f"/apply/{world.item_code}")
    assert answer.status_code == 422
    assert "请确认您符合申请条件" in answer.text
    assert platform.caller(APPLICANT).get("/api/v1/drafts") == before


def test_a_second_click_is_the_same_draft(citizen: FlaskClient, world: World) -> None:
    page = citizen.get(f"/apply/{world.item_code}").text
    [key] = re.findall(r'name="key" value="([^"]+)"', page)
    begun = [post(citizen, f"/apply/{world.item_code}", eligible="true", key=key).location for _ in range(2)]
    assert begun[0] == begun[1]


def test_what_is_wrong_is_kept_and_said_beside_its_field(citizen: FlaskClient, platform: Platform) -> None:
    draft_id = new_draft(platform)
    form = as_fields(platform.item["form_schema"]["examples"][0]) | {
        "seats": "3",
        "contact_phone": "12",
        "driver_name": "",
    }
    answer = post(citizen, f"/drafts/{draft_id}/form", then="next", **form)
    assert answer.status_code == 422
    for sentence in ("核载人数：不小于 7", "联系电话：格式不正确，请核对", "请填写：驾驶人姓名"):
        assert answer.text.count(sentence) == 2, sentence  # in the summary and beside the field
    assert 'value="12"' in answer.text
    assert stored(platform, draft_id)["form"]["seats"] == 3


def test_what_is_left_for_later_is_there_later(citizen: FlaskClient, platform: Platform) -> None:
    draft_id = new_draft(platform)
    assert (
        post(citizen, f"/drafts/{draft_id}/form", then="later", route="清水村<script>", stops="甲站\r\n乙站").location
        == "/my"
    )
    page = citizen.get(f"/drafts/{draft_id}/form").text
    assert "清水村&lt;script&gt;</textarea>" in page
    assert "甲站\n乙站</textarea>" in page


def test_a_file_of_the_wrong_kind_is_refused_beside_its_material(citizen: FlaskClient, platform: Platform) -> None:
    draft_id = new_draft(platform)
    page = f"/drafts/{draft_id}/materials"
    for wrong in (file("a.txt", b"text"), file("fake.pdf", b"no pdf at all"), file("", b"")):
        answer = post(citizen, f"{page}/operating_plan", page, file=wrong)
        assert answer.status_code == 422
        assert 'id="operating_plan-error"' in answer.text
    assert stored(platform, draft_id)["materials"] == {}


def test_materials_come_and_go(citizen: FlaskClient, platform: Platform) -> None:
    draft_id = new_draft(platform)
    page = f"/drafts/{draft_id}/materials"
    assert post(citizen, f"{page}/operating_plan", page, file=file("plan.pdf")).status_code == 303
    assert stored(platform, draft_id)["materials"]["operating_plan"]["file_name"] == "plan.pdf"
    assert "plan.pdf" in citizen.get(page).text
    assert post(citizen, page).status_code == 422
    assert post(citizen, f"{page}/operating_plan/removal", page).status_code == 303
    assert stored(platform, draft_id)["materials"] == {}


def test_an_application_is_handed_in_once_however_often_it_is_clicked(citizen: FlaskClient, platform: Platform) -> None:
    draft_id = new_draft(platform)
    form = as_fields(platform.item["form_schema"]["examples"][0])
    assert post(citizen, f"/drafts/{draft_id}/form", then="next", **form).status_code == 303
    page = f"/drafts/{draft_id}/materials"
    for rule in platform.item["materials"]:
        if rule["required"]:
            assert post(citizen, f"{page}/{rule['code']}", page, file=file(f"{rule['code']}.pdf")).status_code == 303
    before = numbers(platform)
    review = f"/drafts/{draft_id}/review"
    assert post(citizen, review).status_code == 422
    assert numbers(platform) == before
    token = CSRF.search(citizen.get(review).text)
    assert token
    handed_in = citizen.post(review, data={"csrf_token": token.group(1), "declared": "true"})
    assert handed_in.status_code == 303
    again = citizen.post(review, data={"csrf_token": token.group(1), "declared": "true"})
    assert (again.status_code, again.location) == (303, "/my")
    [case_no] = set(numbers(platform)) - set(before)
    assert handed_in.location == f"/cases/{case_no}/receipt"
    receipt = citizen.get(handed_in.location).text
    assert case_no in receipt
    assert len(re.findall(r"\b[0-9a-f]{64}\b", receipt)) >= len(platform.case(case_no)["materials"])
    assert citizen.get(f"/drafts/{draft_id}/form").status_code == 404


@pytest.mark.parametrize(
    "page", ["", "/live", "/receipt", "/correction", "/withdrawal", "/rating", "/events", "/proof.json"]
)
def test_another_party_sees_nothing_of_a_case(client: FlaskClient, platform: Platform, world: World, page: str) -> None:
    enter(client, platform, PARENT)
    answer = client.get(f"/cases/{world.running}{page}")
    assert answer.status_code == 404
    assert "school" not in answer.text.lower()
    assert "云溪县第一小学" not in answer.text


def test_the_page_of_a_case_says_who_works_and_until_when(citizen: FlaskClient, world: World) -> None:
    page = citizen.get(f"/cases/{world.running}").text
    for words in (
        "已受理，审查中",
        "云溪县公安局",
        "云溪县交通运输局",
        "办理中",
        "办理经过",
        f'data-live="/cases/{world.running}/events"',
    ):
        assert words in page
    assert "data-live" not in citizen.get(f"/cases/{world.closed}").text


def test_corrections_are_asked_for_one_by_one_and_taken_all_or_none(
    citizen: FlaskClient, platform: Platform, world: World
) -> None:
    address = f"/cases/{world.correcting}/correction"
    page = citizen.get(address).text
    assert PROBLEM in page
    assert page.count('type="file"') == 1
    answer = post(citizen, address)
    assert answer.status_code == 422
    assert 'id="operating_plan-error"' in answer.text
    assert platform.case(world.correcting)["state"] == "awaiting_correction"


def test_nothing_is_withdrawn_without_a_reason(citizen: FlaskClient, platform: Platform, world: World) -> None:
    address = f"/cases/{world.fresh}/withdrawal"
    assert "撤回后不能恢复" in citizen.get(address).text
    assert post(citizen, address, reason="  ").status_code == 422
    assert platform.case(world.fresh)["state"] == "received"


def test_what_has_ended_cannot_be_withdrawn_and_the_page_says_so(
    citizen: FlaskClient, platform: Platform, world: World
) -> None:
    answer = post(citizen, f"/cases/{world.closed}/withdrawal", reason="too late")
    assert answer.status_code == 422
    assert 'id="reason-error"' in answer.text
    assert platform.case(world.closed)["state"] == "closed"


def test_a_case_is_rated_once(citizen: FlaskClient, platform: Platform, world: World) -> None:
    address = f"/cases/{world.denied}/rating"
    assert post(citizen, address).status_code == 422
    given = MultiDict([("level", "2"), ("comment", "慢<b>"), ("aspects", "speed"), ("aspects", "nonsense")])
    token = CSRF.search(citizen.get(address).text)
    assert token
    given.add("csrf_token", token.group(1))
    assert citizen.post(address, data=given).status_code == 303
    rating = platform.caller(APPLICANT).get(f"/api/v1/ratings/{world.denied}")
    assert (rating["level"], rating["comment"], rating["aspects"]) == (2, "慢<b>", ["speed"])
    assert post(citizen, address, level="5").status_code == 409
    assert platform.caller(APPLICANT).get(f"/api/v1/ratings/{world.denied}")["level"] == 2
    assert "感谢您的评价" in citizen.get(f"/cases/{world.denied}").text


def test_the_licence_is_downloaded_through_the_portal(citizen: FlaskClient, world: World) -> None:
    page = citizen.get("/licences").text
    assert world.licence_no in page
    assert 'src="data:image/svg+xml' in page
    answer = citizen.get(f"/licences/{world.licence_no}/pdf")
    assert answer.mimetype == "application/pdf"
    assert answer.data.startswith(b"%PDF-")


def test_events_say_when_a_case_has_ended(citizen: FlaskClient, world: World) -> None:
    answer = citizen.get(f"/cases/{world.closed}/events")
    assert answer.mimetype == "text/event-stream"
    assert "event: ended" in answer.text


def test_when_too_many_watch_the_page_is_told_to_ask_instead(
    citizen: FlaskClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases, "STREAMS_AT_ONCE", threading.BoundedSemaphore(0))
    answer = citizen.get(f"/cases/{world.running}/events")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "已受理，审查中" in citizen.get(f"/cases/{world.running}/live").text
