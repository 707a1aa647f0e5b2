"""States of a case (办件) and of a task (环节), and the moves that are legal between them."""

from __future__ import annotations

from enum import StrEnum


class CaseState(StrEnum):
    """Where a case stands."""

    RECEIVED = "received"  # 已收件: the acceptance clock of five working days runs
    UNDER_EXAMINATION = "under_examination"  # 已受理、审查中
    AWAITING_CORRECTION = "awaiting_correction"  # 待补正
    APPROVED = "approved"  # 准予, 制证送达中
    CLOSED = "closed"  # 办结
    DENIED = "denied"  # 不予许可
    NOT_ACCEPTED = "not_accepted"  # 不予受理
    WITHDRAWN = "withdrawn"  # 已撤回


NEXT: dict[CaseState, frozenset[CaseState]] = {
    CaseState.RECEIVED: frozenset(
        {
            CaseState.UNDER_EXAMINATION,
            CaseState.AWAITING_CORRECTION,
            CaseState.NOT_ACCEPTED,
            CaseState.WITHDRAWN,
        }
    ),
    CaseState.UNDER_EXAMINATION: frozenset(
        {CaseState.AWAITING_CORRECTION, CaseState.APPROVED, CaseState.DENIED, CaseState.WITHDRAWN}
    ),
    CaseState.AWAITING_CORRECTION: frozenset({CaseState.RECEIVED, CaseState.UNDER_EXAMINATION, CaseState.WITHDRAWN}),
    CaseState.APPROVED: frozenset({CaseState.CLOSED}),
    CaseState.CLOSED: frozenset(),
    CaseState.DENIED: frozenset(),
    CaseState.NOT_ACCEPTED: frozenset(),
    CaseState.WITHDRAWN: frozenset(),
}

TERMINAL = frozenset(state for state, exits in NEXT.items() if not exits)


class TaskState(StrEnum):
    """Where a department's part stands."""

    OPEN = "open"
    ANSWERED = "answered"
    CANCELLED = "cancelled"
