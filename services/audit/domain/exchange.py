"""数据上报: what a case's events are in the exchange tables of a hub, and how a batch of them is named and summed up.

Tables and values after the reported 办件 tables of provincial hubs: accept, process, result, evaluation. Records name no
person: who applied stays with the platform, and a hub that may know asks for it by the case's number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Literal

from contracts.case import (
    CaseAccepted,
    CaseClosed,
    CaseCorrected,
    CaseCorrectionRequested,
    CaseDeemedWithdrawn,
    CaseDenied,
    CaseExtended,
    CaseNotAccepted,
    CaseRevoked,
    CaseSpecialProcedureEnded,
    CaseSpecialProcedureStarted,
    CaseSubmitted,
    CaseTerminated,
    CaseWithdrawn,
)
from contracts.envelope import Event
from contracts.supervision import RatingGiven
from contracts.task import OpinionRecorded

Operation = Literal["I", "U"]
Record = dict[str, Any]

PASSED, RETURNED, OTHER = "通过", "退回", "其他"  # 业务动作
# 办结结果 result_type
ISSUED, NOT_GRANTED, VOID, NOT_CORRECTED, ENDED = "0", "1", "2", "5", "6"
OTHER_PROCEDURE = "2"  # 特别程序种类: 除延长审批之外
EXTENSION = "1"  # 延长审批
Row = tuple[str, Operation, dict[str, Any]]


def records_of(event: Event, *, record_no: int, time: datetime) -> list[Record]:
    """What one event adds (I) to the tables or changes (U) in them. ``record_no`` is its place in the ledger."""
    rows = _ROWS[type(event)](event) if type(event) in _ROWS else []
    return [
        {"table": table, "op": op, "record_no": f"{record_no}-{number}", "event_time": _stamp(time)} | values
        for number, (table, op, values) in enumerate(rows)
    ]


def _submitted(event: CaseSubmitted) -> list[Row]:
    begun = {
        "project_no": event.case_no,
        "task_code": event.item_code,
        "task_version": event.item_version,
        "task_name": event.item_name,
        "apply_type": event.channel,
    }
    return [("accept", "I", begun)]


def _accepted(event: CaseAccepted) -> list[Row]:
    dates = {"accept_date": event.accepted_on.isoformat(), "promise_date": event.due_on.isoformat()}
    return [("accept", "U", {"project_no": event.case_no} | dates), _step(event.case_no, "受理", PASSED)]


def _correction_requested(event: CaseCorrectionRequested) -> list[Row]:
    asking = sorted({defect.department for defect in event.defects})
    return [_step(event.case_no, "补正告知", RETURNED, departments=asking)]


def _corrected(event: CaseCorrected) -> list[Row]:
    return [_step(event.case_no, "补正", OTHER)]


def _opinion(event: OpinionRecorded) -> list[Row]:
    action = PASSED if event.verdict == "agree" else RETURNED
    return [_step(event.case_no, event.step, action, department=event.department, round=event.round, late=event.late)]


def _rated(event: RatingGiven) -> list[Row]:
    given = {
        "project_no": event.case_no,
        "task_code": event.item_code,
        "satisfaction": event.level,
        "eval_detail": list(event.aspects),
        "assess_date": event.given_on.isoformat(),
    }
    return [("evaluation", "I", given)]


def _stopped(event: CaseSpecialProcedureStarted) -> list[Row]:
    begun = {
        "project_no": event.case_no,
        "special_type": OTHER_PROCEDURE,
        "special_name": event.name,
        "special_reason": event.reason,
        "special_time": event.began_on.isoformat(),
        "special_end_time": event.until.isoformat(),
    }
    return [("special_procedure", "I", begun), _due(event.case_no, event.due_on)]


def _resumed(event: CaseSpecialProcedureEnded) -> list[Row]:
    ended = {
        "project_no": event.case_no,
        "special_type": OTHER_PROCEDURE,
        "special_name": event.name,
        "special_end_time": event.ended_on.isoformat(),
        "special_result": "超期" if event.expired else "完成",
    }
    return [("special_procedure", "U", ended), _due(event.case_no, event.due_on)]


def _extended(event: CaseExtended) -> list[Row]:
    longer = {
        "project_no": event.case_no,
        "special_type": EXTENSION,
        "special_name": "延长审批",
        "special_reason": event.reason,
        "special_end_time": event.due_on.isoformat(),
    }
    return [("special_procedure", "I", longer), _due(event.case_no, event.due_on)]


def _due(case_no: str, due_on: date) -> Row:
    return ("accept", "U", {"project_no": case_no, "promise_date": due_on.isoformat()})


def _lapsed(event: CaseDeemedWithdrawn) -> list[Row]:
    return [("result", "I", {"project_no": event.case_no, "result_type": NOT_CORRECTED})]


def _terminated(event: CaseTerminated) -> list[Row]:
    return [("result", "I", {"project_no": event.case_no, "result_type": ENDED})]


def _revoked(event: CaseRevoked) -> list[Row]:
    return [("result", "U", {"project_no": event.case_no, "result_type": VOID})]


def _ended(event: CaseNotAccepted | CaseDenied | CaseWithdrawn) -> list[Row]:
    code = VOID if isinstance(event, CaseWithdrawn) else NOT_GRANTED
    return [("result", "I", {"project_no": event.case_no, "result_type": code})]


def _closed(event: CaseClosed) -> list[Row]:
    ended = {"project_no": event.case_no, "result_type": ISSUED, "result_cetr_no": event.licence_no}
    return [("result", "I", ended)]


def _step(case_no: str, name: str, action: str, **more: Any) -> Row:
    return ("process", "I", {"project_no": case_no, "process_name": name, "event_name": action} | more)


_ROWS: dict[type[Event], Callable[[Any], list[Row]]] = {
    CaseSubmitted: _submitted,
    CaseAccepted: _accepted,
    CaseCorrectionRequested: _correction_requested,
    CaseCorrected: _corrected,
    OpinionRecorded: _opinion,
    CaseNotAccepted: _ended,
    CaseDenied: _ended,
    CaseWithdrawn: _ended,
    CaseClosed: _closed,
    CaseSpecialProcedureStarted: _stopped,
    CaseSpecialProcedureEnded: _resumed,
    CaseExtended: _extended,
    CaseDeemedWithdrawn: _lapsed,
    CaseTerminated: _terminated,
    CaseRevoked: _revoked,
    RatingGiven: _rated,
}


def batch_number(connector: str, day: date, serial: int) -> str:
    """批次号: unique for a connector, and in its order."""
    return f"{connector}-{day:%Y%m%d}-{serial:08d}"


def digest(records: Sequence[Mapping[str, Any]]) -> str:
    """SHA-256, in hex, of the records as compact JSON with sorted keys: what both sides of a reconciliation compare."""
    text = json.dumps(records, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
