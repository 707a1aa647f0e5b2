"""委托授权: offered by who gives it, accepted by who takes it, ended by either at once."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
import uuid_utils

from chassis.db import Tx
from chassis.errors import Refusal
from services.identity.adapters.vault import Vault
from services.identity.domain.delegation import ACTIONS, Kind, Terms, law_date, terms_problem
from services.identity.domain.sensitive import Sensitive
from services.identity.models import accounts, delegations, minors, parties

PERSONS_NUMBER = "111"


def offer_delegation(tx: Tx, vault: Vault, account_id: str, *, name: str, number: Sensitive, terms: Terms) -> str:
    """Offer to the person with this ``name`` and identity number, registered or not; the new delegation's id.

    Raises Refusal ``delegation_invalid``, or ``account_unknown`` for an account that acts for nobody.
    """
    if problem := terms_problem(terms, law_date(tx.now)):
        raise Refusal("delegation_invalid", problem)
    account = _account(tx, account_id)
    grantor = _party(tx, account.party_id)
    index = vault.keyed_hash(PERSONS_NUMBER, number)
    if index == grantor.code_index:
        raise Refusal("delegation_invalid", "不能委托给自己 / nobody can be their own representative")
    kind: Kind = "person" if grantor.kind == "person" else "agent"
    return _write(tx, kind, grantor.party_id, name=name, index=index, terms=terms, by=account_id, basis="")


def accept_delegation(tx: Tx, account_id: str, delegation_id: str) -> None:
    """Take it on. A repeat changes nothing. Raises Refusal ``delegation_unknown``, ``delegation_ended``, ``minor_alone``."""
    person = _party(tx, _account(tx, account_id).person_id)
    row = _locked(tx, delegation_id)
    if row is None or (row.grantee_index, row.grantee_name) != (person.code_index, person.name):
        raise _unknown(delegation_id)
    _require_not_ended(row, law_date(tx.now))
    require_of_age(tx, person.party_id)
    if row.accepted_at is None:
        _set(tx, delegation_id, accepted_at=tx.now, accepted_by=account_id, grantee_id=person.party_id)


def revoke_delegation(tx: Tx, account_id: str, delegation_id: str) -> None:
    """End it now, by either side. A repeat changes nothing.

    Raises Refusal ``delegation_unknown``; ``guardian_by_law`` for a guardianship, which only staff end.
    """
    account = _account(tx, account_id)
    person = _party(tx, account.person_id)
    row = _locked(tx, delegation_id)
    if row is None or (row.grantor_id != account.party_id and row.grantee_index != person.code_index):
        raise _unknown(delegation_id)
    if row.kind == "guardian":
        raise Refusal(
            "guardian_by_law", "监护关系由法律确定，请到窗口变更 / guardianship is the law's: ask at a counter"
        )
    end_delegation(tx, row, by=account_id)


def end_delegation(tx: Tx, row: Any, *, by: str) -> None:
    """Ended for good, if it was not."""
    if row.revoked_at is None:
        _set(tx, row.delegation_id, revoked_at=tx.now, revoked_by=by)


def enter_guardianship(tx: Tx, guardian_id: str, child_id: str, *, by: str, basis: str) -> str:
    """监护: the guardian of a minor under 14 acts for the child in everything until the birthday; the delegation's id.

    ``basis`` says what proves it. A guardianship that stands already is found. Raises Refusal ``delegation_invalid``.
    """
    until = tx.execute(sa.select(minors.c.until).where(minors.c.party_id == child_id)).scalar_one_or_none()
    today = law_date(tx.now)
    if until is None or until <= today:
        raise Refusal("delegation_invalid", "仅适用于未满十四周岁的未成年人 / only for minors under 14")
    guardian = _party(tx, guardian_id)
    d = delegations.c
    standing = sa.select(d.delegation_id).where(
        d.kind == "guardian", d.grantor_id == child_id, d.grantee_id == guardian_id, d.revoked_at.is_(None)
    )
    if known := tx.execute(standing.limit(1)).scalar_one_or_none():
        return str(known)
    terms = Terms(items=None, actions=ACTIONS, from_on=today, until_on=until - timedelta(days=1))
    row_id = _write(
        tx, "guardian", child_id, name=guardian.name, index=guardian.code_index, terms=terms, by=by, basis=basis
    )
    _set(tx, row_id, accepted_at=tx.now, accepted_by=by, grantee_id=guardian_id)
    return row_id


def require_of_age(tx: Tx, party_id: str) -> None:
    """Raises Refusal ``minor_alone``."""
    if is_minor(tx.connection, party_id, tx.now):
        raise Refusal("minor_alone", "未满十四周岁，须由监护人办理 / under 14: the guardian acts for the child")


def is_minor(connection: sa.Connection, party_id: str | None, now: datetime) -> bool:
    """Whether the person is under 14."""
    until = connection.execute(sa.select(minors.c.until).where(minors.c.party_id == party_id)).scalar_one_or_none()
    return until is not None and law_date(now) < until


def _write(tx: Tx, kind: Kind, grantor_id: str, *, name: str, index: str, terms: Terms, by: str, basis: str) -> str:
    delegation_id = str(uuid_utils.uuid7())
    row = {
        "delegation_id": delegation_id,
        "kind": kind,
        "grantor_id": grantor_id,
        "grantee_name": name,
        "grantee_index": index,
        "items": None if terms.items is None else list(terms.items),
        "actions": list(terms.actions),
        "from_on": terms.from_on,
        "until_on": terms.until_on,
        "basis": basis,
        "offered_at": tx.now,
        "offered_by": by,
    }
    tx.insert(delegations, [row])
    return delegation_id


def _locked(tx: Tx, delegation_id: str) -> Any | None:
    wanted = sa.select(delegations).where(delegations.c.delegation_id == delegation_id)
    return tx.execute(wanted.with_for_update()).one_or_none()


def _set(tx: Tx, delegation_id: str, **values: Any) -> None:
    tx.execute(sa.update(delegations).where(delegations.c.delegation_id == delegation_id).values(**values))


def _account(tx: Tx, account_id: str) -> Any:
    row = tx.execute(sa.select(accounts).where(accounts.c.account_id == account_id)).one_or_none()
    if row is None or row.person_id is None:
        raise Refusal("account_unknown", "没有这个个人账号 / there is no such account of a person")
    return row


def _party(tx: Tx, party_id: str) -> Any:
    return tx.execute(sa.select(parties).where(parties.c.party_id == party_id)).one()


def _require_not_ended(row: Any, today: date) -> None:
    if row.revoked_at is not None or row.until_on < today:
        raise Refusal("delegation_ended", "委托已撤销或到期 / the delegation was revoked or has run out")


def _unknown(delegation_id: str) -> Refusal:
    return Refusal("delegation_unknown", "没有这项委托 / there is no such delegation", delegation_id=delegation_id)
