"""特别程序 and 延长: what stops the clock of a case, and what gives it more time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from chassis.errors import Refusal
from contracts.case import (
    CaseExtended,
    CaseSpecialProcedureEnded,
    CaseSpecialProcedureStarted,
    ClockMoved,
)
from contracts.item import Limit, Rank
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.case_parts import Doer, Extended, Stop
from services.workflow.domain.clocks import extension_of, reckon_case, reckon_tasks
from services.workflow.domain.deadline import Calendar, due, law_date
from services.workflow.domain.progress import advance
from services.workflow.domain.states import CaseState

_RANKS: tuple[Rank, ...] = ("agency_head", "government_head")
TOLD_WHEN_REFUSED = frozenset({"already_extended", "approver_rank_too_low", "extension_too_late"})
"""What supervision hears even when it was refused: rule T8."""


def begin_special_procedure(
    file: CaseFile, code: str, announced: Limit, *, reason: str, by: Doer, now: datetime, calendar: Calendar
) -> Stop:
    """Stop the clock for the time announced to the applicant. Raises Refusal ``special_procedure_unknown``,
    ``special_procedure_too_long`` or ``move_not_allowed``.
    """
    procedure = next((one for one in file.item.special_procedures if one.code == code), None)
    if procedure is None:
        raise Refusal(
            "special_procedure_unknown",
            "本事项无此特别程序 / the item has no such procedure",
            known=[one.code for one in file.item.special_procedures],
        )
    today = law_date(now)
    until = due(today, announced, calendar).on
    longest = due(today, procedure.longest, calendar).on
    if until > longest:
        raise Refusal(
            "special_procedure_too_long",
            "超过办事指南规定的最长时间 / longer than the guide allows",
            longest_until=longest.isoformat(),
        )
    file.move(CaseState.SPECIAL_PROCEDURE, at=now, by=by, why=f"{procedure.name}至{until}：{reason}")
    stop = Stop(
        code=code,
        name=procedure.name,
        name_en=procedure.name_en,
        department=by.account_id,
        began=today,
        until=until,
        reason=reason,
    )
    file.clock = replace(file.clock, stops=(*file.clock.stops, stop))
    moved = _reckon(file, calendar)
    assert file.due_on is not None
    file.events.append(
        CaseSpecialProcedureStarted(
            case_no=file.case_no,
            code=code,
            name=stop.name,
            name_en=stop.name_en,
            department=stop.department,
            reason=reason,
            began_on=today,
            until=until,
            due_on=file.due_on,
            provisional=file.provisional,
            tasks=moved,
        )
    )
    return stop


def end_special_procedure(
    file: CaseFile, *, why: str, by: Doer, now: datetime, calendar: Calendar, expired: bool = False
) -> None:
    """Let the clock run again: today, or, when nobody did (``expired``), as of the last day announced."""
    running = next((stop for stop in file.clock.stops if stop.ended is None), None)
    if file.state is not CaseState.SPECIAL_PROCEDURE or running is None:
        raise Refusal(
            "no_special_procedure", "本件不在特别程序中 / no special procedure is running", state=file.state.value
        )
    ended = replace(running, ended=min(law_date(now), running.until), expired=expired)
    file.move(CaseState.UNDER_EXAMINATION, at=now, by=by, why=why)
    file.clock = replace(file.clock, stops=tuple(ended if stop is running else stop for stop in file.clock.stops))
    moved = _reckon(file, calendar)
    assert ended.ended is not None
    assert file.due_on is not None
    file.events.append(
        CaseSpecialProcedureEnded(
            case_no=file.case_no,
            code=ended.code,
            name=ended.name,
            name_en=ended.name_en,
            department=ended.department,
            ended_on=ended.ended,
            due_on=file.due_on,
            provisional=file.provisional,
            expired=expired,
            tasks=moved,
        )
    )
    advance(file, by=by, now=now, calendar=calendar)


def _reckon(file: CaseFile, calendar: Calendar) -> tuple[ClockMoved, ...]:
    reckon_case(file, calendar)
    return tuple(ClockMoved(task_id=task.task_id, due_on=task.due_on) for task in reckon_tasks(file, calendar))


def extend(
    file: CaseFile, *, reason: str, approved_by: str, rank: Rank, by: Doer, now: datetime, calendar: Calendar
) -> None:
    """Put the decision off, once, with the approval that the law asks for; the applicant is told why."""
    running = (CaseState.UNDER_EXAMINATION, CaseState.SPECIAL_PROCEDURE)
    if file.state not in running or file.due_on is None:
        raise Refusal(
            "nothing_to_extend", "本件不在办理期限内 / no time of decision is running", state=file.state.value
        )
    allowed = extension_of(file.item)
    if allowed is None:
        raise Refusal("extension_not_allowed", "本事项不得延长 / the item's time may not be extended")
    if file.clock.extended is not None:
        raise Refusal("already_extended", "本件已延长过一次 / the case has been extended once", case_no=file.case_no)
    if _RANKS.index(rank) < _RANKS.index(allowed.approver):
        raise Refusal(
            "approver_rank_too_low",
            "批准人级别不够 / the approver's rank is too low",
            required=allowed.approver,
        )
    if law_date(now) > (file.statutory_due_on or file.due_on):
        raise Refusal("extension_too_late", "法定期限已过，不得延长 / the statutory time is over", case_no=file.case_no)
    extended = Extended(limit=allowed.limit, approved_by=approved_by, rank=rank, reason=reason, on=law_date(now))
    file.clock = replace(file.clock, extended=extended)
    reckon_case(file, calendar)
    file.events.append(
        CaseExtended(
            case_no=file.case_no,
            department=by.account_id,
            reason=reason,
            approved_by=approved_by,
            rank=rank,
            due_on=file.due_on,
            provisional=file.provisional,
        )
    )
