"""Reads about people: posts, delegations, who saw what, contacts, requests, and all that we hold of one party."""

from __future__ import annotations

from datetime import date
from typing import Any, get_args

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chassis import clock
from chassis.errors import Refusal
from contracts.person import HolderCodeType
from services.identity.adapters.party_keys import key_of, number_of
from services.identity.adapters.vault import Vault
from services.identity.domain.delegation import law_date
from services.identity.domain.masking import masked_name, masked_number
from services.identity.domain.personal_data import DETAILS
from services.identity.domain.sensitive import Sensitive
from services.identity.models import (
    accounts,
    contacts,
    data_requests,
    db,
    delegations,
    disclosures,
    parties,
    posts,
    verifications,
)


def posts_of(account_id: str) -> list[dict[str, Any]]:
    """Every post of an account, the newest first."""
    p = posts.c
    wanted = sa.select(p.code, p.name, p.department, p.from_on, p.until_on).where(p.account_id == account_id)
    with db.read() as connection:
        return [dict(row) for row in connection.execute(wanted.order_by(p.from_on.desc(), p.code)).mappings()]


def own_assurance(account_id: str) -> dict[str, Any]:
    """The level of an account of a person, and the questions that made it. Raises Refusal ``account_unknown``."""
    v = verifications.c
    wanted = sa.select(v.register, v.asked, v.answer, v.purpose, v.level_after, v.asked_at)
    with db.read() as connection:
        row = connection.execute(sa.select(accounts).where(accounts.c.account_id == account_id)).one_or_none()
        if row is None or row.person_id is None:
            raise Refusal("account_unknown", "没有这个个人账号 / there is no such account of a person")
        asked = _rows(connection, wanted.where(v.account_id == account_id).order_by(v.verification_id.desc()).limit(50))
    return {"level": row.level, "organisation": row.party_id != row.person_id, "verifications": asked}


def own_contacts(vault: Vault, party_id: str) -> list[dict[str, Any]]:
    """As their owner sees them: in full, with what waits for a code."""
    with db.read() as connection:
        return _contacts(connection, vault, party_id)


def masked_party(vault: Vault, party_id: str) -> dict[str, str]:
    """A party for staff who have given no reason. Raises Refusal ``party_unknown``, ``party_erased``."""
    with db.read() as connection:
        number = number_of(connection, vault, party_id).reveal()
        row = connection.execute(sa.select(parties).where(parties.c.party_id == party_id)).one()
    person = row.kind == "person"
    return {
        "party_id": party_id,
        "kind": row.kind,
        "name": masked_name(row.name) if person else row.name,
        "number": masked_number(number) if person else number,
    }


def party_named(vault: Vault, name: str, number: Sensitive) -> dict[str, str]:
    """The party with this name and number, masked. Raises Refusal ``party_not_matched``."""
    written = Sensitive("".join(number.reveal().split()).upper())
    indexes = [vault.keyed_hash(code_type, written) for code_type in get_args(HolderCodeType)]
    wanted = sa.select(parties.c.party_id).where(parties.c.code_index.in_(indexes), parties.c.name == name.strip())
    with db.read() as connection:
        party_id = connection.execute(wanted).scalar_one_or_none()
    if party_id is None:
        raise Refusal(
            "party_not_matched", "没有与姓名和号码都相符的当事人 / nobody is registered with this name and number"
        )
    return masked_party(vault, party_id)


def delegations_of(account_id: str) -> dict[str, list[dict[str, Any]]]:
    """``given`` by the party that the account acts for, ``received`` by its person; the newest first."""
    today = law_date(clock.now())
    with db.read() as connection:
        account = connection.execute(sa.select(accounts).where(accounts.c.account_id == account_id)).one()
        person = connection.execute(sa.select(parties).where(parties.c.party_id == account.person_id)).one()
        d = delegations.c
        mine = sa.and_(d.grantee_index == person.code_index, d.grantee_name == person.name)
        return {
            "given": _delegations(connection, d.grantor_id == account.party_id, today),
            "received": _delegations(connection, mine, today),
        }


def delegation_state(row: Any, today: date) -> str:
    """revoked, ended, offered, not_yet or in_force."""
    if row.revoked_at is not None:
        return "revoked"
    if row.until_on < today:
        return "ended"
    if row.accepted_at is None:
        return "offered"
    return "in_force" if row.from_on <= today else "not_yet"


def disclosures_of(party_id: str) -> list[dict[str, Any]]:
    """谁看过我的信息, the newest first, at most 200."""
    with db.read() as connection:
        return _disclosures(connection, party_id)


def requests_of(vault: Vault, party_id: str) -> list[dict[str, Any]]:
    """A party's requests, the newest first."""
    r = data_requests.c
    wanted = sa.select(data_requests).where(r.party_id == party_id).order_by(r.asked_at.desc())
    with db.read() as connection:
        return [_request(connection, vault, row) for row in connection.execute(wanted).fetchall()]


def open_requests(vault: Vault, limit: int) -> list[dict[str, Any]]:
    """Requests that wait for a decision, those due first before the others."""
    r = data_requests.c
    waiting = sa.select(data_requests).where(r.state == "open").order_by(r.due_on, r.request_id).limit(limit)
    with db.read() as connection:
        return [_request(connection, vault, row) for row in connection.execute(waiting).fetchall()]


def own_data(vault: Vault, party_id: str) -> dict[str, Any]:
    """查阅、复制 (个人信息保护法 §45): everything that this service holds of a party, as JSON."""
    with db.read() as connection:
        party = connection.execute(sa.select(parties).where(parties.c.party_id == party_id)).one()
        number = number_of(connection, vault, party_id).reveal()
        a, v, d = accounts.c, verifications.c, delegations.c
        held = sa.select(a.account_id, a.username, a.kind, a.level, a.opened_at)
        asked = sa.select(v.register, v.asked, v.purpose, v.answer, v.level_before, v.level_after, v.asked_at)
        return {
            "party": {
                "party_id": party_id,
                "kind": party.kind,
                "name": party.name,
                "number": number,
                "registered_at": party.registered_at,
            },
            "accounts": _rows(connection, held.where(sa.or_(a.person_id == party_id, a.party_id == party_id))),
            "contacts": _contacts(connection, vault, party_id),
            "verifications": _rows(connection, asked.where(v.party_id == party_id).order_by(v.asked_at)),
            "delegations": _delegations(
                connection, sa.or_(d.grantor_id == party_id, d.grantee_id == party_id), law_date(clock.now())
            ),
            "disclosures": _disclosures(connection, party_id),
            "requests": [
                _request(connection, vault, row)
                for row in connection.execute(
                    sa.select(data_requests).where(data_requests.c.party_id == party_id)
                ).fetchall()
            ],
        }


def _rows(connection: Connection, query: sa.Select[Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(query).mappings()]


def _contacts(connection: Connection, vault: Vault, party_id: str) -> list[dict[str, Any]]:
    c = contacts.c
    rows = connection.execute(sa.select(contacts).where(c.party_id == party_id).order_by(c.kind)).fetchall()
    if not rows:
        return []
    key = key_of(connection, vault, party_id)
    return [
        {
            "kind": row.kind,
            "address": None if row.sealed is None else key.open(row.kind, row.sealed).reveal(),
            "verified_at": row.verified_at,
            "pending": None if row.pending is None else key.open(row.kind, row.pending).reveal(),
        }
        for row in rows
    ]


def _delegations(connection: Connection, mine: sa.ColumnElement[bool], today: date) -> list[dict[str, Any]]:
    joined = delegations.join(parties, parties.c.party_id == delegations.c.grantor_id)
    wanted = sa.select(delegations, parties.c.name.label("grantor_name")).select_from(joined).where(mine)
    rows = connection.execute(wanted.order_by(delegations.c.delegation_id.desc()).limit(200)).fetchall()
    shown = (
        "delegation_id", "kind", "grantor_id", "grantor_name", "grantee_name", "items", "actions", "from_on", "until_on",
        "basis", "offered_at", "accepted_at", "revoked_at",
    )  # fmt: skip
    return [{name: getattr(row, name) for name in shown} | {"state": delegation_state(row, today)} for row in rows]


def _disclosures(connection: Connection, party_id: str) -> list[dict[str, Any]]:
    d = disclosures.c
    wanted = sa.select(d.field, d.seen_by_name, d.department, d.reason, d.seen_at).where(d.party_id == party_id)
    return _rows(connection, wanted.order_by(d.disclosure_id.desc()).limit(200))


def _request(connection: Connection, vault: Vault, row: Any) -> dict[str, Any]:
    try:
        details = key_of(connection, vault, row.party_id).open(DETAILS, row.details_sealed).reveal()
    except Refusal:
        details = None  # the party is erased, and what it wrote with it
    return {
        "request_id": row.request_id,
        "party_id": row.party_id,
        "kind": row.kind,
        "details": details,
        "state": row.state,
        "asked_at": row.asked_at,
        "due_on": row.due_on.isoformat(),
        "overdue": row.state == "open" and row.due_on < law_date(clock.now()),
        "reason": row.reason,
        "decided_at": row.decided_at,
    }
