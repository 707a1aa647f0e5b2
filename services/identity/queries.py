"""Reads."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.identity.adapters.key_ring import SealedKey
from services.identity.adapters.party_keys import key_of
from services.identity.adapters.vault import Vault
from services.identity.domain.factors import Factor
from services.identity.domain.key_schedule import KeyTimes
from services.identity.domain.oauth import origin_of
from services.identity.domain.sensitive import Sensitive
from services.identity.models import (
    accounts,
    clients,
    consents,
    contacts,
    db,
    departments,
    grants,
    message_deliveries,
    messages,
    outside_identities,
    party_keys,
    passkeys,
    recovery_codes,
    refresh_tokens,
    relying_parties,
    sessions,
    signing_keys,
    totp_secrets,
)


def list_departments() -> list[dict[str, Any]]:
    """Every department, by code: code, name, name_en, uscc."""
    columns = (departments.c.code, departments.c.name, departments.c.name_en, departments.c.uscc)
    with db.read() as connection:
        rows = connection.execute(sa.select(*columns).order_by(departments.c.code)).mappings()
        return [dict(row) for row in rows]


def find_account(username: str) -> Any | None:
    """The account's row, or None."""
    with db.read() as connection:
        return connection.execute(sa.select(accounts).where(accounts.c.username == username)).one_or_none()


def find_client(client_id: str) -> Any | None:
    """The client's row with its department's name as ``name``, or None."""
    joined = sa.join(clients, departments, clients.c.department == departments.c.code)
    query = sa.select(clients, departments.c.name).select_from(joined).where(clients.c.client_id == client_id)
    with db.read() as connection:
        return connection.execute(query).one_or_none()


def usernames() -> frozenset[str]:
    """Of every account."""
    with db.read() as connection:
        return frozenset(connection.execute(sa.select(accounts.c.username)).scalars())


def client_ids() -> frozenset[str]:
    """Of every client."""
    with db.read() as connection:
        return frozenset(connection.execute(sa.select(clients.c.client_id)).scalars())


def a_sealed_party() -> str | None:
    """Some party that has a key; None when there is none."""
    wanted = sa.select(party_keys.c.party_id).where(party_keys.c.wrapped.is_not(None)).limit(1)
    with db.read() as connection:
        found: str | None = connection.execute(wanted).scalar_one_or_none()
        return found


def contacts_of(vault: Vault, party_id: str) -> dict[str, Sensitive]:
    """``mobile`` and ``email`` that the party has proved to receive at: where messages may go. Empty for an erased party."""
    c = contacts.c
    proved = sa.select(c.kind, c.sealed).where(c.party_id == party_id, c.sealed.is_not(None))
    with db.read() as connection:
        rows = connection.execute(proved).fetchall()
        return {row.kind: key_of(connection, vault, party_id).open(row.kind, row.sealed) for row in rows}


# Second factors and sessions of an account


def account_of(account_id: str) -> Any | None:
    """The account's row, or None."""
    with db.read() as connection:
        return connection.execute(sa.select(accounts).where(accounts.c.account_id == account_id)).one_or_none()


def factors_of(account_id: str) -> frozenset[Factor]:
    """Second factors that the account can sign in with."""
    found: dict[Factor, sa.Select[Any]] = {
        "totp": sa.select(totp_secrets).where(
            totp_secrets.c.account_id == account_id, totp_secrets.c.sealed.is_not(None)
        ),
        "passkey": sa.select(passkeys).where(passkeys.c.account_id == account_id),
        "recovery": sa.select(recovery_codes).where(
            recovery_codes.c.account_id == account_id, recovery_codes.c.used_at.is_(None)
        ),
    }
    columns = [sa.exists(query.with_only_columns(sa.literal(1))).label(name) for name, query in found.items()]
    with db.read() as connection:
        row = connection.execute(sa.select(*columns)).one()._mapping
    return frozenset(name for name in found if row[name])


def totp_of(account_id: str) -> Any | None:
    """The account's row of TOTP, or None."""
    with db.read() as connection:
        return connection.execute(sa.select(totp_secrets).where(totp_secrets.c.account_id == account_id)).one_or_none()


def passkeys_of(account_id: str) -> list[Any]:
    """The account's passkeys, the oldest first."""
    query = sa.select(passkeys).where(passkeys.c.account_id == account_id).order_by(passkeys.c.passkey_id)
    with db.read() as connection:
        return list(connection.execute(query))


def recovery_codes_left(account_id: str) -> int:
    """How many recovery codes the account has not used."""
    table = recovery_codes
    query = sa.select(sa.func.count()).where(table.c.account_id == account_id, table.c.used_at.is_(None))
    with db.read() as connection:
        return int(connection.execute(query).scalar_one())


def open_sessions(account_id: str) -> list[Any]:
    """The account's sessions that were not ended, last used first; ``client`` and ``client_en`` name the relying party."""
    table = sessions
    joined = sa.outerjoin(table, relying_parties, table.c.client_id == relying_parties.c.client_id)
    names = (relying_parties.c.name.label("client"), relying_parties.c.name_en.label("client_en"))
    query = sa.select(table, *names).select_from(joined)
    mine = query.where(table.c.account_id == account_id, table.c.ended_at.is_(None))
    with db.read() as connection:
        return list(connection.execute(mine.order_by(table.c.last_seen.desc(), table.c.session_id)))


# The OpenID provider


def signing_key_rows() -> list[SealedKey]:
    """Every signing key, those that are gone included."""
    table = signing_keys
    columns = (
        table.c.key_id,
        table.c.signs_from,
        table.c.verifies_until,
        table.c.revoked_at,
        table.c.private_sealed,
    )
    with db.read() as connection:
        return [SealedKey(KeyTimes(*row[:4]), row[4]) for row in connection.execute(sa.select(*columns))]


def find_relying_party(client_id: str) -> Any | None:
    """The row of a website or program that people sign in to, or None."""
    query = sa.select(relying_parties).where(relying_parties.c.client_id == client_id)
    with db.read() as connection:
        return connection.execute(query).one_or_none()


def origins_of_clients() -> dict[str, list[str]]:
    """Origin -> ids of the clients that come back to an address there, in order."""
    query = sa.select(relying_parties.c.client_id, relying_parties.c.redirect_uris)
    found: dict[str, set[str]] = {}
    with db.read() as connection:
        for client_id, addresses in connection.execute(query):
            for origin in filter(None, map(origin_of, addresses)):
                found.setdefault(origin, set()).add(client_id)
    return {origin: sorted(found[origin]) for origin in sorted(found)}


def list_relying_parties() -> list[dict[str, Any]]:
    """Every website and program, by id, without secrets and keys."""
    table = relying_parties
    hidden = {"secret_hash", "jwks", "scope"}
    columns = [column for column in table.c if column.name not in hidden]
    with db.read() as connection:
        rows = connection.execute(sa.select(*columns, table.c.scope).order_by(table.c.client_id)).mappings()
        return [dict(row) | {"scope": row["scope"].split()} for row in rows]


def find_session(cookie_hash: str) -> Any | None:
    """The session of a cookie with ``kind``, ``name`` and ``username`` of its account, or None."""
    return _session(sessions.c.cookie_hash == cookie_hash)


def session_of(session_id: str) -> Any | None:
    """Like ``find_session``, by the session's id."""
    return _session(sessions.c.session_id == session_id)


def outside_identities_of(account_id: str) -> list[Any]:
    """Rows of the account's links to outside providers, by provider."""
    table = outside_identities
    with db.read() as connection:
        mine = sa.select(table).where(table.c.account_id == account_id).order_by(table.c.provider)
        return list(connection.execute(mine))


def ended_since(since: datetime) -> list[str]:
    """Ids of the sessions that have ended since, and of grants that have although their session goes on."""
    going_on = sa.join(grants, sessions, sessions.c.session_id == grants.c.session_id)
    own_end = sa.and_(grants.c.ended_at >= since, sessions.c.ended_at.is_(None))
    with db.read() as connection:
        ended = connection.execute(sa.select(sessions.c.session_id).where(sessions.c.ended_at >= since)).scalars().all()
        single = connection.execute(sa.select(grants.c.grant_id).select_from(going_on).where(own_end)).scalars().all()
    return [*ended, *single]


def grant_of(grant_id: str) -> Any | None:
    """The grant's row, or None."""
    with db.read() as connection:
        return connection.execute(sa.select(grants).where(grants.c.grant_id == grant_id)).one_or_none()


def grant_of_refresh_token(token_hash: str) -> Any | None:
    """The grant that a refresh token belongs to, with the token's ``issued_at`` and ``used_at``; None when it is unknown."""
    joined = sa.join(refresh_tokens, grants, refresh_tokens.c.grant_id == grants.c.grant_id)
    query = (
        sa.select(grants, refresh_tokens.c.issued_at, refresh_tokens.c.used_at)
        .select_from(joined)
        .where(refresh_tokens.c.token_hash == token_hash)
    )
    with db.read() as connection:
        return connection.execute(query).one_or_none()


def consented(account_id: str, client_id: str) -> frozenset[str]:
    """Scopes that the account lets the client have."""
    query = sa.select(consents.c.scope).where(consents.c.account_id == account_id, consents.c.client_id == client_id)
    with db.read() as connection:
        return frozenset(connection.execute(query).scalars())


def list_consents(account_id: str) -> list[dict[str, Any]]:
    """What the account lets third parties have: client_id, name, name_en, scope, given_at; a row for every scope."""
    joined = sa.join(consents, relying_parties, consents.c.client_id == relying_parties.c.client_id)
    party = relying_parties
    columns = (consents.c.client_id, party.c.name, party.c.name_en, consents.c.scope, consents.c.given_at)
    query = sa.select(*columns).select_from(joined).where(consents.c.account_id == account_id)
    with db.read() as connection:
        rows = connection.execute(query.order_by(consents.c.client_id, consents.c.scope)).mappings()
        return [dict(row) for row in rows]


def _session(condition: sa.ColumnElement[bool]) -> Any | None:
    joined = sa.join(sessions, accounts, sessions.c.account_id == accounts.c.account_id)
    query = sa.select(sessions, accounts.c.kind, accounts.c.name, accounts.c.username).select_from(joined)
    query = query.where(
        accounts.c.state == "active"
    )  # a sign-in under way when the account was suspended opens nothing
    with db.read() as connection:
        return connection.execute(query.where(condition)).one_or_none()


# Messages


def messages_of(own: sa.ColumnElement[bool], *, limit: int, before: str | None) -> list[tuple[Any, list[Any]]]:
    """Messages among ``own``, newest first, each with its deliveries; those before message id ``before`` if given."""
    newest = sa.select(messages).where(own).order_by(messages.c.message_id.desc()).limit(limit)
    if before is not None:
        newest = newest.where(messages.c.message_id < before)
    with db.read() as connection:
        rows = list(connection.execute(newest))
        d = message_deliveries.c
        ids = [row.message_id for row in rows]
        sent = connection.execute(sa.select(message_deliveries).where(d.message_id.in_(ids)).order_by(d.channel)).all()
    return [(row, [one for one in sent if one.message_id == row.message_id]) for row in rows]


def unread_messages(own: sa.ColumnElement[bool]) -> int:
    """How many of ``own`` were not read."""
    query = sa.select(sa.func.count()).select_from(messages).where(own, messages.c.read_at.is_(None))
    with db.read() as connection:
        return int(connection.execute(query).scalar_one())
