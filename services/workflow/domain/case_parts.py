"""What a case file is made of: tasks, transitions, who acts, what stopped its clock, what the applicant promised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from contracts.case import Channel, Defect
from contracts.item import Limit, Rank, StepKind
from contracts.task import Verdict
from services.workflow.domain.states import CaseState, TaskState


@dataclass(frozen=True)
class Policy:
    """Limits that the law leaves to the authority. A correction waits for other departments for at most
    ``correction_window_days`` working days (before acceptance also no longer than the law's five); the applicant has
    ``correction_days`` working days to correct.
    """

    correction_window_days: int = 3
    correction_days: int = 15


@dataclass(frozen=True)
class Signature:
    """One officer's signature on a task that takes more than one (实质核查)."""

    signer: str
    officer: str
    verdict: Verdict
    at: datetime


@dataclass
class Task:
    """One department's part in one round. ``closed_at`` is when it was answered or cancelled.

    ``account_id`` is the account of the officer who answered; None when the department's system did. ``assignee`` is the
    account of the only officer who may answer; None: anybody of the department.
    """

    task_id: str
    step: str
    step_name: str
    kind: StepKind
    round: int
    department: str
    state: TaskState
    due_on: date
    assigned_at: datetime
    verdict: Verdict | None = None
    reason: str = ""
    defects: tuple[Defect, ...] = ()
    conditions: tuple[str, ...] = ()
    officer: str | None = None
    account_id: str | None = None
    closed_at: datetime | None = None
    acknowledged_at: datetime | None = None
    assignee: str | None = None
    signatures: tuple[Signature, ...] = ()
    is_new: bool = False


@dataclass
class Transition:
    """A move of the case: the history is the audit trail.

    ``by`` is the account that really did it; ``by_name`` and ``for_name`` stand there when it acted for another (委托代办).
    ``channel`` is how it reached the platform; None: the platform did it by itself.
    """

    before: CaseState | None
    after: CaseState
    at: datetime
    by: str
    why: str
    rule: str
    by_name: str | None = None
    for_name: str | None = None
    channel: Channel | None = None


@dataclass(frozen=True)
class Doer:
    """Who does something to a case: an account, and both names when it acts for another."""

    account_id: str
    name: str | None = None
    represented: str | None = None
    channel: Channel | None = None


@dataclass(frozen=True)
class Stop:
    """特别程序: announced from the day after ``began`` to ``until``. ``expired``: the platform ended it, nobody else did."""

    code: str
    name: str
    name_en: str
    department: str
    began: date
    until: date
    reason: str
    ended: date | None = None
    expired: bool = False


@dataclass(frozen=True)
class Extended:
    """延长, once: by how much, who approved it and why."""

    limit: Limit
    approved_by: str
    rank: Rank
    reason: str
    on: date


@dataclass(frozen=True)
class CaseClock:
    """What stopped the clock of a case and what extended it."""

    stops: tuple[Stop, ...] = ()
    extended: Extended | None = None


@dataclass(frozen=True)
class Promise:
    """What the applicant promised for one material: to hand it in until ``due_on`` (容缺; known once the case is accepted),
    or that what it would show is true (告知承诺).
    """

    kind: Literal["deferred", "commitment"]
    material_code: str
    due_on: date | None = None
    kept_on: date | None = None
