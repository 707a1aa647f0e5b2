"""代办: a delegation becomes a caller who acts for another. Asked anew for every token, so that an end takes effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chassis import clock
from chassis.errors import Refusal
from services.identity import queries
from services.identity.domain.delegation import end_of, in_force, law_date, scopes_of
from services.identity.domain.directory import Caller, Representative
from services.identity.models import accounts, db, delegations, parties
from services.identity.use_cases.delegate import is_minor


@dataclass(frozen=True)
class Through:
    """The sign-in and the client that somebody acts through; the token ends with them. None: of no sign-in."""

    session: str | None
    client: str | None
    grant: str | None


def represent(account_id: str, delegation_id: str, through: Through) -> Caller:
    """The party as the token will name it, with the account's person as the one who really acts.

    Raises Refusal ``delegation_unknown``, ``delegation_ended``, ``minor_alone``, ``party_erased`` or ``session_ended``.
    """
    now = clock.now()
    level_cap = _require_going_on(through)
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
        level=account.level if level_cap is None else min(account.level, level_cap),
        actor=Representative(account.account_id, account.name),
        items=None if row.items is None else tuple(row.items),
        life_s=max(int((end_of(row.until_on) - now).total_seconds()), 1),
        session=through.session,
        client=through.client,
        grant=through.grant,
    )


def _require_going_on(through: Through) -> int | None:
    """The greatest level that the sign-in speaks for, None for any. Raises Refusal ``session_ended``."""
    if through.session is None:
        return None
    session = queries.session_of(through.session)
    grant = None if through.grant is None else queries.grant_of(through.grant)
    if session is None or session.ended_at is not None or (grant is not None and grant.ended_at is not None):
        raise Refusal("session_ended", "登录已结束，请重新登录 / the sign-in has ended, sign in again")
    cap: int | None = session.level_cap
    return cap


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
