"""并行办理: record departments' answers. Many at once over the bus, one over HTTP; the rules are the same."""

from __future__ import annotations

from collections.abc import Sequence

from chassis import trace
from chassis.bus import Delivery
from chassis.db import Tx
from chassis.errors import Refusal
from contracts.task import OpinionGiven, OpinionRefused
from services.workflow.adapters import case_store
from services.workflow.adapters.holidays import holiday_calendar
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.deadline import CalendarMissing
from services.workflow.domain.opinion import Opinion, give_opinion

DEPARTMENT_SOURCE = "department/"


def case_no_of(task_id: str) -> str:
    """A task id starts with its case's number."""
    return task_id.partition("-")[0]


def record_opinion(tx: Tx, opinion: Opinion) -> CaseFile:
    """Record one answer. Raises Refusal with a stable code; then nothing has changed."""
    file = case_store.load(tx, [case_no_of(opinion.task_id)]).get(case_no_of(opinion.task_id))
    if file is None:
        raise Refusal("task_unknown", "没有此任务 / there is no such task", task_id=opinion.task_id)
    give_opinion(file, opinion, now=tx.now, calendar=holiday_calendar)
    case_store.tell(tx, file)
    case_store.save(tx, [file])
    return file


def record_opinions(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    """Record what departments told over the bus; what does not count is told back as ``task.opinion_refused``."""
    files = case_store.load(tx, {case_no_of(d.event.task_id) for d in deliveries})
    for delivery in deliveries:
        envelope, given = delivery.envelope, delivery.event
        case_no = case_no_of(given.task_id)
        with trace.work(parent=envelope.traceparent, cause=envelope.id, case_no=case_no):
            _record(tx, files.get(case_no), given, envelope.source, envelope.id)
    case_store.save(tx, files.values())


def _record(tx: Tx, file: CaseFile | None, given: OpinionGiven, source: str, opinion_id: str) -> None:
    """The bridge has stamped ``source`` with the department; anything else is no department's answer."""
    department = source.removeprefix(DEPARTMENT_SOURCE) if source.startswith(DEPARTMENT_SOURCE) else ""
    opinion = Opinion(
        task_id=given.task_id,
        department=department,
        verdict=given.verdict,
        reason=given.reason,
        defects=given.defects,
        officer=given.officer,
        conditions=given.conditions or (),
    )
    try:
        if file is None:
            raise Refusal("task_unknown", "没有此任务 / there is no such task", task_id=given.task_id)
        give_opinion(file, opinion, now=tx.now, calendar=holiday_calendar)
    except CalendarMissing:
        raise  # nobody's answer is wrong: it is tried again when the calendar is there
    except Refusal as refusal:
        _tell_refused(tx, file, opinion, refusal, opinion_id)
    else:
        assert file is not None
        case_store.tell(tx, file)


def tell_refused_opinion(tx: Tx, opinion: Opinion, refusal: Refusal, *, opinion_id: str) -> None:
    """Tell what was refused over HTTP, for supervision: ``opinion_id`` is the request's key."""
    case_no = case_no_of(opinion.task_id)
    file = case_store.load(tx, [case_no], lock=False).get(case_no)
    with trace.work(parent=trace.traceparent.get(), case_no=case_no):
        _tell_refused(tx, file, opinion, refusal, opinion_id)


def _tell_refused(tx: Tx, file: CaseFile | None, opinion: Opinion, refusal: Refusal, opinion_id: str) -> None:
    known = file is not None and opinion.task_id in file.tasks
    tx.tell(
        OpinionRefused(
            task_id=opinion.task_id,
            department=opinion.department,
            code=refusal.code,
            detail=refusal.detail,
            opinion_id=opinion_id,
            case_no=file.case_no if file is not None and known else None,
        )
    )
