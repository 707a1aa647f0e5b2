"""The holder of a licence, as printed and as shown to strangers."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.person import HolderCodeType

PERSON: HolderCodeType = "111"


@dataclass(frozen=True)
class Holder:
    """A person (111, identity number) or an organisation (001, unified social credit code)."""

    party_id: str
    name: str
    code_type: HolderCodeType
    code: str


def shown_to_strangers(name: str, code_type: HolderCodeType) -> str:
    """张三 -> 张*; an organisation's name is public. The star hides the length, too."""
    return f"{name[:1]}*" if code_type == PERSON else name
