"""外部身份登录: a browser goes to an outside provider and comes back once; whom it brings is matched with an account here.

Two are one person when both sides prove it: somebody who came from outside signs in here as well, or name and identity number
are the same and well verified on both sides. An equal name, e-mail address or telephone number proves nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from chassis.db import Tx
from chassis.errors import Refusal
from services.identity.adapters.numbers import identity_number
from services.identity.adapters.outside_client import Secrets
from services.identity.adapters.passwords import NO_PASSWORD
from services.identity.adapters.vault import Vault
from services.identity.domain.directory import Account, Party
from services.identity.domain.outside import (
    FLOW_LIFE,
    OutsidePerson,
    OutsideProvider,
    ProvenBy,
    may_open,
    number_proves,
)
from services.identity.domain.sensitive import Sensitive
from services.identity.models import accounts, outside_flows, outside_identities, parties, sessions
from services.identity.use_cases.end_sessions import end_sessions_where
from services.identity.use_cases.open_account import add_account
from services.identity.use_cases.register_party import find_or_add_party
from services.identity.use_cases.removal import lock_account
from services.identity.use_cases.tell_owner import tell_owner


def begin_flow(
    tx: Tx, vault: Vault, *, provider: str, browser: str, asked: Mapping[str, Any], now: datetime
) -> Secrets:
    """Remember what the browser was asked for until it comes back with ``state``."""
    state = secrets.token_urlsafe(32)
    row = {
        "state_hash": _state_hash(vault, state),
        "provider": provider,
        "browser_hash": _browser_hash(vault, browser),
        "asked": dict(asked),
        "begun_at": now,
    }
    tx.insert(outside_flows, [row])
    return secrets_of(vault, state)


def take_flow(
    tx: Tx, vault: Vault, *, provider: str, browser: str | None, state: str, now: datetime
) -> dict[str, Any] | None:
    """What this browser was asked for, once; None when it began no such sign-in at this provider, or too long ago."""
    table = outside_flows
    mine = sa.and_(
        table.c.state_hash == _state_hash(vault, state),
        table.c.provider == provider,
        table.c.browser_hash == _browser_hash(vault, browser or ""),
    )
    row = tx.execute(sa.select(table).where(mine).with_for_update()).one_or_none()
    if row is None or not tx.execute(sa.delete(table).where(mine)).rowcount or now - row.begun_at >= FLOW_LIFE:
        return None
    asked: dict[str, Any] = row.asked
    return asked


def secrets_of(vault: Vault, state: str) -> Secrets:
    """Nonce and verifier follow from the state, for us alone."""
    return Secrets(
        state=state,
        nonce=vault.keyed_hash("outside_nonce", Sensitive(state)),
        verifier=vault.keyed_hash("outside_verifier", Sensitive(state)),
    )


def find_account(tx: Tx, vault: Vault, provider: OutsideProvider, person: OutsidePerson, now: datetime) -> str | None:
    """The account of somebody who came from outside; linked or opened just now if that is proven. None: nobody knows yet."""
    if (known := _linked(tx, person.provider, person.subject, now)) is not None:
        return known
    number = _number(tx, person)
    if number is None:
        return None
    found = _accounts_of_number(tx, vault, number, person)
    if len(found) == 1:
        [account] = found
        return _link_if_proven(tx, person, account, now)
    if found or not may_open(provider, person):
        return None
    return _open(tx, vault, person, number, now)


def link(tx: Tx, provider: str, subject: str, account_id: str, *, proven_by: ProvenBy, now: datetime) -> None:
    """From now on they are one. Raises Refusal ``outside_identity_taken`` when either is somebody else's already, or
    ``outside_not_for_staff``.
    """
    kind = tx.execute(sa.select(accounts.c.kind).where(accounts.c.account_id == account_id)).scalar_one()
    if kind != "person":
        raise Refusal(
            "outside_not_for_staff", "工作人员账号不能关联外部身份 / accounts of staff are linked to nobody outside"
        )
    row = {
        "provider": provider,
        "subject": subject,
        "account_id": account_id,
        "proven_by": proven_by,
        "linked_at": now,
        "used_at": now,
    }
    if tx.insert_new(outside_identities, [row], [outside_identities.c.account_id]):
        if proven_by != "opened":
            tell_owner(tx, account_id, f"已关联外部身份（{provider}） / an outside identity was linked ({provider})")
        return
    if _linked(tx, provider, subject, now) != account_id:
        raise Refusal(
            "outside_identity_taken",
            "该外部身份或该账号已有关联 / this identity or this account is linked to another already",
        )


def unlink(tx: Tx, account_id: str, provider: str, now: datetime) -> None:
    """Nobody comes in that way any more, and who has is out. Raises Refusal ``outside_identity_unknown``,
    ``account_unknown``, or ``only_way_in`` when the account has no other.
    """
    table = outside_identities
    mine = sa.and_(table.c.account_id == account_id, table.c.provider == provider)
    account = lock_account(tx, account_id)
    links = tx.execute(sa.select(table.c.provider).where(table.c.account_id == account_id)).scalars().all()
    if provider not in links:
        raise Refusal("outside_identity_unknown", "没有这项关联 / there is no such link", provider=provider)
    if account.password_hash == NO_PASSWORD and len(links) == 1:
        raise Refusal(
            "only_way_in", "这是该账号唯一的登录方式 / the account has no other way to sign in", provider=provider
        )
    tx.execute(sa.delete(table).where(mine))
    tell_owner(tx, account_id, f"已解除外部身份关联（{provider}） / an outside identity was unlinked ({provider})")
    end_sessions_where(tx, sa.and_(sessions.c.account_id == account_id, sessions.c.outside == provider), now)


def _linked(tx: Tx, provider: str, subject: str, now: datetime) -> str | None:
    table = outside_identities
    mine = sa.and_(table.c.provider == provider, table.c.subject == subject)
    found = tx.execute(sa.select(table.c.account_id).where(mine)).scalar_one_or_none()
    if found is not None:
        tx.execute(sa.update(table).where(mine).values(used_at=now))
    return found


def _number(tx: Tx, person: OutsidePerson) -> Sensitive | None:
    """The identity number in normal form, if one was said and it is one."""
    if not person.number or not person.name:
        return None
    try:
        return identity_number(Sensitive(person.number), tx.now)
    except Refusal:
        return None


def _accounts_of_number(tx: Tx, vault: Vault, number: Sensitive, person: OutsidePerson) -> list[Any]:
    """Accounts in which the person of this number, whatever the name, acts for themselves."""
    index = vault.keyed_hash(Party(kind="person", name=person.name, number=number).code_type, number)
    joined = sa.join(accounts, parties, accounts.c.person_id == parties.c.party_id)
    own = sa.and_(parties.c.code_index == index, accounts.c.party_id == accounts.c.person_id)
    columns = (accounts.c.account_id, accounts.c.level, parties.c.name)
    return list(tx.execute(sa.select(*columns).select_from(joined).where(own)))


def _link_if_proven(tx: Tx, person: OutsidePerson, account: Any, now: datetime) -> str | None:
    if account.name != person.name or not number_proves(person, account.level):
        return None
    try:
        link(tx, person.provider, person.subject, account.account_id, proven_by="number", now=now)
    except Refusal:
        return None
    return str(account.account_id)


def _open(tx: Tx, vault: Vault, person: OutsidePerson, number: Sensitive, now: datetime) -> str | None:
    """An account without a password for somebody who has none; None when the number is registered under another name."""
    party_id, _ = find_or_add_party(tx, vault, Party(kind="person", name=person.name, number=number))
    name = tx.execute(sa.select(parties.c.name).where(parties.c.party_id == party_id)).scalar_one()
    if name != person.name:
        return None
    account = Account(username=f"outside-{secrets.token_hex(12)}", kind="person", person_id=party_id)
    by = f"outside:{person.provider}"
    account_id = add_account(tx, account, NO_PASSWORD, password_set_at=now, temporary=False, by=by)
    if account_id is None:
        return None
    tx.execute(sa.update(accounts).where(accounts.c.account_id == account_id).values(level=person.level))
    link(tx, person.provider, person.subject, account_id, proven_by="opened", now=now)
    return account_id


def _state_hash(vault: Vault, state: str) -> str:
    return vault.keyed_hash("outside_state", Sensitive(state))


def _browser_hash(vault: Vault, browser: str) -> str:
    return vault.keyed_hash("outside_browser", Sensitive(browser))
