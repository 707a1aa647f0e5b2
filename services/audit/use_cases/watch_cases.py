"""Follow what the law does in a department's place, what stops a case's clock, and what is asked for against the rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chassis.bus import Delivery
from chassis.db import Tx
from contracts.case import CaseAccepted, CaseExtensionRefused, CaseSpecialProcedureEnded
from contracts.supervision import CardLevel
from services.audit.domain.supervision import (
    PROCEDURE_OVER_TIME,
    SILENT_ACCEPTANCE,
    UNLAWFUL_EXTENSION,
    card_number,
    procedure_over_time_detail,
    silent_acceptance_detail,
    unlawful_extension_detail,
)
from services.audit.use_cases.move_clocks import move_clocks
from services.audit.use_cases.raise_cards import raise_cards


def flag_silent_acceptance(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    """Rule T5: the law accepted the case because nobody had answered for five working days."""
    deemed = [d for d in deliveries if d.event.deemed_against is not None]
    raise_cards(tx, [(_silent(d.event), d.envelope) for d in deemed])


def _silent(event: CaseAccepted) -> dict[str, Any]:
    department = event.deemed_against or ""
    subject = event.deemed_task or event.case_no
    detail = silent_acceptance_detail(department)
    return _card(SILENT_ACCEPTANCE, "red", subject, of=event.case_no, department=department, detail=detail)


def follow_procedure(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    """The tasks of a case have new last days."""
    move_clocks(tx, [(moved.task_id, moved.due_on, d.envelope.time) for d in deliveries for moved in d.event.tasks])


def follow_procedure_end(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    """The same; rule T7: the procedure was not ended within the time that the applicant had been told."""
    follow_procedure(tx, deliveries)
    raise_cards(tx, [(_over_time(d.event), d.envelope) for d in deliveries if d.event.expired])


def _over_time(event: CaseSpecialProcedureEnded) -> dict[str, Any]:
    subject = f"{event.case_no}-{event.code}-{event.ended_on:%Y%m%d}"
    detail = procedure_over_time_detail(event.department, name=event.name, until=event.ended_on)
    card = _card(PROCEDURE_OVER_TIME, "yellow", subject, of=event.case_no, department=event.department, detail=detail)
    return card | {"due_on": event.ended_on}


def flag_extension(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    """Rule T8: an extension was asked for that the law does not allow."""
    raise_cards(tx, [(_extension(d.event), d.envelope) for d in deliveries])


def _extension(event: CaseExtensionRefused) -> dict[str, Any]:
    subject = f"{event.case_no}-{event.code}"
    detail = unlawful_extension_detail(event.department, event.detail)
    return _card(UNLAWFUL_EXTENSION, "red", subject, of=event.case_no, department=event.department, detail=detail)


def _card(rule: str, level: CardLevel, subject: str, *, of: str, department: str, detail: str) -> dict[str, Any]:
    """``subject`` is the task, or what else of the case ``of`` the card is about: one card for each."""
    return {
        "card_no": card_number(rule, level, subject),
        "case_no": of,
        "task_id": subject,
        "department": department,
        "level": level,
        "rule": rule,
        "due_on": None,
        "detail": detail,
    }
