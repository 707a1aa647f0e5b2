"""Who is in the directory: departments, parties, accounts, client systems; and how their names are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contracts.person import HolderCodeType
from services.identity.domain.scopes import AccountKind, CallerKind
from services.identity.domain.sensitive import Sensitive

# $(?!\n) is the very end both in Python, whose $ lets a line feed pass, and in ECMA-262, which OpenAPI speaks.
DEPARTMENT_CODE = r"^[a-z][a-z0-9_]{1,30}$(?!\n)"
USERNAME = r"^[a-z0-9][a-z0-9._@-]{2,63}$(?!\n)"
CLIENT_ID = r"^[a-z][a-z0-9_.-]{2,63}$(?!\n)"
# Control characters and lone surrogates fit into JSON but into no text column of PostgreSQL.
NAME = r"^[^\x00-\x1f\x7f\ud800-\udfff]{1,100}$(?!\n)"
PASSWORD_LENGTH = (12, 128)
SECRET_LENGTH = (24, 128)
"""Nothing slows guesses at a client's secret down (that would let anybody stop a department), so it has to be long."""

PartyKind = Literal["person", "organisation"]


@dataclass(frozen=True, kw_only=True)
class Department:
    """A department. ``uscc`` is its 统一社会信用代码 (18)."""

    code: str
    name: str
    name_en: str
    uscc: str


@dataclass(frozen=True, kw_only=True)
class Party:
    """A natural person or an organisation. ``number`` is the 公民身份号码 or the 统一社会信用代码, checked, in normal form."""

    kind: PartyKind
    name: str
    number: Sensitive

    @property
    def code_type(self) -> HolderCodeType:
        """证照持有主体代码类型 (GA/T 2000.156)."""
        return "111" if self.kind == "person" else "001"


@dataclass(frozen=True, kw_only=True)
class Account:
    """One who signs in.

    A ``person`` account belongs to the natural person ``person_id`` and acts for ``party_id``: that person or an
    organisation. The others are staff with a ``name`` of their own; an officer belongs to ``department``.
    """

    username: str
    kind: AccountKind
    name: str | None = None
    person_id: str | None = None
    party_id: str | None = None
    department: str | None = None


@dataclass(frozen=True)
class Representative:
    """The account and the name of the person who really acts for another."""

    subject: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A party whose password or secret was right; what the token says of it.

    ``level`` is the assurance of the account; ``minor`` is one who may apply for nothing alone. For one who is represented:
    ``actor`` is who really acts, ``items`` are the codes that he is limited to (None: all), ``life_s`` is what is left of
    the delegation, ``session`` the sign-in of the one who acts, ``client`` and ``grant`` what that one acts through.
    """

    subject: str
    name: str
    kind: CallerKind
    party: str | None = None
    department: str | None = None
    scope: str | None = None
    """Less than the whole scope of its kind."""
    level: int | None = None
    minor: bool = False
    actor: Representative | None = None
    items: tuple[str, ...] | None = None
    life_s: int | None = None
    session: str | None = None
    client: str | None = None
    grant: str | None = None


def account_problem(account: Account) -> str | None:
    """What does not fit together in ``account``, or None."""
    return _person_problem(account) if account.kind == "person" else _staff_problem(account)


def _person_problem(account: Account) -> str | None:
    if account.person_id is None:
        return "个人账号须指明本人 / a person's account needs the person"
    if account.name is not None or account.department is not None:
        return "个人账号不填姓名和部门 / a person's account takes neither name nor department"
    return None


def _staff_problem(account: Account) -> str | None:
    if account.person_id is not None or account.party_id is not None:
        return "工作人员账号不代表当事人 / a staff account acts for no party"
    if account.name is None:
        return "工作人员账号须填姓名 / a staff account needs a name"
    if (account.kind == "officer") != (account.department is not None):
        return "部门经办人须有部门，其他人员不填 / an officer needs a department, others take none"
    return None
