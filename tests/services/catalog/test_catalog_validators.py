from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from services.catalog.adapters.catalog_files import read_entry
from services.catalog.adapters.form_schema import form_schema_problems
from services.catalog.domain.law_date import law_date
from services.catalog.domain.publishing import publishing_problems
from tests.services.catalog.conftest import CATALOGS
from tests.services.catalog.definitions import (
    BROKER,
    CHARGED,
    FEE,
    HEARING,
    MORNING,
    NAMED,
    NOT_NEEDED,
    PHONE,
    POINT,
    PROMISE,
    PROVIDER,
    QUESTION,
    SPRING,
    VENUE,
    Document,
    add_step,
    both,
    days,
    problems_of,
    put,
)

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
    ("printed_field_unknown", put("result.licence.printed_fields", ["colour"])),
    ("former_code_invalid", put("former_basic_code", "010050160")),
    ("cancel_before_effect", put("cancel_on", "2026-01-01")),
    ("secrecy_not_public", put("secrecy", "internal")),
    ("uscc_invalid", put("entrusting_agency", NAMED | {"uscc": "11339999YX0000040D", "basis": "协议"})),
    ("fee_items_without_charge", put("fee", {"charged": False, "items": [FEE]})),
    ("fee_item_repeated", put("fee", CHARGED | {"items": [FEE, FEE]})),
    ("attachment_empty", put("result.sample_document", NAMED)),
    ("attachment_empty", put("materials.0.blank_form", NAMED)),
    (
        "material_originals_mismatch",
        both(put("materials.0.form", "3"), put("materials.0.copies", 2), put("materials.0.originals", 1)),
    ),
    (
        "material_originals_mismatch",
        both(put("materials.0.form", "3"), put("materials.0.copies", 1), put("materials.0.photocopies", 1)),
    ),
    ("material_in_person_online", put("materials.0.in_person", True)),
    ("licence_type_code_invalid", put("materials.1.licence_type", "11339999YX0000040C")),
    ("licence_type_code_invalid", put("renewal", {"licence_type": "x"})),
    ("venue_hours_missing", put("venues", [VENUE | {"hours": []}])),
    ("venue_hours", put("venues", [VENUE | {"hours": [MORNING | {"closes": "09:00"}]}])),
    (
        "venue_hours_overlap",
        put("venues", [VENUE | {"hours": [MORNING, MORNING | {"opens": "11:59", "closes": "17:00"}]}]),
    ),
    ("appointments_need_venue", put("appointments", True)),
    ("entry_centre_without_counter", both(put("entry_centre", True), put("handling_forms", ["2"]))),
    ("channel_address_invalid", put("enquiry_channels", [{"kind": "email", "address": "云溪"}])),
    ("channel_address_invalid", put("complaint_channels", [{"kind": "web", "address": "www"}])),
    ("channel_address_invalid", put("enquiry_channels", [{"kind": "phone", "address": "每日"}])),
    ("channels_equal", both(put("enquiry_channels", [PHONE]), put("complaint_channels", [PHONE]))),
    ("online_depth_mismatch", put("online_depths", ["1", "4"])),
    ("online_depth_licence", both(put("online_depths", ["4", "5", "6", "7"]), put("delivery_ways", ["post"]))),
    ("online_url_offline", both(put("online_level", "none"), put("online_url", "https://example.org/"))),
    ("mobile_url_without_form", both(put("mobile_url", "/m"), put("handling_forms", ["1"]))),
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
        both(put("committed_limit.amount", 0), put("case_kind", "1"), put("plan", []), put("extension", None)),
        both(put("service_objects", ["1", "2"]), put("person_topics", ["020"])),
        put("fee", {"charged": True, "basis": "某办法", "standard": "10元", "online_payment": True}),
        both(put("online_level", "none"), put("handling_forms", ["1", "4"])),
        both(put("materials.1.form", "3"), put("materials.1.copies", 2)),
        both(put("materials.0.form", "3"), put("materials.0.copies", 1), put("materials.0.originals", 1)),
        both(put("materials.6.when", [PROVIDER]), put("materials.6.not_required", NOT_NEEDED)),
        both(put("materials.5.later_working_days", 5), put("materials.0.main", True)),
        both(put("statutory_limit.amount", 30), put("limit_basis", "某法第一条")),
        both(put("joint", True), put("statutory_limit.amount", 45), put("extension", None)),
        both(put("clock_starts_on", "batch_closed"), put("batches", [SPRING]), put("limit_basis", "某法")),
        both(put("joint", True), put("extension", {"limit": days(15), "approver": "government_head"})),
        both(put("commitment", PROMISE), add_step(kind="check", after=["decide"])),
        both(put("eligibility", [QUESTION]), put("special_procedures", [HEARING]), put("venues", [VENUE])),
        both(put("appointments", True), put("venues", [VENUE]), put("entry_centre", True)),
        both(
            put("enquiry_channels", [PHONE, {"kind": "email", "address": "a@example.org"}]),
            put("online_depths", ["1", "4", "5", "6", "7"]),
        ),
        both(
            put("fee", CHARGED | {"items": [FEE]}),
            put("former_basic_code", "0100501600"),
            put("cancel_on", "2027-01-01"),
        ),
        both(
            put("intermediary_services", [BROKER | {"material": "application"}]),
            put("examination_rules", [POINT | {"step": "examine"}]),
        ),
        both(
            put(
                "form_schema.allOf",
                [{"if": {"properties": {"seats": {"minimum": 20}}}, "then": {"required": ["stops"]}}],
            )
        ),
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
