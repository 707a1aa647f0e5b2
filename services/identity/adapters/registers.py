"""人口库和法人库: what the state's registers say of a name and a number. They answer match, no match, or not at all."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Protocol

import msgspec
import yaml

from services.identity.domain.assurance import Answer
from services.identity.domain.sensitive import Sensitive

Number = Annotated[str, msgspec.Meta(min_length=18, max_length=18)]


class RegistersInvalid(Exception):
    """The file cannot be used; the message repeats nothing of it."""


class Registers(Protocol):
    """The question is put outside any transaction; the answer says nothing but whether all that was given is right."""

    def person(self, name: str, number: Sensitive, third: tuple[str, Sensitive] | None) -> Answer:
        """Population register: name and 公民身份号码, and a third item (``mobile`` or ``card_valid_until``) if given."""

    def organisation(self, name: str, code: str, legal_representative: str | None) -> Answer:
        """Enterprise register: name and 统一社会信用代码, and the 法定代表人's name if given."""

    def guardian(self, guardian: Sensitive, child: Sensitive) -> Answer:
        """Population register: whether the one is the other's guardian (监护人)."""


class NoRegisters:
    """Where no register is connected: nobody is verified by one, and nobody is turned down by one."""

    def person(self, _name: str, _number: Sensitive, _third: tuple[str, Sensitive] | None) -> Answer:
        """Always ``unavailable``."""
        return "unavailable"

    def organisation(self, _name: str, _code: str, _legal_representative: str | None) -> Answer:
        """Always ``unavailable``."""
        return "unavailable"

    def guardian(self, _guardian: Sensitive, _child: Sensitive) -> Answer:
        """Always ``unavailable``."""
        return "unavailable"


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class _Person(_Entry, frozen=True, kw_only=True):
    name: str
    identity_number: Number
    mobile: str = ""
    card_valid_until: date | None = None
    guardians: tuple[Number, ...] = ()


class _Organisation(_Entry, frozen=True, kw_only=True):
    name: str
    uscc: Number
    legal_representative: str


class _Content(_Entry, frozen=True, kw_only=True):
    people: tuple[_Person, ...] = ()
    organisations: tuple[_Organisation, ...] = ()
    unavailable: tuple[Literal["population", "enterprise"], ...] = ()


class FileRegisters:
    """A register of its own, with its entries in a YAML file: for demonstrations, trials and places without a connection."""

    def __init__(self, path: Path) -> None:
        """Raises RegistersInvalid."""
        try:
            content = msgspec.convert(yaml.safe_load(path.read_bytes()), _Content)
        except (OSError, yaml.YAMLError, msgspec.ValidationError):
            raise RegistersInvalid(f"{path}: 登记库文件有误 / the registers' file cannot be used") from None
        self._people = {person.identity_number: person for person in content.people}
        self._organisations = {one.uscc: one for one in content.organisations}
        self._away: Collection[str] = content.unavailable

    def person(self, name: str, number: Sensitive, third: tuple[str, Sensitive] | None) -> Answer:
        """As the population register would."""
        known = self._people.get(number.reveal())
        right = known is not None and known.name == name and (third is None or _has(known, *third))
        return self._say("population", right)

    def organisation(self, name: str, code: str, legal_representative: str | None) -> Answer:
        """As the enterprise register would."""
        known = self._organisations.get(code)
        named = legal_representative is None or (
            known is not None and known.legal_representative == legal_representative
        )
        return self._say("enterprise", known is not None and known.name == name and named)

    def guardian(self, guardian: Sensitive, child: Sensitive) -> Answer:
        """As the population register would."""
        known = self._people.get(child.reveal())
        return self._say("population", known is not None and guardian.reveal() in known.guardians)

    def _say(self, register: str, right: bool) -> Answer:
        if register in self._away:
            return "unavailable"
        return "match" if right else "no_match"


def _has(person: _Person, item: str, value: Sensitive) -> bool:
    if item == "mobile":
        return bool(person.mobile) and person.mobile == value.reveal()
    return person.card_valid_until is not None and person.card_valid_until.isoformat() == value.reveal()


def registers_of(path: Path | None) -> Registers:
    """The file's, or none. Raises RegistersInvalid."""
    return NoRegisters() if path is None else FileRegisters(path)
