"""Workflow (办件): takes applications in, plans the departments' tasks, joins their opinions, decides, delivers."""

from __future__ import annotations

from pathlib import Path

from chassis.fetch import fetch_public
from chassis.public_keys import PublicKeys
from chassis.service import Runtime, Service
from contracts import appointment, case, task
from services.workflow.adapters.addresses import ADDRESSES
from services.workflow.adapters.courier import COURIERS
from services.workflow.adapters.gauges import show_gauges
from services.workflow.adapters.policy import POLICY
from services.workflow.adapters.receipts import ReceiptReader
from services.workflow.api.applying import RECEIPTS
from services.workflow.api.appointments import APPOINTMENTS
from services.workflow.api.bundles import BUNDLE, BUNDLES
from services.workflow.api.case_lists import CASE_LISTS
from services.workflow.api.cases import CASES
from services.workflow.api.conduct import CONDUCT
from services.workflow.api.drafts import DRAFTS
from services.workflow.api.estimates import ESTIMATES
from services.workflow.api.progress import PROGRESS
from services.workflow.api.tasks import TASKS
from services.workflow.api.worklist import WORKLIST
from services.workflow.jobs import JOBS
from services.workflow.models import db
from services.workflow.subscriptions import SUBSCRIPTIONS
from services.workflow.use_cases.after_restore import after_restore

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
    "calendar_missing": 503,
    "item_suspended": 409,
    "eligibility_unanswered": 422,
    "not_eligible": 409,
    "outside_batch": 409,
    "delivery_way_not_offered": 422,
    "delivery_address_missing": 422,
    "material_may_not_follow": 422,
    "commitment_not_offered": 422,
    "renewal_not_offered": 422,
    "licence_to_renew_unknown": 422,
    "task_of_another_officer": 403,
    "conditions_not_allowed": 422,
    "officer_required": 422,
    "second_officer_required": 409,
    "signatures_differ": 409,
    "materials_outstanding": 409,
    "nothing_to_supplement": 409,
    "supplement_mismatch": 422,
    "nothing_to_hand_over": 409,
    "licence_not_ready": 409,
    "tracking_no_missing": 422,
    "delivery_move_not_allowed": 409,
    "special_procedure_unknown": 422,
    "special_procedure_too_long": 422,
    "no_special_procedure": 409,
    "nothing_to_extend": 409,
    "extension_not_allowed": 409,
    "already_extended": 409,
    "approver_rank_too_low": 403,
    "extension_too_late": 409,
    "reassignment_empty": 422,
    "no_appointments": 409,
    "slots_invalid": 422,
    "slot_unknown": 404,
    "slot_past": 409,
    "slot_closed": 409,
    "slot_not_closed": 409,
    "slot_full": 409,
    "already_booked": 409,
    "another_item": 422,
    "appointment_unknown": 404,
    "appointment_changed": 409,
    "appointment_ended": 409,
    "attendance_not_allowed": 409,
    "package_unknown": 404,
    "package_version_superseded": 409,
    "package_retired": 409,
    "item_not_in_package": 422,
    "item_not_to_leave_out": 422,
    "package_not_applicable": 422,
    "material_not_for_all": 422,
    "applicant_unknown": 404,
}


def _setup(runtime: Runtime) -> None:
    keys = PublicKeys(lambda: fetch_public(runtime.directory, "documents", "/api/v1/document-keys"))
    POLICY.load(runtime.settings)
    ADDRESSES.load(runtime.settings)
    COURIERS.load(runtime.settings)
    runtime.parts[RECEIPTS] = ReceiptReader(keys)


SERVICE = Service(
    name="workflow",
    title="办件服务 / Workflow",
    database=db,
    migrations=Path(__file__).with_name("migrations"),
    blueprints=(DRAFTS, CASE_LISTS, CASES, CONDUCT, PROGRESS, TASKS, WORKLIST, ESTIMATES, BUNDLES, APPOINTMENTS),
    subscriptions=SUBSCRIPTIONS,
    jobs=JOBS,
    gauges=show_gauges,
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
        case.CaseSpecialProcedureStarted,
        case.CaseSpecialProcedureEnded,
        case.CaseExtended,
        case.CaseReckoned,
        case.CaseExtensionRefused,
        case.CaseSupplemented,
        case.CaseDeemedWithdrawn,
        case.CaseRevoked,
        case.CaseTerminated,
        case.CaseDeliveryMoved,
        case.BundleDecided,
        appointment.AppointmentBooked,
        appointment.AppointmentCancelled,
        appointment.AppointmentDue,
        appointment.AppointmentAttended,
        task.TaskAssigned,
        task.TaskCancelled,
        task.TaskReassigned,
        task.OpinionRecorded,
        task.OpinionRefused,
    ),
    refusals=REFUSALS,
    setup=_setup,
    restored=lambda tx: after_restore(tx, BUNDLE),
)
