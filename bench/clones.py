"""Numbers of cloned cases: the same for the same place, so that those who fill and those who read agree without asking."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.documents.domain.licence_number import LicenceNumber

# Several pages of its own cases, as many at every size: a citizen does not have more of them because others apply.
OWNED = 200
# All within the time for which sent and handled messages are kept, so that no job takes clones for old.
SPAN = timedelta(days=28)


@dataclass(frozen=True)
class Clone:
    """One cloned case. ``open``: still with one department. ``stamp`` begins its time-ordered ids."""

    n: int
    case_no: str
    licence_no: str
    party: str
    at: datetime
    open: bool

    @property
    def stamp(self) -> str:
        """The first 48 bits of a version 7 UUID of that moment. Source: RFC 9562 §5.7."""
        digits = f"{int(self.at.timestamp() * 1000):012x}"
        return f"{digits[:8]}-{digits[8:]}"


@dataclass(frozen=True)
class Clones:
    """``total`` clones, spread evenly over SPAN before ``now``. The first OWNED are ``owner``'s, the others have one for ten."""

    total: int
    item_code: str
    licence: LicenceNumber
    owner: str
    now: datetime

    def __getitem__(self, n: int) -> Clone:
        """Clone ``n``, from 0."""
        at = self.now - SPAN + SPAN * n / self.total
        licence = LicenceNumber(self.licence.type_code, self.licence.issuer_code, f"{900_000_000 + n}")
        party = self.owner if n < OWNED else f"p-{n // 10:034d}"
        case_no = f"{self.item_code}{at:%Y%m%d}{n:07d}"
        return Clone(n=n, case_no=case_no, licence_no=str(licence), party=party, at=at, open=n % 10 == 0)
