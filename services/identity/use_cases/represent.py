"""代办: a delegation becomes a caller who acts for another. Asked anew for every token, so that an end takes effect."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chassis import clock
from chassis.errors import Refusal
from services.identity.domain.delegation import end_of, in_force, law_date, scopes_of
from services.identity.domain.directory import Caller, Representative
from services.identity.models import accounts, db, delegations, parties
from services.identity.use_cases.delegate import is_minor


def represent(account_id: str, delegation_id: str, session: str | None) -> Caller:
    """The party as the token will name it, with the account's person as the one who really acts.

    Raises Refusal ``delegation_unknown``, ``delegation_ended``, ``minor_alone`` or ``party_erased``.
    """
    now = clock.now()
    with db.read() as connection:
        account = _account(connection, account_id, delegation_id)
        row = _delegation(connection, account, delegation_id)
        today = law_date(now)
        accepted, revoked = row.accepted_at is not None, row.revoked_at is not None
        if not in_force(from_on=row.from_on, until_on=row.until_on, accepted=accepted, revoked=revoked, today=today):
            raise Refusal(
                "delegation_ended", "委托未生效、已撤销或已到期 / the delegation is not, or no longer, in force"
            )
        if is_minor(connection, account.person_id, now):
            raise Refusal("minor_alone", "未满十四周岁，不能代办 / who is under 14 acts for nobody")
        grantor = connection.execute(sa.select(parties).where(parties.c.party_id == row.grantor_id)).one()
    return Caller(
        subject=grantor.party_id,
        name=grantor.name,
        kind="person",
        party=grantor.party_id,
        scope=scopes_of(row.actions),
        level=account.level,
        actor=Representative(account.account_id, account.name),
        items=None if row.items is None else tuple(row.items),
        life_s=max(int((end_of(row.until_on) - now).total_seconds()), 1),
        session=session,
    )


def _account(connection: Connection, account_id: str, delegation_id: str) -> Any:
    row = connection.execute(sa.select(accounts).where(accounts.c.account_id == account_id)).one_or_none()
    if row is None or row.person_id is None:
        raise _unknown(delegation_id)
    return row


def _delegation(connection: Connection, account: Any, delegation_id: str) -> Any:
    wanted = sa.select(delegations).where(delegations.c.delegation_id == delegation_id)
    row = connection.execute(wanted).one_or_none()
    if row is None or row.grantee_id != account.person_id:
        raise _unknown(delegation_id)
    return row


def _unknown(delegation_id: str) -> Refusal:
    return Refusal("delegation_unknown", "没有这项委托 / there is no such delegation", delegation_id=delegation_id)
