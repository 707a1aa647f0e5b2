"""What people do on the platform, one visit a function, each through the public API or the portal's pages."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from demo.applications import BROCHURE, ENROLMENT, REISSUE, SCHOOL_BUS, Application, paper
from demo.client import Api

APPLICATIONS = (SCHOOL_BUS, ENROLMENT, REISSUE, BROCHURE)
PAGES = ("/", "/items", "/packages", "/figures", "/verify", "/status")
OPEN_FIGURES = ("/api/v1/figures", "/api/v1/open-data/cases", "/api/v1/packages", "/api/v1/ledger/checkpoint")
CORRECTED = 4  # of so many tasks of an officer one needs a correction


def open_items(anyone: Api) -> list[Application]:
    """Those of the applications whose items are published here."""
    published = set()
    query: dict[str, str] = {}
    while True:
        page = anyone.get("/api/v1/items", **query)
        published |= {item["name"] for item in page["items"]}
        if page["next"] is None:
            return [application for application in APPLICATIONS if application.item in published]
        query = {"after": page["next"]}


def read_about(anyone: Api, application: Application) -> dict[str, Any]:
    """Search for the item, read its guide as a page and as data; the guide."""
    found = anyone.get("/api/v1/items/search", q=application.item)["items"]
    [code] = [item["item_code"] for item in found if item["name"] == application.item]
    anyone.get_bytes(f"/items/{code}")
    anyone.get(f"/api/v1/estimates/{code}")
    guide: dict[str, Any] = anyone.get(f"/api/v1/items/{code}")
    return guide


def apply_with_draft(applicant: Api, application: Application, guide: dict[str, Any]) -> str:
    """Begin a draft, fill it in, upload what the guide requires, save, submit; the case number."""
    form = dict(application.form or guide["form_schema"]["examples"][0])
    draft = applicant.post("/api/v1/drafts", {"item_code": guide["item_code"], "item_version": guide["version"]})
    draft = _save(applicant, draft, form, {}, "form")
    kept = {
        material["code"]: _upload(applicant, guide["item_code"], material["code"], material["name"])
        for material in guide["materials"]
        if material["required"] and not material.get("when")
    }
    draft = _save(applicant, draft, form, kept, "materials")
    body = {
        "item_code": guide["item_code"],
        "item_version": guide["version"],
        "form": form,
        "materials": [material["receipt"] for material in kept.values()],
        "draft_id": draft["draft_id"],
    }
    return str(applicant.post("/api/v1/cases", body)["case_no"])


def _upload(applicant: Api, item_code: str, code: str, name: str) -> dict[str, Any]:
    """A paper that nobody has handed in before, as the draft keeps it."""
    where = {"item_code": item_code, "material_code": code}
    content = paper(f"{name} {uuid.uuid4()}")
    stored = applicant.upload("/api/v1/materials", content, "application/pdf", **where)
    told = {key: stored[key] for key in ("receipt", "media_type", "size_bytes", "sha256")}
    return told | {"file_name": f"{code}.pdf"}


def _save(
    applicant: Api, draft: dict[str, Any], form: dict[str, Any], materials: dict[str, Any], step: str
) -> dict[str, Any]:
    body = {"form": form, "materials": materials, "step": step, "version": draft["version"]}
    saved: dict[str, Any] = applicant.put(f"/api/v1/drafts/{draft['draft_id']}", body)
    return saved


def answer_tasks(officer: Api, count: Iterator[int]) -> int:
    """The officer's open tasks, each looked at and answered; now and then a material has to be corrected. How many."""
    tasks = officer.get("/api/v1/tasks")["tasks"]
    for task in tasks:
        officer.post(f"/api/v1/tasks/{task['task_id']}/receipt", {})
        wrong = task["materials"] and task["round"] == 1 and next(count) % CORRECTED == 0
        officer.post(f"/api/v1/tasks/{task['task_id']}/opinion", _objection(task) if wrong else {"verdict": "agree"})
    return len(tasks)


def _objection(task: dict[str, Any]) -> dict[str, Any]:
    problem = "扫描件不清晰 / the scan cannot be read"
    defect = {"material_code": task["materials"][0]["code"], "problem": problem}
    return {"verdict": "correction_needed", "reason": problem, "defects": [defect]}


def follow(applicant: Api, case_no: str) -> dict[str, Any]:
    """Look the case up as its applicant does, and correct what a notice asks for. The case as it was found."""
    case: dict[str, Any] = applicant.get(f"/api/v1/cases/{case_no}")
    if case["state"] == "awaiting_correction":
        asked = {defect["material_code"] for defect in case["notice"]["defects"]}
        receipts = [_upload(applicant, case["item_code"], code, code)["receipt"] for code in sorted(asked)]
        applicant.post(f"/api/v1/cases/{case_no}/corrections", {"materials": receipts})
    return case


def rate(applicant: Api, case_no: str, level: int) -> None:
    """Say how it went, once the supervision has heard that the case has ended."""
    applicant.post("/api/v1/ratings", {"case_no": case_no, "level": level, "comment": "演示评价 / a demo rating"})


def check_licence(anyone: Api, holder: Api, licence_no: str) -> None:
    """Download the licence; anyone looks its number up, on the page that its code leads to as well, and has the file checked."""
    content = holder.get_bytes(f"/api/v1/licences/{licence_no}/pdf")
    anyone.get(f"/api/v1/licences/{licence_no}")
    anyone.get_bytes(f"/verify/{quote(licence_no)}")
    anyone.upload("/api/v1/licences/verification", content, "application/pdf")


def look_around(anyone: Api, supervisor: Api) -> None:
    """Pages and open figures, and what a supervisor looks at."""
    for page in (*PAGES, *OPEN_FIGURES):
        anyone.get_bytes(page)
    supervisor.get("/api/v1/cards")
    supervisor.get("/api/v1/cases")
