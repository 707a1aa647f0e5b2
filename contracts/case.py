"""Facts about cases (办件). Owner: workflow."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar, Literal

import msgspec

from contracts.envelope import FOR_THE_RECORD_S, Event
from contracts.item import LicenceTemplate

Channel = Literal["web", "mobile", "window", "kiosk", "hotline", "api"]


class CaseMaterial(msgspec.Struct, frozen=True, kw_only=True):
    """A material as handed in with a case. ``sha256`` is lower-case hex."""

    material_id: str
    code: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str


class Defect(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one material of the guide."""

    material_code: str
    problem: str


class DepartmentDefect(msgspec.Struct, frozen=True, kw_only=True):
    """A defect with the department that found it, as it stands in the one notice (一次性告知书)."""

    department: str
    material_code: str
    problem: str


class CaseSubmitted(Event, frozen=True, kw_only=True, omit_defaults=True):
    """收件: the application is durable. ``accept_by`` is the last day of the five on which it may be left unanswered.

    ``submitted_by`` is the account that really handed it in; ``represented``: it acted for the applicant under a delegation.
    """

    TYPE: ClassVar[str] = "case.submitted.v1"
    case_no: str
    item_code: str
    item_version: int
    item_name: str
    applicant_id: str
    submitted_by: str
    channel: Channel
    materials: tuple[CaseMaterial, ...]
    accept_by: date
    represented: bool = False


class CaseAccepted(Event, frozen=True, kw_only=True):
    """受理: the clock of the case runs. ``provisional`` marks a date in a year whose holiday calendar is not yet published."""

    TYPE: ClassVar[str] = "case.accepted.v1"
    case_no: str
    accepted_on: date
    due_on: date
    provisional: bool


class CaseNotAccepted(Event, frozen=True, kw_only=True):
    """不予受理, with its reason and the remedies open to the applicant."""

    TYPE: ClassVar[str] = "case.not_accepted.v1"
    case_no: str
    reason: str
    remedy: str


class CaseCorrectionRequested(Event, frozen=True, kw_only=True):
    """补正告知: the one notice that holds every department's defects."""

    TYPE: ClassVar[str] = "case.correction_requested.v1"
    case_no: str
    defects: tuple[DepartmentDefect, ...]


class CaseCorrected(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The applicant has replaced what the notice named; the departments that asked examine again.

    ``by`` is the account that really did it, ``represented`` as in ``CaseSubmitted``.
    """

    TYPE: ClassVar[str] = "case.corrected.v1"
    case_no: str
    materials: tuple[CaseMaterial, ...]
    by: str | None = None
    represented: bool = False


class CaseApproved(Event, frozen=True, kw_only=True):
    """准予: the decision. ``facts`` are the form's answers that are printed on the licence, no others."""

    TYPE: ClassVar[str] = "case.approved.v1"
    case_no: str
    item_code: str
    item_version: int
    item_name: str
    applicant_id: str
    decided_by: str
    decided_on: date
    licence: LicenceTemplate
    facts: dict[str, Any]


class CaseDenied(Event, frozen=True, kw_only=True):
    """不予许可, with its reason and the remedies open to the applicant."""

    TYPE: ClassVar[str] = "case.denied.v1"
    case_no: str
    decided_by: str
    reason: str
    remedy: str


class CaseWithdrawn(Event, frozen=True, kw_only=True, omit_defaults=True):
    """撤回 by the applicant before the decision. ``by`` and ``represented`` as in ``CaseCorrected``."""

    TYPE: ClassVar[str] = "case.withdrawn.v1"
    case_no: str
    reason: str
    by: str | None = None
    represented: bool = False


class CaseClosed(Event, frozen=True, kw_only=True):
    """办结: the licence is issued and delivered and every delivery step is done."""

    TYPE: ClassVar[str] = "case.closed.v1"
    PATIENCE_S: ClassVar[float] = FOR_THE_RECORD_S
    case_no: str
    licence_no: str
