"""Packages (一件事) for tests of the pages."""

from __future__ import annotations

from typing import Any

from demo.applications import paper
from demo.client import Api, ApiError, wait_for

CODE = "bus_and_enrolment"
ENROLMENT = "11339999YX0000016U4002005024000"
NAME = "开学一件事"
PATIENCE_S = 60.0


def definition(code: str, *parts: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What its lead department writes."""
    return {
        "package_code": code,
        "name": NAME,
        "name_en": "The first day of school",
        "summary": "一次申请，办理车辆许可和入学。",
        "summary_en": "One application for the bus and for enrolment.",
        "effective_from": "2026-01-01",
        "lead_department": "education",
        "life_events": ["schooling"],
        "form": {"title": "开学申请表", "title_en": "Application for the first day of school"},
        "questions": {"enrols": {"title": "同时申请入学", "title_en": "Enrol, too", "type": "boolean"}},
        "parts": list(parts),
        **changes,
    }


def publish(administrator: Api, bus_code: str) -> None:
    """The school bus permit, and enrolment for those who answer that they want it."""
    enrolment = {"item_code": ENROLMENT, "when": [{"field": "enrols", "one_of": [True]}]}
    administrator.post("/api/v1/packages", definition(CODE, {"item_code": bus_code}, enrolment))


def draft_of(applicant: Api, code: str) -> str:
    """A draft for the package, as soon as workflow knows it."""

    def begun() -> str | None:
        try:
            return str(applicant.post(f"/api/v1/packages/{code}/drafts", None)["draft_id"])
        except ApiError as error:
            if "package_unknown" not in str(error):
                raise
            return None

    found: str = wait_for("workflow's copy of the package", begun, timeout_s=PATIENCE_S)
    return found


def apply(applicant: Api, item: dict[str, Any]) -> str:
    """A bundle with the case of a school bus; returns its number."""
    receipts = []
    for rule in item["materials"]:
        if rule["required"]:
            where = {"item_code": item["item_code"], "material_code": rule["code"]}
            stored = applicant.upload("/api/v1/materials", paper(rule["code"]), "application/pdf", **where)
            receipts.append(stored["receipt"])
    body = {"form": item["form_schema"]["examples"][0], "materials": receipts}
    return str(applicant.post(f"/api/v1/packages/{CODE}/cases", body)["bundle_no"])
