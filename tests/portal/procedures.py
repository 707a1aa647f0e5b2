"""An item with everything that a procedure can have, for tests of the pages; retired again when they are done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from demo.applications import paper
from demo.client import ApiError, wait_for
from tests.portal.rig import APPLICANT, PATIENCE_S, Platform, definition_of

CODE, BASIC = "11339999YX0000016U4000105990000", "000105990000"
ELIGIBILITY = {
    "code": "convicted",
    "question": "近三年是否受过处罚？",
    "question_en": "Have you been fined within three years?",
    "must_be": False,
    "otherwise": "受过处罚的，三年内不予许可。",
    "otherwise_en": "Whoever was fined is not licensed for three years.",
}
REVIEW = {
    "code": "review",
    "name": "专家评审",
    "name_en": "Expert review",
    "longest": {"amount": 20, "unit": "working_day"},
}
COMMITMENT = {
    "materials": ["safety_rules"],
    "text": "本人承诺已建立安全制度。",
    "text_en": "I commit that there are safety rules.",
    "check_within": {"amount": 20, "unit": "working_day"},
}
STEPS = ("accept", "police_opinion", "examine", "decide")


def item(platform: Platform, **changes: Any) -> dict[str, Any]:
    """Much like the school bus permit, in other words, so that who looks for that one does not find this; with eligibility,
    容缺, 告知承诺, a condition, a special procedure, two signatures and delivery by post.
    """
    text = json.dumps(definition_of(platform, platform.item["item_code"]), ensure_ascii=False)
    for word, other in (("校车", "班车"), ("chool bus", "huttle"), ("chool Bus", "huttle")):
        text = text.replace(word, other)
    definition: dict[str, Any] = json.loads(text)
    rules = {rule["code"]: rule for rule in definition["materials"]}
    rules["application"]["main"] = True
    rules["liability_insurance"]["later_working_days"] = 10
    rules["safety_agreement"] |= {
        "required": True,
        "when": [{"field": "operator_kind", "one_of": ["provider"]}],
        "not_required": {"text": "学校自己运行的无需提交。", "text_en": "Not needed if the school runs the bus."},
    }
    del rules["vehicle_licence"], rules["driver_qualification"], rules["operating_plan"]
    steps = {step["step"]: step for step in definition["plan"]}
    steps["examine"] |= {"after": ["police_opinion"], "officers": 2}
    return definition | {
        "item_code": CODE,
        "basic_code": BASIC,
        "name": "接送车辆许可",
        "name_en": "Shuttle permit",
        "organisation_topics": ["130"],
        "life_events": [],
        "handling_items": [],
        "eligibility": [ELIGIBILITY],
        "commitment": COMMITMENT,
        "special_procedures": [REVIEW],
        "delivery_ways": ["electronic", "post"],
        "materials": list(rules.values()),
        "plan": [steps[name] for name in STEPS],
        "flow": [stage for stage in definition["flow"] if stage["code"] != "deliver"],
        **changes,
    }


@contextmanager
def published(platform: Platform, **changes: Any) -> Iterator[str]:
    """The item in force; retired at the end, so that lists of other tests stay as they are."""
    administrator = platform.caller("administrator")
    code = str(administrator.post("/api/v1/items", item(platform, **changes))["item_code"])
    wait_for("the services' copies of the item", lambda: _known(platform, code), timeout_s=PATIENCE_S)
    yield code
    administrator.post(f"/api/v1/items/{code}/retirement", {"reason": "The test is over."})


def _known(platform: Platform, code: str) -> bool:
    """Whether documents takes its materials and workflow its applications."""
    applicant = platform.caller(APPLICANT)
    where = {"item_code": code, "material_code": "application"}
    try:
        applicant.upload("/api/v1/materials", paper("application"), "application/pdf", **where)
        applicant.get(f"/api/v1/estimates/{code}")
    except ApiError as error:
        if "item_unknown" not in str(error):
            raise
        return False
    return True


def application(platform: Platform, **changes: Any) -> dict[str, Any]:
    """What is handed in for it, with every material that a school needs."""
    codes = changes.pop("codes", ("application", "safety_rules", "liability_insurance"))
    where = {code: {"item_code": CODE, "material_code": code} for code in codes}
    receipts = [
        platform.caller(APPLICANT).upload("/api/v1/materials", paper(code), "application/pdf", **where[code])["receipt"]
        for code in codes
    ]
    return {
        "item_code": CODE,
        "form": platform.item["form_schema"]["examples"][0],
        "materials": receipts,
        "eligibility": {"convicted": False},
        "delivery_way": "electronic",
    } | changes
