"""Licences as the cases that led to them know them (GB/T 36904 identifiers hold their type)."""

from __future__ import annotations

import sqlalchemy as sa

from services.workflow.domain.opening import RenewedLicence
from services.workflow.models import cases

_TYPE_PLACE = 5  # 1.2.156.3005.2 . type . issuer . serial . version . check
_OF_APPLICANT = sa.select(cases.c.licence_no, cases.c.licence_until).where(
    cases.c.applicant_id == sa.bindparam("applicant_id"), cases.c.licence_no == sa.bindparam("licence_no")
)


def licence_of(connection: sa.Connection, applicant_id: str, licence_no: str) -> RenewedLicence | None:
    """The applicant's own licence, or None."""
    row = connection.execute(_OF_APPLICANT, {"applicant_id": applicant_id, "licence_no": licence_no}).first()
    if row is None:
        return None
    parts = row.licence_no.split(".")
    type_code = parts[_TYPE_PLACE] if len(parts) > _TYPE_PLACE else ""
    return RenewedLicence(row.licence_no, type_code, row.licence_until)
