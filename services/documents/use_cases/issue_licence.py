"""Issue the licence that a decision grants: number, certificate, signature, row and event, exactly once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from chassis.db import Tx
from contracts.case import CaseApproved
from contracts.item import LicenceTemplate
from contracts.licence import LicenceIssued
from services.documents import queries
from services.documents.adapters.metrics import LICENCE_SECONDS, LICENCES_ISSUED
from services.documents.adapters.tools import tools
from services.documents.domain.holder import Holder
from services.documents.domain.licence_face import compose_face
from services.documents.domain.licence_metadata import compose_metadata
from services.documents.domain.licence_number import LicenceNumber
from services.documents.domain.validity import shanghai_date, valid_until
from services.documents.models import licences, serials

SERIAL_DIGITS = 9


@dataclass(frozen=True)
class _Grant:
    """What is settled before anything is printed."""

    number: LicenceNumber
    holder: Holder
    issued_on: date
    until: date | None


def issue_licence(tx: Tx, event: CaseApproved) -> None:
    """One licence per case and item; a second decision event changes nothing.

    Raises NotHereYet while the holder or the item is unknown here. A crash before the commit leaves a blob that no
    row names, and the licence is made again.
    """
    issued_on = shanghai_date(tx.now)
    holder = queries.holder_of(tx, tools().holder_keys, event.applicant_id)
    last = _lock_serial(tx, event.licence)
    if _issued(tx, event):
        return
    number = LicenceNumber(event.licence.type_code, event.licence.issuer_uscc, f"{last + 1:0{SERIAL_DIGITS}d}")
    grant = _Grant(number, holder, issued_on, valid_until(issued_on, event.licence.valid_years))
    with LICENCE_SECONDS.time():
        pdf = _print(tx, event, grant)
    sha256 = tools().blobs.put(pdf)
    _record(tx, event, grant, sha256=sha256, size_bytes=len(pdf))
    tx.tell(
        LicenceIssued(
            licence_no=str(number),
            case_no=event.case_no,
            item_code=event.item_code,
            holder_id=event.applicant_id,
            name=event.licence.name,
            issued_on=issued_on,
            sha256=sha256,
            valid_until=grant.until,
        )
    )
    tx.on_commit.append(LICENCES_ISSUED.labels(number.type_code).inc)


def _lock_serial(tx: Tx, template: LicenceTemplate) -> int:
    """The last serial of this issuer and type. Its row is locked: who issues the same kind waits for our commit."""
    key = {"issuer_code": template.issuer_uscc, "type_code": template.type_code}
    tx.insert_new(serials, [key | {"last": 0}], [serials.c.last])
    return int(tx.execute(sa.select(serials.c.last).filter_by(**key).with_for_update()).scalar_one())


def _issued(tx: Tx, event: CaseApproved) -> bool:
    mine = sa.and_(licences.c.case_no == event.case_no, licences.c.item_code == event.item_code)
    return tx.execute(sa.select(licences.c.licence_no).where(mine)).first() is not None


def _print(tx: Tx, event: CaseApproved, grant: _Grant) -> bytes:
    """The signed PDF."""
    item = queries.item_version(tx, event.item_code, event.item_version)
    page, record = (f"{tools().public_url}/{place}/{grant.number}" for place in ("verify", "api/v1/licences"))
    face = compose_face(
        event,
        item=item,
        holder=grant.holder,
        licence_no=str(grant.number),
        issued_on=grant.issued_on,
        until=grant.until,
    )
    metadata = compose_metadata(
        event,
        number=grant.number,
        holder=grant.holder,
        issued_on=grant.issued_on,
        until=grant.until,
        file_url=f"{record}/pdf",
    )
    pdf = tools().press.render(face, metadata=metadata, verify_url=page, issued_on=grant.issued_on, made_at=tx.now)
    return tools().signer.sign(pdf)


def _record(tx: Tx, event: CaseApproved, grant: _Grant, *, sha256: str, size_bytes: int) -> None:
    number = grant.number
    mine = sa.and_(serials.c.issuer_code == number.issuer_code, serials.c.type_code == number.type_code)
    tx.execute(sa.update(serials).where(mine).values(last=int(number.serial)))
    row = {
        "licence_no": str(number),
        "case_no": event.case_no,
        "item_code": event.item_code,
        "holder_id": event.applicant_id,
        "holder_name": grant.holder.name,
        "holder_code_type": grant.holder.code_type,
        "name": event.licence.name,
        "name_en": event.licence.name_en,
        "issuer_name": event.licence.issuer_name,
        "issuer_uscc": event.licence.issuer_uscc,
        "issued_at": tx.now,
        "issued_on": grant.issued_on,
        "valid_until": grant.until,
        "sha256": sha256,
        "size_bytes": size_bytes,
    }
    tx.execute(sa.insert(licences).values(**row))
