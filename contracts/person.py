"""Facts about people, organisations and departments. Owner: identity."""

from __future__ import annotations

from typing import ClassVar, Literal

from contracts.envelope import Event

HolderCodeType = Literal["111", "001"]


class PartyRegistered(Event, frozen=True, kw_only=True):
    """A person or an organisation that may hold licences. Personal data: documents prints the holder on the licence.

    ``code_type``: 111 公民身份号码, 001 统一社会信用代码 (GA/T 2000.156).
    """

    TYPE: ClassVar[str] = "party.registered.v1"
    SUBJECT: ClassVar[str | None] = "party_id"
    party_id: str
    name: str
    code_type: HolderCodeType
    code: str


class PartyChanged(Event, frozen=True, kw_only=True):
    """A party's name was corrected, or (``name`` null) the party was erased on its request. The highest ``revision`` holds."""

    TYPE: ClassVar[str] = "party.changed.v1"
    SUBJECT: ClassVar[str | None] = "party_id"
    party_id: str
    revision: int
    name: str | None


class DepartmentRegistered(Event, frozen=True, kw_only=True):
    """A department that may be named in a plan. ``code`` is its short name on the bus, ``uscc`` its credit code."""

    TYPE: ClassVar[str] = "department.registered.v1"
    SUBJECT: ClassVar[str | None] = "code"
    code: str
    name: str
    name_en: str
    uscc: str
