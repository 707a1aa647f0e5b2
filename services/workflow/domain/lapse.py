"""What happens by itself when a day has passed: nobody acts, the law does.

Each lapse is a move of the case itself, so it can take effect but once, whoever looks and how often.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

from contracts.case import CaseDeemedWithdrawn
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.case_parts import Doer
from services.workflow.domain.clocks import received_on
from services.workflow.domain.deadline import SHANGHAI, Calendar, law_date
from services.workflow.domain.decision import accept, approve, outstanding
from services.workflow.domain.plan import BEFORE_ACCEPTANCE
from services.workflow.domain.progress import advance, correction_asked, notice_day
from services.workflow.domain.special_procedure import end_special_procedure
from services.workflow.domain.states import UNDECIDED, CaseState

SYSTEM = Doer("system")
_DAY = timedelta(days=1)
Act = Callable[[CaseFile, datetime, Calendar], None]


@dataclass(frozen=True)
class Lapse:
    """``act`` is done once the day after ``last_day`` has begun. ``kind`` names it in the metrics."""

    last_day: date
    act: Act
    kind: str


@dataclass(frozen=True)
class Lapsed:
    """What took effect, and how many seconds after it could have."""

    kind: str
    late_s: float


def lapses(file: CaseFile) -> list[Lapse]:
    """All that will happen to the case by itself if nobody acts, the earliest first."""
    found: list[Lapse] = []
    if file.state in (CaseState.RECEIVED, CaseState.PRE_REVIEW, CaseState.UNDER_EXAMINATION):
        if correction_asked(file) and not file.correction_used:
            found.append(Lapse(notice_day(file) - _DAY, _send_notice, "correction_notice"))
        elif file.accepted_on is None:
            found.append(Lapse(file.accept_by, _deem_accepted, "deemed_accepted"))
    if file.state is CaseState.AWAITING_CORRECTION and file.correct_by is not None:
        found.append(Lapse(file.correct_by, _deem_withdrawn_uncorrected, "correction_not_made"))
    running = [stop.until for stop in file.clock.stops if stop.ended is None]
    if file.state is CaseState.SPECIAL_PROCEDURE and running:
        found.append(Lapse(running[0], _end_procedure, "special_procedure_over"))
    if file.state in UNDECIDED and file.accepted_on is not None:
        owed = [promise.due_on for promise in outstanding(file) if promise.due_on is not None]
        found += [Lapse(min(owed), _deem_withdrawn_unsupplemented, "promise_not_kept")] if owed else []
        found += [Lapse(file.renews_until, _deem_renewed, "deemed_renewed")] if file.renews_until is not None else []
    return sorted(found, key=lambda lapse: lapse.last_day)


def wake_on(file: CaseFile) -> date | None:
    """The last day before something happens to the case by itself; None when nothing will."""
    coming = lapses(file)
    return coming[0].last_day if coming else None


def lapse(file: CaseFile, *, now: datetime, calendar: Calendar) -> list[Lapsed]:
    """Do all that is due, in the order of the days on which it fell due."""
    done = []
    while (coming := lapses(file)) and coming[0].last_day < law_date(now):
        due = coming[0]
        possible = max(_day_after(due.last_day), _last_change(file))
        due.act(file, now, calendar)
        done.append(Lapsed(due.kind, (now - possible).total_seconds()))
    return done


def _day_after(last_day: date) -> datetime:
    """The instant at which the day after begins."""
    return datetime.combine(last_day + _DAY, time(), SHANGHAI)


def _last_change(file: CaseFile) -> datetime:
    """Nothing that happened to the case since could have fired before."""
    steps = [moment for task in file.tasks.values() for moment in (task.assigned_at, task.closed_at) if moment]
    return max([file.submitted_at, *steps, *(move.at for move in file.transitions)])


def _send_notice(file: CaseFile, now: datetime, calendar: Calendar) -> None:
    """The window is over: the notice goes out with what was asked for so far."""
    file.notice_by = min(notice_day(file), law_date(now))
    advance(file, by=SYSTEM, now=now, calendar=calendar)


def _deem_accepted(file: CaseFile, now: datetime, calendar: Calendar) -> None:
    """逾期不告知的，自收到申请材料之日起即为受理. Source: 行政许可法 §32 (四)."""
    gates = [task for task in file.open_tasks() if task.kind in BEFORE_ACCEPTANCE]
    silent = gates[0] if gates else None
    why = "五日内未告知，自收到之日起即为受理"
    accept(file, on=received_on(file), by=SYSTEM, why=why, now=now, calendar=calendar, silent=silent)
    for task in gates:
        file.cancel(task, now=now, reason="deemed_accepted")
    advance(file, by=SYSTEM, now=now, calendar=calendar)


def _end_procedure(file: CaseFile, now: datetime, calendar: Calendar) -> None:
    why = "告知的时间已满，恢复计时"
    end_special_procedure(file, why=why, by=SYSTEM, now=now, calendar=calendar, expired=True)


def _deem_withdrawn_uncorrected(file: CaseFile, now: datetime, _calendar: Calendar) -> None:
    asked = [task for task in file.latest().values() if task.verdict == "correction_needed"]
    codes = {defect.material_code for task in asked for defect in task.defects}
    assert file.correct_by is not None
    _deem_withdrawn(file, "correction_not_made", codes, file.correct_by, now)


def _deem_withdrawn_unsupplemented(file: CaseFile, now: datetime, _calendar: Calendar) -> None:
    owed = [promise for promise in outstanding(file) if promise.due_on is not None]
    last_day = min(promise.due_on for promise in owed if promise.due_on is not None)
    _deem_withdrawn(file, "promise_not_kept", {promise.material_code for promise in owed}, last_day, now)


def _deem_withdrawn(
    file: CaseFile,
    reason: Literal["correction_not_made", "promise_not_kept"],
    materials: set[str],
    last_day: date,
    now: datetime,
) -> None:
    why = {"correction_not_made": "逾期未补正，视为撤回", "promise_not_kept": "容缺材料逾期未补，视为撤回"}[reason]
    file.move(CaseState.DEEMED_WITHDRAWN, at=now, by=SYSTEM, why=why)
    file.closed_at = now
    file.events.append(
        CaseDeemedWithdrawn(case_no=file.case_no, reason=reason, materials=tuple(sorted(materials)), due_on=last_day)
    )
    file.cancel_open_tasks(now=now, reason="case_deemed_withdrawn")


def _deem_renewed(file: CaseFile, now: datetime, calendar: Calendar) -> None:
    """届满前未作决定的，视为准予延续. Source: 行政许可法 §50."""
    lead = Doer(file.item.lead_department)
    why = "原证照有效期届满前未作决定，视为准予延续"
    approve(file, by=lead, decided_by=lead.account_id, why=why, now=now, rule="行政许可法 §50", deemed=True)
    advance(file, by=SYSTEM, now=now, calendar=calendar)
