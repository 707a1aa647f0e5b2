"""沙箱证照: licences that were never issued, for programs that want to try verification. One of each kind of answer.

Issuer and holders do not exist; the numbers have the right form and check character, and are in no database.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from contracts.person import HolderCodeType
from services.documents.domain.licence_number import LicenceNumber

ISSUER_NAME, ISSUER_USCC = "沙箱市教育局", "11999999YX99999997"
TYPE_CODE = "11100000000000000A001"


@dataclass(frozen=True)
class SandboxLicence:
    """What verification shows of a licence, in the words of the table of licences."""

    licence_no: str
    name: str
    name_en: str
    holder_name: str
    holder_code_type: HolderCodeType
    issued_on: date
    valid_until: date | None
    revoked_on: date | None
    sha256: str
    issuer_name: str = ISSUER_NAME
    issuer_uscc: str = ISSUER_USCC


def sandbox_licences(today: date) -> tuple[SandboxLicence, ...]:
    """A valid one of an organisation, one of a person that is valid for ever, an expired and a revoked one."""
    year = timedelta(days=365)
    plate, teacher, school = (
        ("校车标牌", "School bus plate"),
        ("教师资格证书", "Teacher's certificate"),
        ("办学许可证", "Licence to run a school"),
    )
    return (
        _licence(1, plate, ("沙箱市第一小学", "001"), issued_on=today - year, valid_until=today + year),
        _licence(2, teacher, ("甲某", "111"), issued_on=today - 2 * year),
        _licence(3, school, ("沙箱市培训学校", "001"), issued_on=today - 4 * year, valid_until=today - year),
        _licence(
            4,
            plate,
            ("沙箱市第二小学", "001"),
            issued_on=today - year,
            valid_until=today + year,
            revoked_on=today - year / 2,
        ),
    )


def _licence(
    serial: int,
    names: tuple[str, str],
    holder: tuple[str, HolderCodeType],
    *,
    issued_on: date,
    valid_until: date | None = None,
    revoked_on: date | None = None,
) -> SandboxLicence:
    number = LicenceNumber(TYPE_CODE, ISSUER_USCC, f"{serial:09d}")
    return SandboxLicence(str(number), *names, *holder, issued_on, valid_until, revoked_on, sha256=f"{serial:064x}")
