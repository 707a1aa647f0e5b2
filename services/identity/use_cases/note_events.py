"""What happens to a case becomes a notice, and a message as soon as it is known whose case it is.

Events come in any order, and several processes hear them at once: a notice whose case is not known yet waits, and whoever
comes second, or the job, makes the message. One event makes one message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
import uuid_utils

from chassis.among import among
from chassis.bus import Delivery
from chassis.db import Tx
from contracts.appointment import AppointmentCancelled, AppointmentDue
from contracts.case import (
    CaseAccepted,
    CaseApproved,
    CaseClosed,
    CaseCorrectionRequested,
    CaseDeemedWithdrawn,
    CaseDeliveryMoved,
    CaseDenied,
    CaseExtended,
    CaseNotAccepted,
    CaseRevoked,
    CaseSpecialProcedureEnded,
    CaseSpecialProcedureStarted,
    CaseSubmitted,
    CaseTerminated,
)
from contracts.supervision import CardRaised
from services.identity.adapters.post_office import POST_OFFICE
from services.identity.domain.masking import masked_name
from services.identity.domain.messages import Kind, Preferences, without_numbers
from services.identity.models import (
    accounts,
    departments,
    message_cases,
    message_deliveries,
    message_notices,
    messages,
    parties,
)
from services.identity.use_cases.choose_messages import preferences_of

Facts = dict[str, Any]
BATCH = 200
SHIPPED = {
    "handed_over": ("已交寄", "handed to the courier"),
    "in_transit": ("运输中", "on its way"),
    "delivered": ("已签收", "delivered"),
    "returned": ("已退回，请联系受理窗口", "returned; contact the counter"),
}
LEVELS = {"yellow": ("黄牌", "Yellow card"), "red": ("红牌", "Red card")}


def _reasons(event: CaseNotAccepted | CaseDenied | CaseRevoked) -> Facts:
    return {"reason": without_numbers(event.reason), "remedy": without_numbers(event.remedy)}


def _defects(event: CaseCorrectionRequested) -> Facts:
    listed = [[d.department, d.material_code, without_numbers(d.problem)] for d in event.defects]
    return {"defects": listed, "defect_count": str(len(listed))}


def _procedure(event: CaseSpecialProcedureStarted | CaseSpecialProcedureEnded) -> Facts:
    return {"procedure": event.name, "procedure_en": event.name_en, "due_on": str(event.due_on)}


def _extension(event: CaseExtended) -> Facts:
    reason, approver = without_numbers(event.reason), without_numbers(event.approved_by)
    return {"reason": reason, "approved_by": approver, "due_on": str(event.due_on)}


def _shipped(event: CaseDeliveryMoved) -> Facts:
    says, says_en = SHIPPED[event.state]
    return {"says": says, "says_en": says_en, "courier": event.courier, "tracking_no": event.tracking_no}


_FACTS: dict[type[Any], tuple[Kind, Callable[[Any], Facts]]] = {
    CaseSubmitted: ("submitted", lambda e: {"accept_by": str(e.accept_by)}),
    CaseAccepted: ("accepted", lambda e: {"accepted_on": str(e.accepted_on), "due_on": str(e.due_on)}),
    CaseNotAccepted: ("not_accepted", _reasons),
    CaseCorrectionRequested: ("correction_requested", _defects),
    CaseApproved: ("approved", lambda e: {"decided_on": str(e.decided_on)}),
    CaseDenied: ("denied", _reasons),
    CaseClosed: ("closed", lambda e: {"licence_no": e.licence_no}),
    CaseSpecialProcedureStarted: (
        "special_procedure",
        lambda e: _procedure(e) | {"until": str(e.until), "reason": without_numbers(e.reason)},
    ),
    CaseSpecialProcedureEnded: ("special_procedure_ended", _procedure),
    CaseExtended: ("extended", _extension),
    CaseDeemedWithdrawn: ("deemed_withdrawn", lambda e: {"due_on": str(e.due_on)}),
    CaseRevoked: ("revoked", _reasons),
    CaseDeliveryMoved: ("delivery_moved", _shipped),
    CaseTerminated: ("terminated", lambda e: {"reason": without_numbers(e.reason)}),
}
HEARD = tuple(_FACTS)


def note_case_events(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    """Write the notices down; make messages of those whose case is known."""
    submitted = [d.event for d in deliveries if isinstance(d.event, CaseSubmitted)]
    cases = [
        {
            "case_no": e.case_no,
            "party_id": e.applicant_id,
            "submitter_id": e.submitted_by,
            "item_name": e.item_name,
            "heard_at": tx.now,
        }
        for e in submitted
    ]
    if cases:
        tx.insert_new(message_cases, cases, [message_cases.c.case_no])
    tx.insert(message_notices, [_notice(tx, d) for d in deliveries])
    make_messages(tx, sorted({d.event.case_no for d in deliveries}))


def note_cards(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    """亮牌: into the inbox of the department's officers."""
    rows = []
    for delivery in deliveries:
        card: CardRaised = delivery.event
        level, level_en = LEVELS[card.level]
        facts = {
            "level": level, "level_en": level_en, "rule": card.rule, "raised_on": str(card.raised_on),
            "detail": without_numbers(card.detail), "case_no": card.case_no,
        }  # fmt: skip
        row = _message(tx, delivery.envelope.id, "card_raised", card.case_no, facts)
        rows.append(row | {"department": card.department})
    tx.insert_new(messages, rows, [messages.c.message_id])


def note_appointments(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    """预约提醒、停号: to whom has booked; what people cancel themselves they know."""
    for delivery in deliveries:
        event: AppointmentDue | AppointmentCancelled = delivery.event
        facts = {
            "item": event.item_name, "venue": event.venue, "day": str(event.day), "opens": event.opens,
            "closes": event.closes,
        }  # fmt: skip
        kind: Kind = "appointment_due"
        if isinstance(event, AppointmentCancelled):
            if event.by == "applicant":
                continue
            kind, facts["reason"] = "appointment_cancelled", without_numbers(event.reason)
        row = _message(tx, delivery.envelope.id, kind, None, facts) | {"party_id": event.party_id}
        if tx.insert_new(messages, [row], [messages.c.message_id]):
            _order_deliveries(tx, row["message_id"], kind, preferences_of(tx, event.party_id))


def make_messages(tx: Tx, case_nos: Sequence[str] | None = None) -> int:
    """Of notices whose case is known; returns how many. Without ``case_nos``, of whatever was left over."""
    n, c = message_notices.c, message_cases.c
    known = sa.select(message_notices, c.party_id, c.submitter_id, c.item_name).join(
        message_cases, n.case_no == c.case_no
    )
    known = known.order_by(n.heard_at, n.event_id).limit(BATCH).with_for_update(skip_locked=True, of=message_notices)
    if case_nos is not None:
        known = known.where(among(n.case_no, "case_nos"))
    notices = tx.execute(known, {"case_nos": list(case_nos)} if case_nos is not None else None).fetchall()
    for notice in notices:
        _make_message(tx, notice)
    if notices:
        made = [notice.event_id for notice in notices]
        tx.execute(sa.delete(message_notices).where(among(n.event_id, "made")), {"made": made})
    return len(notices)


def _make_message(tx: Tx, notice: Any) -> None:
    name = tx.execute(sa.select(parties.c.name).where(parties.c.party_id == notice.party_id)).scalar_one_or_none()
    person = sa.select(accounts.c.person_id).where(accounts.c.account_id == notice.submitter_id)
    facts = notice.facts | {
        "applicant": masked_name(name) if name else "",
        "item": notice.item_name,
        "case_no": notice.case_no,
    }
    if "defects" in facts:
        names = {row.code: row for row in tx.execute(sa.select(departments))}
        defects = facts["defects"]
        facts |= {"defects": _listed(names, "name", defects), "defects_en": _listed(names, "name_en", defects)}
    row = _message(tx, notice.event_id, notice.kind, notice.case_no, facts) | {
        "party_id": notice.party_id,
        "fallback_party_id": tx.execute(person).scalar_one_or_none(),
    }
    if tx.insert_new(messages, [row], [messages.c.message_id]):
        _order_deliveries(tx, row["message_id"], notice.kind, preferences_of(tx, notice.party_id))


def _order_deliveries(tx: Tx, message_id: str, kind: Kind, preferences: Preferences) -> None:
    rows = [
        {
            "delivery_id": str(uuid_utils.uuid7()),
            "message_id": message_id,
            "channel": channel,
            "state": "waiting",
            "attempts": 0,
            "due_at": preferences.due(kind, tx.now),
        }
        for channel in POST_OFFICE.channels
        if preferences.wants(kind, channel)
    ]
    if rows:
        tx.insert(message_deliveries, rows)


def _message(tx: Tx, event_id: str, kind: Kind, case_no: str | None, facts: Mapping[str, str]) -> dict[str, Any]:
    return {
        "message_id": str(uuid_utils.uuid7()), "event_id": event_id, "party_id": None, "fallback_party_id": None,
        "department": None, "kind": kind, "case_no": case_no, "facts": facts, "created_at": tx.now, "read_at": None,
    }  # fmt: skip


def _notice(tx: Tx, delivery: Delivery) -> dict[str, Any]:
    event = delivery.event
    kind, facts_of = _FACTS[type(event)]
    return {
        "event_id": delivery.envelope.id, "case_no": event.case_no, "kind": kind, "facts": facts_of(event),
        "heard_at": tx.now,
    }  # fmt: skip


def _listed(names: Mapping[str, Any], name: str, defects: Sequence[Sequence[str]]) -> str:
    """One line each, the department by its name in one language."""
    return "\n".join(
        f"{number}. {getattr(names.get(department), name, department)}: {material}: {problem}"
        for number, (department, material, problem) in enumerate(defects, 1)
    )
