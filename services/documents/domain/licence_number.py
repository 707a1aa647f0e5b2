"""The identifier of an electronic licence (证照标识).

Source: GB/T 36904-2018: OID root . type code (definer's USCC 18 + 3) . issuer's code . serial . version . check character.
"""

from __future__ import annotations

from dataclasses import dataclass

OID_ROOT = "1.2.156.3005.2"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PARTS = 5


def check_character(text: str) -> str:
    """ISO 7064 MOD 37,36 check character of ``text``. Raises ValueError on a character outside 0-9 A-Z."""
    product = 36
    for character in text:
        product = (product + _ALPHABET.index(character)) % 36 or 36
        product = product * 2 % 37
    return _ALPHABET[(37 - product) % 36]


@dataclass(frozen=True)
class LicenceNumber:
    """The four meaningful parts. ``version`` has three digits and rises with every re-issue."""

    type_code: str
    issuer_code: str
    serial: str
    version: str = "001"

    @property
    def check(self) -> str:
        """The character over the four parts; dots and the OID root are left out."""
        return check_character(self.type_code + self.issuer_code + self.serial + self.version)

    def __str__(self) -> str:
        return f"{OID_ROOT}.{self.type_code}.{self.issuer_code}.{self.serial}.{self.version}.{self.check}"


def parse(text: str) -> LicenceNumber:
    """The number written as ``text``. Raises ValueError when it is none or its check character is wrong."""
    root, dot, rest = text.partition(f"{OID_ROOT}.")
    parts = rest.split(".")
    if root or not dot or len(parts) != _PARTS:
        raise ValueError("not a licence number")
    number = LicenceNumber(*parts[:4])
    if not all(parts[:4]) or number.check != parts[4]:
        raise ValueError("wrong check character")
    return number
