"""Facts of the information-sharing catalogue (政务信息资源目录). Owner: catalog. Source: 国发〔2016〕51号.

``application_id`` is an application of one department for fields of another's resource, for one item of its own.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from contracts.envelope import FOR_THE_RECORD_S, Event

SharingType = Literal["1", "2", "3"]
"""1 无条件共享, 2 有条件共享, 3 不予共享."""


class ResourcePublished(Event, frozen=True, kw_only=True):
    """目录发布: a version of a resource stands in the catalogue. ``fields`` are codes of its information items (信息项)."""

    TYPE: ClassVar[str] = "sharing.resource_published.v1"
    SUBJECT: ClassVar[str | None] = "resource_code"
    PATIENCE_S: ClassVar[float] = FOR_THE_RECORD_S
    resource_code: str
    version: int
    name: str
    provider: str
    sharing_type: SharingType
    open_to_public: bool
    fields: tuple[str, ...]


class ResourceWithdrawn(Event, frozen=True, kw_only=True):
    """目录撤销: nothing of the resource may be applied for or used any more."""

    TYPE: ClassVar[str] = "sharing.resource_withdrawn.v1"
    SUBJECT: ClassVar[str | None] = "resource_code"
    PATIENCE_S: ClassVar[float] = FOR_THE_RECORD_S
    resource_code: str
    provider: str
    reason: str


class SharingRequested(Event, frozen=True, kw_only=True):
    """共享申请: the provider has to answer by the end of ``answer_due`` (ten working days)."""

    TYPE: ClassVar[str] = "sharing.requested.v1"
    SUBJECT: ClassVar[str | None] = "application_id"
    PATIENCE_S: ClassVar[float] = FOR_THE_RECORD_S
    application_id: str
    resource_code: str
    provider: str
    department: str
    item_code: str
    purpose: str
    fields: tuple[str, ...]
    answer_due: date


class SharingGranted(Event, frozen=True, kw_only=True):
    """同意共享. ``fields`` may be fewer than were applied for; then ``reason`` says why."""

    TYPE: ClassVar[str] = "sharing.granted.v1"
    SUBJECT: ClassVar[str | None] = "application_id"
    PATIENCE_S: ClassVar[float] = FOR_THE_RECORD_S
    application_id: str
    resource_code: str
    provider: str
    department: str
    fields: tuple[str, ...]
    reason: str = ""


class SharingRefused(Event, frozen=True, kw_only=True):
    """不同意共享, with the reason that is owed."""

    TYPE: ClassVar[str] = "sharing.refused.v1"
    SUBJECT: ClassVar[str | None] = "application_id"
    PATIENCE_S: ClassVar[float] = FOR_THE_RECORD_S
    application_id: str
    resource_code: str
    provider: str
    department: str
    reason: str


class SharingEnded(Event, frozen=True, kw_only=True):
    """The application was withdrawn, or the grant ended. ``by`` is the department that ended it."""

    TYPE: ClassVar[str] = "sharing.ended.v1"
    SUBJECT: ClassVar[str | None] = "application_id"
    PATIENCE_S: ClassVar[float] = FOR_THE_RECORD_S
    application_id: str
    resource_code: str
    by: str
    reason: str


class SharingOverdue(Event, frozen=True, kw_only=True):
    """The provider let ``answer_due`` pass in silence, which is neither consent nor refusal."""

    TYPE: ClassVar[str] = "sharing.overdue.v1"
    SUBJECT: ClassVar[str | None] = "application_id"
    PATIENCE_S: ClassVar[float] = FOR_THE_RECORD_S
    application_id: str
    resource_code: str
    provider: str
    department: str
    answer_due: date


class SharedDataUsed(Event, frozen=True, kw_only=True):
    """共享使用: fields of a grant were used for a case (``for_case``)."""

    TYPE: ClassVar[str] = "sharing.used.v1"
    SUBJECT: ClassVar[str | None] = "application_id"
    PATIENCE_S: ClassVar[float] = FOR_THE_RECORD_S
    application_id: str
    resource_code: str
    department: str
    item_code: str
    for_case: str
    fields: tuple[str, ...]
