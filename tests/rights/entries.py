"""What the matrix has to know of each route beside its scope: which object of the owner it is asked about, and with what body.

A route without an entry fails the matrix. ``Entry.facts`` are the object's fields in the words of contracts/rights.py; None
where the route speaks of nobody's object but the caller's own (a list, a new thing, an account), so that the role alone decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.rights.world import NOBODY, Things

Facts = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Entry:
    """``body`` and ``query`` are what an allowed caller would send; ``last``: it changes what others are asked about;
    ``own_row``: the answer is 404 for a caller who is not in the directory.
    """

    facts: Callable[[Things, str], Facts] | None = None
    body: Callable[[Things], Any] = lambda _things: {}
    query: Callable[[Things], str] = lambda _things: ""
    last: bool = False
    own_row: bool = False


def _set(*values: str) -> frozenset[str]:
    return frozenset(values)


def _mine(things: Things, party: str) -> Facts:
    return {"party": _set(party), "item": _set(things.item_code)}


def _open_case(things: Things, party: str) -> Facts:
    return {**_mine(things, party), "departments": _set("education")}


def _ended_case(things: Things, party: str) -> Facts:
    return {**_mine(things, party), "stage": _set("ended")}


def _task(_things: Things, _party: str) -> Facts:
    return {"department": _set("education"), "stage": _set("open"), "examiners": _set()}


def _material(things: Things, party: str) -> Facts:
    return {**_mine(things, party), "departments": _set("education", "police", "transport", "county_government")}


def _kind(kind: str) -> Callable[[Things, str], Facts]:
    return lambda _things, _party: {"kind": _set(kind)}


ROLE_ONLY = Entry()
SAVED = {"form": {}, "materials": {}, "step": "form", "version": 99}
PLAIN_ACCOUNT = {"username": "somebody-new", "password": "Correct-Horse-7-Battery", "name": "某某"}

IDS: dict[str, Callable[[Things, str], str]] = {
    "draft_id": lambda things, _: things.draft,
    "task_id": lambda things, _: things.task,
    "material_id": lambda things, _: things.material,
    "licence_no": lambda things, _: things.licence,
    "item_code": lambda things, _: things.item_code,
    "version": lambda _things, _: "1",
    "party_id": lambda _things, party: party,
    "message_id": lambda things, _: things.message,
    "delegation_id": lambda things, _: things.delegation,
}
"""Values of path parameters; ``case_no`` is the open case, or the ended one where the entry speaks of an ended one."""

ENTRIES: dict[str, Entry] = {
    # workflow
    "POST /api/v1/drafts": Entry(body=lambda t: {"item_code": t.item_code}),
    "GET /api/v1/drafts": ROLE_ONLY,
    "GET /api/v1/drafts/{draft_id}": Entry(_mine),
    "PUT /api/v1/drafts/{draft_id}": Entry(_mine, body=lambda _t: SAVED),
    "DELETE /api/v1/drafts/{draft_id}": Entry(_mine, last=True),
    "POST /api/v1/cases": ROLE_ONLY,
    "GET /api/v1/cases": ROLE_ONLY,
    "GET /api/v1/cases/{case_no}": Entry(_open_case),
    "GET /api/v1/cases/{case_no}/events": Entry(_open_case),
    "POST /api/v1/cases/{case_no}/withdrawal": Entry(_mine, body=lambda _t: {"reason": "x"}, last=True),
    "POST /api/v1/cases/{case_no}/corrections": Entry(_mine, body=lambda t: {"materials": [t.receipt]}),
    "GET /api/v1/tasks": ROLE_ONLY,
    "GET /api/v1/tasks/{task_id}": Entry(_task),
    "POST /api/v1/tasks/{task_id}/receipt": Entry(_task),
    "POST /api/v1/tasks/{task_id}/opinion": Entry(_task, body=lambda _t: {"verdict": "agree"}, last=True),
    # documents
    "POST /api/v1/materials": Entry(query=lambda t: f"?item_code={t.item_code}&material_code=application"),
    "GET /api/v1/materials/{material_id}": Entry(_material),
    "GET /api/v1/licences": ROLE_ONLY,
    "GET /api/v1/licences/{licence_no}/pdf": Entry(_mine),
    # audit
    "GET /api/v1/trails/{case_no}": Entry(_open_case),
    "GET /api/v1/cards": ROLE_ONLY,
    "POST /api/v1/ratings": Entry(_ended_case, body=lambda t: {"case_no": t.ended_case, "level": 1}),
    "GET /api/v1/ratings/{case_no}": Entry(_ended_case),
    "GET /api/v1/board": ROLE_ONLY,
    "GET /api/v1/journal": ROLE_ONLY,
    "GET /api/v1/exchange": ROLE_ONLY,
    "GET /api/v1/exchange/{connector}/batches": ROLE_ONLY,
    # catalog
    "POST /api/v1/items": ROLE_ONLY,
    "POST /api/v1/items/{item_code}/retirement": ROLE_ONLY,
    # the directory, accounts, keys
    "POST /api/v1/departments": ROLE_ONLY,
    "POST /api/v1/parties": ROLE_ONLY,
    "POST /api/v1/accounts": Entry(
        _kind("supervisor"), body=lambda _t: PLAIN_ACCOUNT | {"kind": "supervisor"}, last=True
    ),
    "POST /api/v1/clients": ROLE_ONLY,
    "POST /api/v1/accounts/{account_id}/posts": ROLE_ONLY,
    "GET /api/v1/accounts/{account_id}/posts": ROLE_ONLY,
    "GET /api/v1/relying-parties": ROLE_ONLY,
    "POST /api/v1/relying-parties": ROLE_ONLY,
    "POST /api/v1/relying-parties/{client_id}/removal": ROLE_ONLY,
    "GET /api/v1/signing-keys": ROLE_ONLY,
    "POST /api/v1/signing-keys": Entry(last=True),
    "POST /api/v1/signing-keys/{key_id}/revocation": ROLE_ONLY,
    "POST /api/v1/accounts/{account_id}/reset": ROLE_ONLY,
    "GET /api/v1/data-requests": ROLE_ONLY,
    "POST /api/v1/data-requests/{request_id}/decision": ROLE_ONLY,
    # identity: one's own account
    "GET /api/v1/account/consents": ROLE_ONLY,
    "POST /api/v1/account/consents/{client_id}/withdrawal": ROLE_ONLY,
    "GET /api/v1/account/factors": ROLE_ONLY,
    "PUT /api/v1/account/totp": ROLE_ONLY,
    "POST /api/v1/account/totp/confirmation": ROLE_ONLY,
    "POST /api/v1/account/totp/removal": ROLE_ONLY,
    "POST /api/v1/account/passkeys/options": ROLE_ONLY,
    "POST /api/v1/account/passkeys": ROLE_ONLY,
    "PUT /api/v1/account/passkeys/{passkey_id}": ROLE_ONLY,
    "POST /api/v1/account/passkeys/{passkey_id}/removal": ROLE_ONLY,
    "PUT /api/v1/account/recovery-codes": ROLE_ONLY,
    "GET /api/v1/account/password": Entry(own_row=True),
    "POST /api/v1/account/password": ROLE_ONLY,
    "GET /api/v1/account/sessions": ROLE_ONLY,
    "POST /api/v1/account/sessions/{session_id}/end": ROLE_ONLY,
    "POST /api/v1/account/sessions/end-others": ROLE_ONLY,
    # identity: messages, assurance, delegation, personal data
    "GET /api/v1/messages": ROLE_ONLY,
    "POST /api/v1/messages/{message_id}/read": Entry(lambda _t, party: {"party": _set(party), "department": _set()}),
    "GET /api/v1/message-preferences": ROLE_ONLY,
    "PUT /api/v1/message-preferences": ROLE_ONLY,
    "POST /api/v1/my/verifications": ROLE_ONLY,
    "POST /api/v1/accounts/{account_id}/verifications": ROLE_ONLY,
    "POST /api/v1/my/children": ROLE_ONLY,
    "POST /api/v1/guardianships": ROLE_ONLY,
    "GET /api/v1/delegations": ROLE_ONLY,
    "POST /api/v1/delegations": ROLE_ONLY,
    "POST /api/v1/delegations/{delegation_id}/acceptance": Entry(lambda _t, _party: {"party": _set("not here")}),
    "POST /api/v1/delegations/{delegation_id}/revocation": Entry(lambda _t, party: {"party": _set(party)}, last=True),
    "POST /api/v1/tokens/representation": ROLE_ONLY,
    "GET /api/v1/parties/{party_id}": ROLE_ONLY,
    "POST /api/v1/parties/{party_id}/reveals": ROLE_ONLY,
    "GET /api/v1/my/disclosures": ROLE_ONLY,
    "GET /api/v1/my/data": ROLE_ONLY,
    "GET /api/v1/my/contacts": ROLE_ONLY,
    "PUT /api/v1/my/contacts/{kind}": ROLE_ONLY,
    "DELETE /api/v1/my/contacts/{kind}": ROLE_ONLY,
    "POST /api/v1/my/contacts/{kind}/confirmation": ROLE_ONLY,
    "GET /api/v1/my/data-requests": ROLE_ONLY,
    "POST /api/v1/my/data-requests": ROLE_ONLY,
}


def path_of(key: str, path: str, things: Things, party: str) -> str:
    """The path with the owner's things in it."""
    entry = ENTRIES[key]
    ended = entry.facts is _ended_case
    values = {name: value(things, party) for name, value in IDS.items()}
    values |= {"case_no": things.ended_case if ended else things.open_case, "kind": "phone"}
    for name in path.split("{")[1:]:
        values.setdefault(name.partition("}")[0], NOBODY)
    return path.format(**values) + entry.query(things)
