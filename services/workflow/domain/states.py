"""States of a case (办件) and of a task (环节), and the moves that are legal between them, each with the rule that allows it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class CaseState(StrEnum):
    """Where a case stands. Whether its time was extended is a fact of its clock, no state."""

    RECEIVED = "received"  # 已收件: the five working days of acceptance run
    PRE_REVIEW = "pre_review"  # 预审: so do they here
    AWAITING_CORRECTION = "awaiting_correction"  # 待补正
    UNDER_EXAMINATION = "under_examination"  # 已受理、审查中
    SPECIAL_PROCEDURE = "special_procedure"  # 特别程序: the clock is stopped for the time announced
    APPROVED = "approved"  # 准予, 制证送达中
    DELIVERED = "delivered"  # 已送达, 告知承诺事后核查中
    CLOSED = "closed"  # 办结
    DENIED = "denied"  # 不予许可
    NOT_ACCEPTED = "not_accepted"  # 不予受理
    WITHDRAWN = "withdrawn"  # 已撤回
    DEEMED_WITHDRAWN = "deemed_withdrawn"  # 逾期未补, 视为撤回
    REVOKED = "revoked"  # 承诺不实, 撤销
    TERMINATED = "terminated"  # 终止办理


_ACCEPT = "行政许可法 §32"
_DECIDE = "行政许可法 §38"
_STOP = "行政许可法 §45"
_DELIVER = "行政许可法 §44"
_PROMISE = "国办发〔2020〕42号 告知承诺"
_TAKEN_BACK = "申请人撤回"
_LAPSED = "逾期未补视为撤回"
_ENDED = "行政许可办理终止"

NEXT: Mapping[CaseState, Mapping[CaseState, str]] = {
    CaseState.RECEIVED: {
        CaseState.PRE_REVIEW: "网上预审",
        CaseState.UNDER_EXAMINATION: _ACCEPT,
        CaseState.AWAITING_CORRECTION: _ACCEPT,
        CaseState.NOT_ACCEPTED: _ACCEPT,
        CaseState.WITHDRAWN: _TAKEN_BACK,
        CaseState.TERMINATED: _ENDED,
    },
    CaseState.PRE_REVIEW: {
        CaseState.RECEIVED: "网上预审",
        CaseState.UNDER_EXAMINATION: _ACCEPT,
        CaseState.AWAITING_CORRECTION: _ACCEPT,
        CaseState.NOT_ACCEPTED: _ACCEPT,
        CaseState.WITHDRAWN: _TAKEN_BACK,
        CaseState.TERMINATED: _ENDED,
    },
    CaseState.UNDER_EXAMINATION: {
        CaseState.AWAITING_CORRECTION: _ACCEPT,
        CaseState.SPECIAL_PROCEDURE: _STOP,
        CaseState.APPROVED: _DECIDE,
        CaseState.DENIED: _DECIDE,
        CaseState.WITHDRAWN: _TAKEN_BACK,
        CaseState.DEEMED_WITHDRAWN: _LAPSED,
        CaseState.TERMINATED: _ENDED,
    },
    CaseState.AWAITING_CORRECTION: {
        CaseState.RECEIVED: _ACCEPT,
        CaseState.PRE_REVIEW: _ACCEPT,
        CaseState.UNDER_EXAMINATION: _ACCEPT,
        CaseState.NOT_ACCEPTED: _ACCEPT,
        CaseState.APPROVED: "行政许可法 §50",
        CaseState.WITHDRAWN: _TAKEN_BACK,
        CaseState.DEEMED_WITHDRAWN: _LAPSED,
        CaseState.TERMINATED: _ENDED,
    },
    CaseState.SPECIAL_PROCEDURE: {
        CaseState.UNDER_EXAMINATION: _STOP,
        CaseState.APPROVED: "行政许可法 §50",
        CaseState.WITHDRAWN: _TAKEN_BACK,
        CaseState.DEEMED_WITHDRAWN: _LAPSED,
        CaseState.TERMINATED: _ENDED,
    },
    CaseState.APPROVED: {CaseState.DELIVERED: _DELIVER, CaseState.CLOSED: _DELIVER, CaseState.REVOKED: _PROMISE},
    CaseState.DELIVERED: {CaseState.CLOSED: _PROMISE, CaseState.REVOKED: _PROMISE},
    CaseState.CLOSED: {},
    CaseState.DENIED: {},
    CaseState.NOT_ACCEPTED: {},
    CaseState.WITHDRAWN: {},
    CaseState.DEEMED_WITHDRAWN: {},
    CaseState.REVOKED: {},
    CaseState.TERMINATED: {},
}
"""From -> to -> the rule that allows the move. What is not here is refused."""

TERMINAL = frozenset(state for state, exits in NEXT.items() if not exits)
UNDECIDED = frozenset(
    {
        CaseState.RECEIVED,
        CaseState.PRE_REVIEW,
        CaseState.AWAITING_CORRECTION,
        CaseState.UNDER_EXAMINATION,
        CaseState.SPECIAL_PROCEDURE,
    }
)
GRANTED = frozenset({CaseState.APPROVED, CaseState.DELIVERED})


class TaskState(StrEnum):
    """Where a department's part stands."""

    OPEN = "open"
    ANSWERED = "answered"
    CANCELLED = "cancelled"
