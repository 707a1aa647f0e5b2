"""What the applicant and the issuing of the licence do to a case: open, correct, withdraw, deliver."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chassis.errors import Refusal
from contracts.case import CaseClosed, CaseCorrected, CaseMaterial, CaseSubmitted, CaseWithdrawn, Channel
from contracts.item import Item, Limit
from services.workflow.domain.application import check_materials
from services.workflow.domain.case_file import CaseFile, Doer, Transition
from services.workflow.domain.deadline import Calendar, due, law_date
from services.workflow.domain.plan import step_named
from services.workflow.domain.states import CaseState, TaskState

ACCEPTANCE_LIMIT = Limit(amount=5)  # 行政许可法 §32: five days to accept, refuse or ask for correction


def open_case(
    *,
    case_no: str,
    item: Item,
    applicant_id: str,
    doer: Doer,
    channel: Channel,
    form: dict[str, object],
    materials: Sequence[CaseMaterial],
    now: datetime,
    calendar: Calendar,
) -> CaseFile:
    """收件: a new case with its first tasks. Refuses materials that do not fit the guide."""
    check_materials(materials, item.materials)
    file = CaseFile(
        case_no=case_no,
        item=item,
        applicant_id=applicant_id,
        submitted_by=doer.account_id,
        agent_name=doer.name,
        applicant_name=doer.represented,
        channel=channel,
        form=form,
        submitted_at=now,
        accept_by=due(law_date(now), ACCEPTANCE_LIMIT, calendar).on,
        state=CaseState.RECEIVED,
        materials={material.code: material for material in materials},
        added_materials=list(materials),
    )
    file.transitions.append(
        Transition(
            None,
            CaseState.RECEIVED,
            now,
            doer.account_id,
            "网上申请",
            "行政许可法 §29",
            doer.name,
            doer.represented,
        )
    )
    file.events.append(
        CaseSubmitted(
            case_no=case_no,
            item_code=item.item_code,
            item_version=item.version,
            item_name=item.name,
            applicant_id=applicant_id,
            submitted_by=doer.account_id,
            channel=channel,
            materials=tuple(materials),
            accept_by=file.accept_by,
            represented=doer.represented is not None,
        )
    )
    file.start_ready_steps(now=now, calendar=calendar)
    return file


def correct(file: CaseFile, materials: Sequence[CaseMaterial], *, by: Doer, now: datetime, calendar: Calendar) -> None:
    """The applicant replaces every material that the notice named; the departments that asked look again."""
    asked = [task for task in file.latest().values() if task.verdict == "correction_needed"]
    wanted = {defect.material_code for task in asked for defect in task.defects}
    handed_in = {material.code for material in materials}
    if file.state is not CaseState.AWAITING_CORRECTION:
        raise Refusal("no_correction_asked", "本件无需补正 / no correction was asked for", state=file.state.value)
    if handed_in != wanted:
        raise Refusal(
            "correction_mismatch",
            "请补齐且仅补告知书所列材料 / hand in what the notice names and nothing else",
            missing=sorted(wanted - handed_in),
            surplus=sorted(handed_in - wanted),
        )
    back_to = CaseState.RECEIVED if file.accepted_on is None else CaseState.UNDER_EXAMINATION
    file.materials.update({material.code: material for material in materials})
    file.added_materials.extend(materials)
    file.move(back_to, at=now, by=by, why="申请人补齐", rule="行政许可法 §32")
    file.events.append(
        CaseCorrected(
            case_no=file.case_no,
            materials=tuple(materials),
            by=by.account_id,
            represented=by.represented is not None,
        )
    )
    for task in asked:
        file.assign(step_named(file.item.plan, task.step), round_no=task.round + 1, now=now, calendar=calendar)


def withdraw(file: CaseFile, *, by: Doer, reason: str, now: datetime) -> None:
    """撤回 before the decision: open tasks are cancelled."""
    file.move(CaseState.WITHDRAWN, at=now, by=by, why=reason, rule="申请人撤回")
    file.closed_at = now
    file.events.append(
        CaseWithdrawn(case_no=file.case_no, reason=reason, by=by.account_id, represented=by.represented is not None)
    )
    file.cancel_open_tasks(now=now, reason="case_withdrawn")


def record_licence(file: CaseFile, licence_no: str, *, now: datetime) -> None:
    """证照 is issued; the case closes when every delivery step is done too. A repeat changes nothing."""
    if file.licence_no is not None:
        return
    file.licence_no, file.changed = licence_no, True
    close_if_delivered(file, now=now)


def close_if_delivered(file: CaseFile, *, now: datetime) -> None:
    """办结 when the licence exists and no task is open or still to come."""
    latest = file.latest()
    all_done = all(step.step in latest and latest[step.step].state is TaskState.ANSWERED for step in file.item.plan)
    if file.state is CaseState.APPROVED and file.licence_no is not None and all_done:
        file.move(CaseState.CLOSED, at=now, by="system", why="证照已制发送达", rule="行政许可法 §44")
        file.closed_at = now
        file.events.append(CaseClosed(case_no=file.case_no, licence_no=file.licence_no))
