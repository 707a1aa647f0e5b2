"""Facts about materials and electronic licences (电子证照). Owner: documents."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from contracts.envelope import FOR_THE_RECORD_S, Event


class MaterialStored(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A file is stored. ``sha256`` is lower-case hex of its bytes; ``stored_by`` the account that really handed it in."""

    TYPE: ClassVar[str] = "material.stored.v1"
    SUBJECT: ClassVar[str | None] = "material_id"
    PATIENCE_S: ClassVar[float] = FOR_THE_RECORD_S
    material_id: str
    owner_id: str
    code: str
    media_type: str
    size_bytes: int
    sha256: str
    stored_by: str | None = None


class LicenceIssued(Event, frozen=True, kw_only=True):
    """A signed licence exists. ``licence_no`` is the GB/T 36904 identifier; ``sha256`` is of the signed PDF."""

    TYPE: ClassVar[str] = "licence.issued.v1"
    licence_no: str
    case_no: str
    item_code: str
    holder_id: str
    name: str
    issued_on: date
    sha256: str
    valid_until: date | None = None
