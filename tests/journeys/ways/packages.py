"""一件事: several items at once, one left out, one corrected, and all licences in the end."""

from __future__ import annotations

from typing import Any

from tests.factories.definitions import REQUIRED, make_definition, step
from tests.journeys.case import Case
from tests.journeys.platform import Town
from tests.journeys.ways import journey_on_both

CODE = "three_in_one"
PLAN = [step("accept", "education", "acceptance", limit_working_days=5)]
PLAN += [step("decide", "county_government", "decision", "accept", limit_working_days=5)]
QUESTION = {
    "code": "fined",
    "question": "三年内是否受过处罚？",
    "question_en": "Have you been fined within three years?",
    "must_be": False,
    "otherwise": "处罚满三年后再申请。",
    "otherwise_en": "Apply three years after the fine.",
}


@journey_on_both
def a_package_goes_on_without_the_item_that_one_does_not_qualify_for_and_ends_with_all_licences(town: Town) -> None:
    first, barred, corrected = (
        town.publish(make_definition(number, plan=PLAN, **fields))
        for number, fields in ((161, {}), (162, {"eligibility": [QUESTION]}), (163, {}))
    )
    town.told("POST", "/api/v1/packages", town.clerk, _package(first, barred, corrected))
    who, path = town.person(), f"/api/v1/packages/{CODE}"
    guide = town.told("GET", path, None)
    assert [rule["code"] for rule in guide["materials"] if rule["required"]] == list(REQUIRED)
    choices = {"by_item": {barred: {"eligibility": {"fined": True}, "left_out": True}}}
    draft = _draft(town, who, choices)
    body = {
        "draft_id": draft,
        "package_version": guide["version"],
        "form": {"site": "云溪镇三号", "area": 60},
        "materials": [town.upload(first, code, who) for code in REQUIRED],
        "eligibility": {barred: {"fined": True}},
    }
    refused = town.refused("POST", f"{path}/cases", who, body)
    assert (refused.status, refused.code, refused.facts["item_code"]) == (409, "not_eligible", barred)
    made = town.told("POST", f"{path}/cases", who, body | {"leave_out": [barred]})
    assert [one["reasons"] for one in made["left_out"]] == [
        {"fined": "处罚满三年后再申请。 / Apply three years after the fine."}
    ]
    assert town.ask("GET", f"/api/v1/drafts/{draft}", who).status_code == 404
    cases = {one["item_code"]: Case(town, one["item_code"], one["case_no"], who) for one in made["cases"]}
    assert set(cases) == {first, corrected}

    cases[first].agree("accept")
    cases[corrected].complain("accept", "plan")
    bundle = f"/api/v1/bundles/{made['bundle_no']}"
    shown = town.told("GET", bundle, who)
    assert [notice["material_code"] for notice in shown["notices"]] == ["plan"]
    assert {one["item_code"]: one["state"] for one in shown["cases"]} == {
        first: "under_examination",
        corrected: "awaiting_correction",
    }
    receipt = town.upload(corrected, "plan", who, text="补正")
    town.told("POST", f"{bundle}/corrections", who, {"materials": [receipt]})
    cases[first].agree("decide")
    assert town.told("GET", bundle, who)["all_decided"] is False
    cases[corrected].agree("accept", "decide")

    licences = [case.ended("closed")["licence_no"] for case in cases.values()]
    assert len(set(licences)) == 2
    assert [town.told("GET", f"/api/v1/licences/{no}", None)["status"] for no in licences] == ["valid", "valid"]
    shown = town.told("GET", bundle, who)
    assert (shown["all_decided"], shown["delivered"], shown["left_out"][0]["item_code"]) == (True, True, barred)
    told = [row[0] for row in town.read("workflow", "SELECT type FROM outbox WHERE type LIKE 'bundle.%'")]
    assert told == ["bundle.decided.v1"]


@journey_on_both
def a_retired_package_is_refused_and_its_draft_says_why(town: Town) -> None:
    items = [town.publish(make_definition(number, plan=PLAN)) for number in (161, 163)]
    code = "short_lived"
    town.told("POST", "/api/v1/packages", town.clerk, _package(*items) | {"package_code": code})
    who = town.person()
    draft = town.told("POST", f"/api/v1/packages/{code}/drafts", who)["draft_id"]
    town.told("POST", f"/api/v1/packages/{code}/retirement", town.clerk, {"reason": "由新版取代"})
    refused = town.refused("POST", f"/api/v1/packages/{code}/cases", who, {"form": {}})
    assert (refused.status, refused.code, refused.facts["reason"]) == (409, "package_retired", "由新版取代")
    kept = town.told("GET", f"/api/v1/drafts/{draft}", who)
    assert (kept["retired_on"], kept["retired_because"]) == (town.today.isoformat(), "由新版取代")
    assert town.ask("DELETE", f"/api/v1/drafts/{draft}", who).status_code == 204


def _draft(town: Town, who: Any, choices: dict[str, Any]) -> str:
    """A draft in which each item's choices are kept."""
    draft = town.told("POST", f"/api/v1/packages/{CODE}/drafts", who)
    saved = {"form": {"site": "云溪镇三号"}, "materials": {}, "step": "form", "version": 1, "choices": choices}
    assert town.told("PUT", f"/api/v1/drafts/{draft['draft_id']}", who, saved)["choices"] == choices
    return str(draft["draft_id"])


def _package(*items: str) -> dict[str, Any]:
    return {
        "package_code": CODE,
        "name": "三事一次办",
        "name_en": "Three in one",
        "summary": "一次申请。",
        "summary_en": "One application.",
        "effective_from": "2026-01-01",
        "lead_department": "education",
        "form": {"title": "申请表", "title_en": "Application"},
        "parts": [{"item_code": code} for code in items],
    }
