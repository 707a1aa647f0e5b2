"""Facts about cases (办件). Owner: workflow."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar, Literal

import msgspec

from contracts.envelope import FOR_THE_RECORD_S, Event
from contracts.item import DeliveryWay, LicenceTemplate, Rank

Channel = Literal["web", "mobile", "window", "kiosk", "hotline", "api"]
CaseMode = Literal["ordinary", "immediate", "deferred", "commitment"]
"""一般、即办、容缺受理、告知承诺."""
DeliveryState = Literal["handed_over", "in_transit", "delivered", "returned"]


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

    ``submitted_by`` is the account that really handed it in; ``represented``: it acted for the applicant under a delegation
    or at a counter. ``batch`` names the round that it belongs to, ``bundle_no`` the bundle that it was handed in with (一件事).
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
    mode: CaseMode = "ordinary"
    delivery_way: DeliveryWay = "electronic"
    batch: str | None = None
    bundle_no: str | None = None


class CaseAccepted(Event, frozen=True, kw_only=True, omit_defaults=True):
    """受理: the clock of the case runs. ``provisional`` marks a date in a year whose holiday calendar is not yet published.

    ``deemed_against``: the department that was silent for five working days, so that the law accepted the case on the day
    of its receipt; ``deemed_task`` is the task it left unanswered. ``statutory_due_on`` is the law's own last day.
    """

    TYPE: ClassVar[str] = "case.accepted.v1"
    case_no: str
    accepted_on: date
    due_on: date
    provisional: bool
    deemed_against: str | None = None
    deemed_task: str | None = None
    statutory_due_on: date | None = None


class CaseNotAccepted(Event, frozen=True, kw_only=True):
    """不予受理, with its reason and the remedies open to the applicant."""

    TYPE: ClassVar[str] = "case.not_accepted.v1"
    case_no: str
    reason: str
    remedy: str


class CaseCorrectionRequested(Event, frozen=True, kw_only=True, omit_defaults=True):
    """补正告知: the one notice that holds every department's defects, and the last day to correct them."""

    TYPE: ClassVar[str] = "case.correction_requested.v1"
    case_no: str
    defects: tuple[DepartmentDefect, ...]
    correct_by: date | None = None


class CaseCorrected(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The applicant has replaced what the notice named; the departments that asked examine again.

    ``by`` is the account that really did it, ``represented`` as in ``CaseSubmitted``.
    """

    TYPE: ClassVar[str] = "case.corrected.v1"
    case_no: str
    materials: tuple[CaseMaterial, ...]
    by: str | None = None
    represented: bool = False


class CaseApproved(Event, frozen=True, kw_only=True, omit_defaults=True):
    """准予: the decision. ``facts`` are the form's answers that are printed on the licence, no others.

    ``conditions`` are those on which departments agreed. ``deemed``: the licence to be renewed expired undecided (§50).
    """

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
    conditions: tuple[str, ...] = ()
    deemed: bool = False


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


class ClockMoved(msgspec.Struct, frozen=True, kw_only=True):
    """A task's new last day."""

    task_id: str
    due_on: date


class CaseSpecialProcedureStarted(Event, frozen=True, kw_only=True, omit_defaults=True):
    """特别程序: from the day after ``began_on`` to ``until`` (announced) the clock of the case stands still; ``due_on`` is the
    new last day of the decision.
    """

    TYPE: ClassVar[str] = "case.special_procedure_started.v1"
    case_no: str
    code: str
    name: str
    name_en: str
    department: str
    reason: str
    began_on: date
    until: date
    due_on: date
    provisional: bool
    tasks: tuple[ClockMoved, ...] = ()


class CaseSpecialProcedureEnded(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The clock runs again. ``expired``: nobody ended the procedure within the time announced."""

    TYPE: ClassVar[str] = "case.special_procedure_ended.v1"
    case_no: str
    code: str
    name: str
    name_en: str
    department: str
    ended_on: date
    due_on: date
    provisional: bool
    expired: bool = False
    tasks: tuple[ClockMoved, ...] = ()


class CaseExtended(Event, frozen=True, kw_only=True):
    """延期告知: the decision may take until ``due_on``, for a reason that the applicant is told. Once for a case."""

    TYPE: ClassVar[str] = "case.extended.v1"
    case_no: str
    department: str
    reason: str
    approved_by: str
    rank: Rank
    due_on: date
    provisional: bool


class CaseReckoned(Event, frozen=True, kw_only=True, omit_defaults=True):
    """重新推算: a year's holidays were published, so dates that were provisional are set anew. ``statutory_due_on`` is the law's
    own last day; ``tasks`` are those that moved.
    """

    TYPE: ClassVar[str] = "case.reckoned.v1"
    case_no: str
    due_on: date
    provisional: bool
    statutory_due_on: date | None = None
    tasks: tuple[ClockMoved, ...] = ()


class CaseExtensionRefused(Event, frozen=True, kw_only=True):
    """An extension that the law does not allow was asked for: a second one, or without the approval of the rank needed."""

    TYPE: ClassVar[str] = "case.extension_refused.v1"
    case_no: str
    department: str
    code: str
    detail: str


class CaseSupplemented(Event, frozen=True, kw_only=True, omit_defaults=True):
    """容缺补齐: what the applicant had promised to hand in later. ``by``, ``represented`` as in ``CaseCorrected``."""

    TYPE: ClassVar[str] = "case.supplemented.v1"
    case_no: str
    materials: tuple[CaseMaterial, ...]
    by: str
    represented: bool = False


class CaseDeemedWithdrawn(Event, frozen=True, kw_only=True):
    """视为撤回: what had to be handed in until ``due_on`` was not. ``reason`` is a code."""

    TYPE: ClassVar[str] = "case.deemed_withdrawn.v1"
    case_no: str
    reason: Literal["correction_not_made", "promise_not_kept"]
    materials: tuple[str, ...]
    due_on: date


class CaseRevoked(Event, frozen=True, kw_only=True, omit_defaults=True):
    """撤销: what the applicant committed to was not true, so the decision and the licence, if one was issued, are void."""

    TYPE: ClassVar[str] = "case.revoked.v1"
    case_no: str
    decided_by: str
    reason: str
    remedy: str
    licence_no: str | None = None


class CaseTerminated(Event, frozen=True, kw_only=True):
    """终止办理: there is nothing left to decide, such as when the applicant has died or its object is gone."""

    TYPE: ClassVar[str] = "case.terminated.v1"
    case_no: str
    decided_by: str
    reason: str


class CaseDeliveryMoved(Event, frozen=True, kw_only=True, omit_defaults=True):
    """邮寄送达: the result was handed to the courier, is on its way, reached the applicant or came back. Where to is not told."""

    TYPE: ClassVar[str] = "case.delivery_moved.v1"
    case_no: str
    state: DeliveryState
    courier: str
    tracking_no: str
    reason: str = ""


class BundleDecided(Event, frozen=True, kw_only=True):
    """统一送达: the last case of a bundle was decided, so everything can be delivered at once."""

    TYPE: ClassVar[str] = "bundle.decided.v1"
    SUBJECT: ClassVar[str | None] = "bundle_no"
    PATIENCE_S: ClassVar[float] = FOR_THE_RECORD_S
    bundle_no: str
    package_code: str
    case_nos: tuple[str, ...]
    granted: int
