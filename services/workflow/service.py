"""Workflow (办件): takes applications in, plans the departments' tasks, joins their opinions, decides, delivers."""

from __future__ import annotations

from pathlib import Path

from chassis.auth import PublicKeys
from chassis.discovery import fetch_public
from chassis.service import Runtime, Service
from contracts import case, task
from services.workflow.adapters.receipts import ReceiptReader
from services.workflow.api.cases import CASES, RECEIPTS
from services.workflow.api.drafts import DRAFTS
from services.workflow.api.progress import PROGRESS
from services.workflow.api.tasks import TASKS
from services.workflow.jobs import JOBS
from services.workflow.models import db
from services.workflow.subscriptions import SUBSCRIPTIONS

REFUSALS = {
    "level_too_low": 403,
    "item_unknown": 404,
    "item_not_delegated": 403,
    "decider_is_examiner": 403,
    "item_retired": 409,
    "item_version_superseded": 409,
    "draft_unknown": 404,
    "draft_changed": 409,
    "too_many_drafts": 409,
    "form_invalid": 422,
    "material_not_in_guide": 422,
    "material_doubled": 422,
    "material_missing": 422,
    "material_receipt_invalid": 422,
    "material_of_another_owner": 403,
    "material_for_another_item": 422,
    "no_correction_asked": 409,
    "correction_mismatch": 422,
    "move_not_allowed": 409,
    "too_many_streams": 503,
    "task_unknown": 404,
    "task_of_another_department": 403,
    "opinion_already_given": 409,
    "opinion_too_late": 409,
    "case_withdrawn": 409,
    "verdict_not_allowed": 422,
    "reason_required": 422,
    "defects_required": 422,
    "second_correction_refused": 409,
}


def _setup(runtime: Runtime) -> None:
    keys = PublicKeys(lambda: fetch_public(runtime.directory, "documents", "/api/v1/document-keys"))
    runtime.parts[RECEIPTS] = ReceiptReader(keys)


SERVICE = Service(
    name="workflow",
    title="办件服务 / Workflow",
    database=db,
    migrations=Path(__file__).with_name("migrations"),
    blueprints=(DRAFTS, CASES, PROGRESS, TASKS),
    subscriptions=SUBSCRIPTIONS,
    jobs=JOBS,
    tells=(
        case.CaseSubmitted,
        case.CaseAccepted,
        case.CaseNotAccepted,
        case.CaseCorrectionRequested,
        case.CaseCorrected,
        case.CaseApproved,
        case.CaseDenied,
        case.CaseWithdrawn,
        case.CaseClosed,
        task.TaskAssigned,
        task.TaskCancelled,
        task.OpinionRecorded,
        task.OpinionRefused,
    ),
    refusals=REFUSALS,
    setup=_setup,
)
