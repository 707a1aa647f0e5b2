from __future__ import annotations

from collections.abc import Callable

import pytest

from services.catalog.domain.patterns import pattern_fault
from tests.services.catalog.definitions import (
    BROKER,
    HEARING,
    POINT,
    PROMISE,
    PROVIDER,
    QUESTION,
    SPRING,
    Document,
    add_step,
    both,
    days,
    preview,
    problems_of,
    put,
)

BREACHES = [
    ("plan_step_repeated", add_step(step="examine")),
    ("plan_after_unknown", put("plan.1.after", ["accepted"])),
    ("plan_acceptance_count", put("plan.0.kind", "opinion")),
    ("plan_acceptance_count", add_step(kind="acceptance")),
    ("plan_acceptance_count", put("plan", [])),
    ("plan_decision_count", put("plan.4.kind", "examination")),
    ("plan_cycle", put("plan.1.after", ["accept", "examine"])),
    ("plan_cycle", put("plan.1.after", ["accept", "police_opinion"])),
    ("plan_acceptance_not_first", put("plan.1.after", [])),
    ("plan_acceptance_not_first", both(put("plan.0.after", ["police_opinion"]), put("plan.1.after", []))),
    ("plan_acceptance_not_lead", put("plan.0.department", "police")),
    ("plan_step_not_before_decision", add_step(after=["accept"])),
    ("plan_step_not_before_decision", add_step(kind="examination", after=["decide"])),
    ("plan_delivery_before_decision", put("plan.5.after", ["examine"])),
    ("plan_exceeds_commitment", put("plan.2.limit_working_days", 4)),
    ("form_dialect", put("form_schema.$schema", "http://json-schema.org/draft-07/schema#")),
    ("form_open", put("form_schema.additionalProperties", True)),
    ("form_open", put("form_schema.type", "array")),
    ("form_empty", both(put("form_schema.properties", {}), put("form_schema.examples", []))),
    ("form_title_missing", put("form_schema.properties.seats.title_en", "")),
    ("form_title_missing", put("form_schema.properties.seats", True)),
    ("form_reference", put("form_schema.properties.seats.$ref", "#/properties/route")),
    ("form_reference", put("form_schema.properties.seats.$ref", "http://127.0.0.1:9/secret")),
    ("form_schema_invalid", put("form_schema.properties.seats.type", "number of seats")),
    ("form_schema_invalid", put("form_schema.required", "seats")),
    ("form_schema_invalid", put("form_schema.properties.seats.minimum", "7")),
    ("form_pattern_invalid", put("form_schema.properties.vehicle_plate.pattern", "([A-Z]")),
    ("form_pattern_invalid", put("form_schema.patternProperties", {"(": True})),
    ("material_not_required_missing", put("materials.6.when", [PROVIDER])),
    ("material_later_main", both(put("materials.5.later_working_days", 5), put("materials.5.main", True))),
    ("material_main_missing", put("materials.5.later_working_days", 5)),
    ("condition_empty", put("materials.6.when", [{"field": "seats"}])),
    ("condition_field_unknown", put("plan.1.when", [{"field": "colour", "one_of": ["黄"]}])),
    ("condition_field_kind", put("plan.1.when", [{"field": "stops", "one_of": ["云溪镇"]}])),
    ("condition_never_holds", put("plan.1.when", [{"field": "operator_kind", "one_of": ["parent"]}])),
    ("condition_never_holds", put("plan.1.when", [{"field": "seats", "at_least": 57}])),
    ("condition_never_holds", put("plan.1.when", [{"field": "seats", "one_of": [True]}])),
    ("limit_basis_missing", put("statutory_limit", {"amount": 21, "unit": "working_day"})),
    ("limit_basis_missing", both(put("statutory_limit.unit", "day"), put("committed_limit.unit", "day"))),
    ("limit_basis_missing", put("clock_starts_on", "received")),
    ("limit_basis_missing", both(put("joint", True), put("statutory_limit.amount", 46))),
    ("batches_missing", put("clock_starts_on", "batch_closed")),
    ("batches_missing", put("plan.3.starts_on", "batch_closed")),
    ("joint_single_department", both(put("joint", True), put("plan", []))),
    ("extension_empty", put("extension", {"limit": days(0), "approver": "agency_head"})),
    ("extension_too_long", put("extension", {"limit": days(11), "approver": "agency_head"})),
    ("extension_too_long", put("extension", {"limit": {"amount": 1, "unit": "month"}, "approver": "agency_head"})),
    ("extension_rank", both(put("joint", True), put("extension", {"limit": days(15), "approver": "agency_head"}))),
    ("special_procedure_repeated", put("special_procedures", [HEARING, HEARING])),
    ("special_procedure_limit", put("special_procedures", [HEARING | {"longest": days(0)}])),
    ("batch_repeated", put("batches", [SPRING, SPRING])),
    ("batch_dates", put("batches", [SPRING | {"closes": "2026-02-28"}])),
    (
        "batches_overlap",
        put("batches", [SPRING, SPRING | {"name": "秋季", "opens": "2026-03-31", "closes": "2026-10-01"}]),
    ),
    ("commitment_empty", put("commitment", PROMISE | {"materials": []})),
    ("commitment_material_unknown", put("commitment", PROMISE | {"materials": ["diploma"]})),
    ("commitment_check_limit", put("commitment", PROMISE | {"check_within": days(0)})),
    ("commitment_excluded_field", both(put("commitment", PROMISE), put("risk_fields", ["health"]))),
    ("eligibility_no_question", put("eligibility", [QUESTION | {"question": "车辆已检验。"}])),
    ("eligibility_repeated", put("eligibility", [QUESTION, QUESTION])),
    ("delivery_way_missing", put("delivery_ways", [])),
    ("fully_online_needs_remote_delivery", put("delivery_ways", ["pick_up"])),
    ("examination_step_unknown", put("examination_rules", [POINT | {"step": "look"}])),
    ("intermediary_material_unknown", put("intermediary_services", [BROKER | {"material": "report"}])),
    ("stage_repeated", both(put("flow.0.code", "first"), put("flow.1.code", "first"))),
    ("plan_stage_unknown", put("plan.1.stage", "first")),
    (
        "plan_stage_order",
        both(put("flow.0.code", "a"), put("flow.1.code", "b"), put("plan.1.stage", "b"), put("plan.3.stage", "a")),
    ),
    ("plan_material_unknown", put("plan.1.materials", ["diploma"])),
    ("plan_field_unknown", put("plan.1.fields", ["colour"])),
    ("plan_step_must_apply", put("plan.4.when", [PROVIDER])),
    ("plan_step_must_apply", put("plan.0.when", [PROVIDER])),
    ("plan_step_never_applies", put("plan.1.when", [PROVIDER, {"field": "operator_kind", "one_of": ["school"]}])),
    ("plan_combination_unexamined", both(*(put(f"plan.{n}.when", [PROVIDER]) for n in (1, 2, 3)))),
    ("plan_acceptance_after_pre_review", both(preview(), put("plan.1.after", ["look"]))),
    ("plan_acceptance_not_first", both(preview(), put("plan.1.after", []))),
    ("plan_pre_review_count", both(preview(), preview(step="again"))),
    ("plan_pre_review_not_lead", preview(department="police")),
    ("plan_ruling_not_lead", add_step(kind="ruling", after=["police_opinion"])),
    ("plan_check_without_commitment", add_step(kind="check", after=["decide"])),
    ("plan_check_before_decision", add_step(kind="check", after=["examine"])),
    ("plan_officers_kind", put("plan.4.officers", 2)),
    ("plan_limit_zero", put("plan.1.limit", days(0))),
    ("plan_exceeds_commitment", put("plan.1.limit", days(6))),
    ("form_help_one_language", put("form_schema.properties.seats.description", "含驾驶人")),
    ("form_choice_untitled", put("form_schema.properties.operator_kind.oneOf.0.title_en", "")),
    ("form_title_missing", put("form_schema.properties.stops.items", {"properties": {"x": {"title": "站"}}})),
    ("form_field_unknown", put("form_schema.required", ["colour"])),
    ("form_field_unknown", put("form_schema.dependentRequired", {"seats": ["colour"]})),
    ("form_field_unknown", put("form_schema.allOf", [{"if": {"required": ["colour"]}, "then": True}])),
    ("form_field_unknown", put("form_schema.then", {"properties": {"colour": True}})),
    ("form_pattern_slow", put("form_schema.properties.vehicle_plate.pattern", "^([A-Z]+)+$")),
    ("form_pattern_slow", put("form_schema.allOf", [{"properties": {"route": {"pattern": "(a|a)*b"}}}])),
    ("form_too_complex", put("form_schema.allOf", [{"anyOf": [{"oneOf": [{}] * 9}] * 3}] * 3)),
    ("form_example_invalid", put("form_schema.examples.0.seats", 5)),
    ("form_example_invalid", put("form_schema.examples.0.colour", "黄")),
]


@pytest.mark.parametrize(("code", "change"), BREACHES, ids=[f"{n}-{code}" for n, (code, _) in enumerate(BREACHES)])
def test_a_breach_of_process_or_form_is_found_under_its_stable_code(
    school_bus: Document, code: str, change: Callable[[Document], None]
) -> None:
    change(school_bus)
    assert code in problems_of(school_bus)


@pytest.mark.parametrize(
    "change",
    [
        preview(),
        both(put("plan.1.when", [PROVIDER]), put("plan.2.when", [{"field": "seats", "at_least": 20, "at_most": 30}])),
        both(
            put("plan.1.materials", ["vehicle_licence"]),
            put("plan.1.fields", ["vehicle_plate"]),
            put("plan.3.officers", 2),
        ),
        add_step(kind="ruling", department="education", after=["police_opinion"], limit_working_days=1),
        both(put("case_kind", "1"), put("committed_limit.amount", 0), put("extension", None)),
        both(put("plan.1.limit", {"amount": 40, "unit": "day"})),
    ],
)
def test_a_sound_plan_is_not_refused(school_bus: Document, change: Callable[[Document], None]) -> None:
    change(school_bus)
    for step in school_bus["plan"]:
        if step["kind"] == "ruling":
            school_bus["plan"][3]["after"] = ["transport_opinion", step["step"]]
            school_bus["plan"][3]["limit_working_days"] = 4
    assert problems_of(school_bus) == []


def test_a_plan_is_measured_by_the_steps_that_apply_together(school_bus: Document) -> None:
    """Two steps one after the other that never both apply take the time of one."""
    one, other = PROVIDER, {"field": "operator_kind", "one_of": ["school"]}
    both(put("plan.1.when", [one]), put("plan.2.when", [other]), put("plan.2.after", ["police_opinion"]))(school_bus)
    assert problems_of(school_bus) == []
    put("plan.2.when", [])(school_bus)
    assert problems_of(school_bus) == ["plan_exceeds_commitment"]


@pytest.mark.parametrize(
    ("pattern", "slow"),
    [
        ("^[1-9][0-9]{16}[0-9X]$", False), ("(京|津)+", False), ("^([0-9]{3}-?){2}[0-9]+$", False), ("(a{2}){1,20}", False),
        ("(a+)+", True), ("(a|ab)*", True), ("(?:a?){30}a", True), ("(a{1,9}){1,9}", True), ("(a+){3}", True), ("a*b*c*", True),
        (r"(a)\1", True), ("a{1001}", True), ("(" * 2 + "[a-z]+" + ")" * 2 + "*", True), ("x" * 301, True),
    ],
)  # fmt: skip
def test_a_pattern_that_might_take_for_ever_is_refused(pattern: str, slow: bool) -> None:
    assert (pattern_fault(pattern) is not None) is slow
