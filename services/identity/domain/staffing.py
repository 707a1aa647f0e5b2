"""在岗管理: what may become of an account, and which roles go together with what it was."""

from __future__ import annotations

from typing import Literal, get_args

from contracts.administration import ActReason
from contracts.rights import ADMINISTRATORS
from services.identity.domain.directory import Account, account_problem

AccountState = Literal["active", "suspended", "closed"]
STATES: tuple[AccountState, ...] = get_args(AccountState)
REASONS: tuple[ActReason, ...] = get_args(ActReason)

NEXT: dict[AccountState, frozenset[AccountState]] = {
    "active": frozenset({"suspended", "closed"}),
    "suspended": frozenset({"active", "closed"}),
    "closed": frozenset(),
}
"""A closed account stays closed: whoever comes back gets another, so that the old one's acts stay one person's."""


def may_move(state: AccountState, to: AccountState) -> bool:
    """Whether an account may go from ``state`` to ``to``."""
    return to in NEXT[state]


def role_problem(account: Account, *, administered_as: str | None) -> str | None:
    """Why an account that was administrator ``administered_as`` (None: never) may not become ``account``; None when it may.

    The three administrators exclude each other over time, too: whoever managed the system would audit the own acts.
    Source: GB/T 22239-2019 §8.1.5.
    """
    if account.kind == "person":
        return "工作人员账号不能改为个人账号 / an account of staff does not become a person's"
    if account.kind in ADMINISTRATORS and administered_as not in (None, account.kind):
        return "三员互斥，曾任其他管理员的账号须另开账号 / the three administrators exclude each other: open another account"
    return account_problem(account)
