from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from services.catalog.adapters.catalog_files import read_entry
from services.catalog.adapters.definition_document import ItemDefinitionSchema, definition_of
from services.catalog.adapters.form_schema import form_schema_problems
from services.catalog.domain.law_date import law_date
from services.catalog.domain.publishing import publishing_problems
from tests.services.catalog.conftest import CATALOGS

Document = dict[str, Any]


def problems_of(document: Document) -> list[str]:
    definition = definition_of(ItemDefinitionSchema().load(document))
    found = [*publishing_problems(definition), *form_schema_problems(definition.form_schema)]
    assert all(" / " in problem.detail and problem.where for problem in found)
    return [problem.code for problem in found]


def put(path: str, value: Any) -> Callable[[Document], None]:
    """A change of one place of the document, such as ``materials.0.basis``."""

    def change(document: Document) -> None:
        *way, last = path.split(".")
        node: Any = document
        for name in way:
            node = node[int(name)] if isinstance(node, list) else node[name]
        node[int(last) if isinstance(node, list) else last] = value

    return change


def both(*changes: Callable[[Document], None]) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        for one in changes:
            one(document)

    return change


def add_step(**step: Any) -> Callable[[Document], None]:
    base = {"step": "more", "name": "环节", "name_en": "Step", "department": "police", "kind": "opinion"}
    return lambda document: document["plan"].append(base | {"limit_working_days": 1, "after": ["accept"]} | step)


BREACHES = [
    ("item_code_invalid", put("item_code", "11339999YX0000016V4000105016000")),
    ("item_code_mismatch", put("item_code", "11339999YX0000016U4000105017000")),
    ("basic_code_invalid", put("basic_code", "990105016000")),
    ("item_type_mismatch", put("item_type", "20")),
    ("handling_code_invalid", put("handling_items.0.code", "11339999YX0000016U4000105016000")),
    ("handling_code_mismatch", put("handling_items.0.code", "11370800MB2855918433701170020110" + "1")),
    ("handling_code_mismatch", put("handling_items.0.code", "11339999YX0000016U400010501600002")),
    ("limit_units_differ", put("committed_limit.unit", "day")),
    ("committed_limit_exceeds_statutory", put("committed_limit.amount", 21)),
    ("immediate_mismatch", put("committed_limit.amount", 0)),
    ("immediate_mismatch", put("case_kind", "1")),
    ("on_site_reason_missing", both(put("online_level", "III"), put("on_site_visits", 1))),
    ("no_way_to_apply", put("online_level", "none")),
    ("fully_online_needs_no_visit", both(put("on_site_visits", 1), put("on_site_reason", "核验"))),
    ("fee_incomplete", put("fee", {"charged": True, "basis": "某办法", "standard": "10元"})),
    ("fee_without_charge", put("fee", {"charged": False, "online_payment": True})),
    ("phone_missing", put("office.complaint_phone", "")),
    ("phone_missing", put("office.consultation_phone", " ")),
    ("phones_equal", put("office.complaint_phone", "03995550105")),
    ("topics_mismatch", put("organisation_topics", [])),
    ("topics_mismatch", put("person_topics", ["020"])),
    ("element_missing", put("bases", [])),
    ("element_missing", put("conditions", [])),
    ("element_missing", put("service_objects", [])),
    ("element_missing", put("handling_forms", [])),
    ("faq_missing", put("faqs", [])),
    ("flow_too_short", put("flow", [{"name": "受理", "name_en": "x", "text": "x", "text_en": "x"}])),
    ("certificate_kind_mismatch", both(put("result.licence.name", "校车使用许可证"), put("result.kind", "99"))),
    ("result_sample_missing", put("result.sample", {})),
    ("licence_type_code_invalid", put("result.licence.type_code", "11339999YX0000040C")),
    ("uscc_invalid", put("result.licence.issuer_uscc", "11339999YX0000040D")),
    ("material_code_repeated", put("materials.1.code", "application")),
    ("material_catch_all", put("materials.1.name", "法律法规规定的其他材料")),
    ("material_catch_all", put("materials.1.name", "有关材料")),
    ("material_basis_missing", put("materials.1.basis", "")),
    ("material_media_types", put("materials.1.media_types", [])),
    ("material_media_types", put("materials.1.media_types", ["application/zip"])),
    ("material_max_bytes", put("materials.1.max_bytes", 0)),
    ("material_max_bytes", put("materials.1.max_bytes", 2**30)),
    ("material_not_electronic", both(put("materials.1.form", "1"), put("materials.1.copies", 1))),
    ("material_copies_mismatch", put("materials.1.copies", 1)),
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
    ("printed_field_unknown", put("result.licence.printed_fields", ["colour"])),
    ("form_reference", put("form_schema.properties.seats.$ref", "#/properties/route")),
    ("form_reference", put("form_schema.properties.seats.$ref", "http://127.0.0.1:9/secret")),
    ("form_schema_invalid", put("form_schema.properties.seats.type", "number of seats")),
    ("form_schema_invalid", put("form_schema.required", "seats")),
    ("form_schema_invalid", put("form_schema.properties.seats.minimum", "7")),
    ("form_pattern_invalid", put("form_schema.properties.vehicle_plate.pattern", "([A-Z]")),
    ("form_pattern_invalid", put("form_schema.patternProperties", {"(": True})),
    ("form_example_invalid", put("form_schema.examples.0.seats", 5)),
    ("form_example_invalid", put("form_schema.examples.0.colour", "黄")),
]


@pytest.mark.parametrize(("code", "change"), BREACHES, ids=[f"{n}-{code}" for n, (code, _) in enumerate(BREACHES)])
def test_a_breach_is_found_under_its_stable_code(
    school_bus: Document, code: str, change: Callable[[Document], None]
) -> None:
    change(school_bus)
    assert code in problems_of(school_bus)


@pytest.mark.parametrize(
    "change",
    [
        put("plan.2.limit_working_days", 2),
        both(put("committed_limit.amount", 0), put("case_kind", "1"), put("plan", [])),
        both(put("service_objects", ["1", "2"]), put("person_topics", ["020"])),
        put("fee", {"charged": True, "basis": "某办法", "standard": "10元", "online_payment": True}),
        both(put("online_level", "none"), put("handling_forms", ["1", "4"])),
        both(put("materials.1.form", "3"), put("materials.1.copies", 2)),
    ],
)
def test_what_keeps_the_rules_is_not_refused(school_bus: Document, change: Callable[[Document], None]) -> None:
    change(school_bus)
    assert [code for code in problems_of(school_bus) if not code.startswith("plan_")] == []


def test_every_problem_is_told_at_once(school_bus: Document) -> None:
    both(put("materials.0.basis", ""), put("office.complaint_phone", ""), put("committed_limit.amount", 99))(school_bus)
    found = set(problems_of(school_bus))
    assert found == {"material_basis_missing", "phone_missing", "committed_limit_exceeds_statutory"}


@pytest.mark.parametrize("file", sorted(path.name for path in (CATALOGS / "items").glob("*.yaml")))
def test_every_shipped_item_may_be_published(file: str) -> None:
    definition = read_entry(Path(CATALOGS / "items" / file)).definition
    assert [*publishing_problems(definition), *form_schema_problems(definition.form_schema)] == []


def test_the_shipped_school_bus_plan_is_that_of_the_regulations(school_bus: Document) -> None:
    plan = {step["step"]: (step["department"], step["kind"], step["after"]) for step in school_bus["plan"]}
    assert plan == {
        "accept": ("education", "acceptance", []),
        "police_opinion": ("police", "opinion", ["accept"]),
        "transport_opinion": ("transport", "opinion", ["accept"]),
        "examine": ("education", "examination", ["police_opinion", "transport_opinion"]),
        "decide": ("county_government", "decision", ["examine"]),
        "issue_plate": ("police", "delivery", ["decide"]),
    }


def test_six_departments_verify_an_enrolment_in_parallel() -> None:
    definition = read_entry(CATALOGS / "items" / "school-enrolment.yaml").definition
    opinions = [step for step in definition.plan if step.kind == "opinion"]
    assert {step.department for step in opinions} == {
        "police", "natural_resources", "housing", "human_resources", "market_regulation", "health",
    }  # fmt: skip
    assert all(step.after == ("accept",) for step in opinions)


def test_the_day_of_law_is_that_of_shanghai() -> None:
    assert law_date(datetime(2025, 12, 31, 15, 59, tzinfo=UTC)) == date(2025, 12, 31)
    assert law_date(datetime(2025, 12, 31, 16, 0, tzinfo=UTC)) == date(2026, 1, 1)
