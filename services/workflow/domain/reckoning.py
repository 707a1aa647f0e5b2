"""重新推算: the dates of a running case, once the holidays that they were reckoned without are published."""

from __future__ import annotations

from contracts.case import CaseReckoned, ClockMoved
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.clocks import reckon_case, reckon_tasks
from services.workflow.domain.deadline import Calendar


def reckon_anew(file: CaseFile, calendar: Calendar) -> bool:
    """Set provisional dates anew by what is published now, and tell them; False when they stay as they are."""
    if not file.provisional or file.due_on is None or file.decided_at is not None or file.closed_at is not None:
        return False
    before = file.due_on, file.statutory_due_on, file.provisional
    reckon_case(file, calendar)
    moved = reckon_tasks(file, calendar)
    if not moved and before == (file.due_on, file.statutory_due_on, file.provisional):
        return False
    file.events.append(
        CaseReckoned(
            case_no=file.case_no,
            due_on=file.due_on,
            statutory_due_on=file.statutory_due_on,
            provisional=file.provisional,
            tasks=tuple(ClockMoved(task_id=task.task_id, due_on=task.due_on) for task in moved),
        )
    )
    return True
