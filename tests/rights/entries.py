"""What the matrix has to know of each route beside its scope: which object of the owner it is asked about, and with what body.

A route without an entry fails the matrix. ``Entry.facts`` are the object's fields in the words of contracts/rights.py; None
where the route speaks of nobody's object but the caller's own (a list, a new thing, an account), so that the role alone decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chassis import clock
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


def _bundle(things: Things, party: str) -> Facts:
    return {**_mine(things, party), **_led(things, party)}


def _slots(things: Things) -> Any:
    day = (clock.now() + timedelta(days=20)).date().isoformat()
    hours = [{"opens": "09:00", "closes": "10:00"}]
    span = {"from_on": day, "until_on": day, "extra_days": [day], "hours": hours, "minutes": 30, "capacity": 1}
    return {"item_code": things.item_code, "venue": "x"} | span


def _led(_things: Things, _party: str) -> Facts:
    return {"lead": _set("education")}


def _item_draft(_things: Things, _party: str) -> Facts:
    return {"department": _set("education"), "authors": _set("author-education")}


def _written(things: Things) -> Any:
    return {"definition": {"item_code": things.item_code, "name": "校车使用许可", "lead_department": "education"}}


def _material(things: Things, party: str) -> Facts:
    return {**_mine(things, party), "departments": _set("education", "police", "transport", "county_government")}


def _kind(kind: str) -> Callable[[Things, str], Facts]:
    return lambda _things, _party: {"kind": _set(kind)}


def _app(_things: Things, party: str) -> Facts:
    return {"party": _set(party)}


ROLE_ONLY = Entry()
COUNTER = {"item_version": 99, "form": {}, "materials": [], "applicant_id": NOBODY, "applicant_name": "x"}
SAVED = {"form": {}, "materials": {}, "step": "form", "version": 99}
GRANT = {"datasets": ["items"], "scope": [], "per_minute": 60, "per_day": 1000}
BECAUSE = {"reason": "理由"}
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
    "item_draft_id": lambda things, _: things.item_draft,
    "app_id": lambda things, _: things.app,
    "bundle_no": lambda things, _: things.bundle,
    "slot_id": lambda things, _: things.slot,
    "appointment_id": lambda things, _: things.appointment,
    "key_id": lambda things, _: things.api_key,
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
    "GET /api/v1/cases/export": ROLE_ONLY,
    "GET /api/v1/worklist": ROLE_ONLY,
    "GET /api/v1/worklist/counts": ROLE_ONLY,
    "GET /api/v1/worklist/export": ROLE_ONLY,
    "GET /api/v1/cases/{case_no}": Entry(_open_case),
    "GET /api/v1/cases/{case_no}/events": Entry(_open_case),
    "POST /api/v1/cases/{case_no}/withdrawal": Entry(_mine, body=lambda _t: {"reason": "x"}, last=True),
    "POST /api/v1/cases/{case_no}/corrections": Entry(_mine, body=lambda t: {"materials": [t.receipt]}),
    "POST /api/v1/cases/{case_no}/supplements": Entry(_mine, body=lambda t: {"materials": [t.receipt]}),
    "POST /api/v1/cases/intake": Entry(body=lambda t: COUNTER | {"item_code": t.item_code, "applicant_id": t.party}),
    "POST /api/v1/packages/{package_code}/cases": Entry(body=lambda _t: {"form": {}, "materials": []}),
    "POST /api/v1/packages/{package_code}/cases/intake": Entry(
        body=lambda t: {"form": {}, "materials": [], "applicant_id": t.party, "applicant_name": "x"}
    ),
    "POST /api/v1/packages/{package_code}/drafts": ROLE_ONLY,
    "GET /api/v1/packages/{package_code}/drafts": ROLE_ONLY,
    "GET /api/v1/bundles": ROLE_ONLY,
    "GET /api/v1/bundles/{bundle_no}": Entry(_bundle),
    "POST /api/v1/bundles/{bundle_no}/corrections": Entry(_mine, body=lambda t: {"materials": [t.receipt]}),
    "POST /api/v1/bundles/{bundle_no}/withdrawal": Entry(_mine, body=lambda _t: BECAUSE, last=True),
    "POST /api/v1/appointment-slots": Entry(_led, body=_slots),
    "POST /api/v1/appointment-slots/{slot_id}/closure": Entry(_led, body=lambda _t: BECAUSE, last=True),
    "POST /api/v1/appointment-slots/{slot_id}/reopening": Entry(_led),
    "POST /api/v1/appointments": Entry(body=lambda t: {"slot_id": t.slot}),
    "GET /api/v1/appointments": ROLE_ONLY,
    "GET /api/v1/appointments/day": Entry(_led, query=lambda t: f"?item_code={t.item_code}"),
    "POST /api/v1/appointments/{appointment_id}/rescheduling": Entry(_mine, body=lambda t: {"slot_id": t.slot}),
    "POST /api/v1/appointments/{appointment_id}/cancellation": Entry(_mine, last=True),
    "POST /api/v1/appointments/{appointment_id}/attendance": Entry(_led, body=lambda _t: {"state": "served"}),
    "POST /api/v1/cases/{case_no}/special-procedures": Entry(
        _led, body=lambda _t: {"code": "expert_review", "limit": {"amount": 5}, "reason": "x"}
    ),
    "POST /api/v1/cases/{case_no}/special-procedures/end": Entry(_led, body=lambda _t: {"reason": "x"}),
    "POST /api/v1/cases/{case_no}/extension": Entry(
        _led, body=lambda _t: {"reason": "x", "approved_by": "x", "rank": "agency_head"}
    ),
    "POST /api/v1/cases/{case_no}/termination": Entry(_led, body=lambda _t: {"reason": "x"}, last=True),
    "POST /api/v1/cases/{case_no}/delivery": Entry(_led, body=lambda _t: {"state": "in_transit"}),
    "POST /api/v1/cases/{case_no}/handover": Entry(_led, body=lambda _t: {"received_by": "x"}),
    "POST /api/v1/tasks/{task_id}/reassignment": Entry(_led, body=lambda _t: {"reason": "x"}),
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
    "POST /api/v1/items/{item_code}/suspension": Entry(body=lambda _t: BECAUSE, last=True),
    "POST /api/v1/items/{item_code}/resumption": Entry(body=lambda _t: BECAUSE, last=True),
    "POST /api/v1/packages": ROLE_ONLY,
    "POST /api/v1/packages/{package_code}/retirement": ROLE_ONLY,
    "POST /api/v1/item-checks": Entry(body=_written),
    "GET /api/v1/item-history/{item_code}": Entry(_item_draft),
    "POST /api/v1/item-drafts": Entry(_item_draft, body=_written),
    "GET /api/v1/item-drafts": ROLE_ONLY,
    "GET /api/v1/item-drafts/{item_draft_id}": Entry(_item_draft),
    "PUT /api/v1/item-drafts/{item_draft_id}": Entry(_item_draft, body=lambda t: _written(t) | {"revision": 9}),
    "POST /api/v1/item-drafts/{item_draft_id}/submission": Entry(_item_draft, body=lambda _t: {"revision": 1}),
    "POST /api/v1/item-drafts/{item_draft_id}/review": Entry(
        _item_draft, body=lambda _t: {"revision": 1, "verdict": "approve", "why": "x"}
    ),
    "POST /api/v1/item-drafts/{item_draft_id}/publication": ROLE_ONLY,
    "POST /api/v1/item-drafts/{item_draft_id}/return": ROLE_ONLY,
    "POST /api/v1/item-drafts/{item_draft_id}/discard": Entry(_item_draft, last=True),
    "GET /api/v1/shared-resources": ROLE_ONLY,
    "GET /api/v1/shared-resources/{category}/{sequence}": ROLE_ONLY,
    "PUT /api/v1/shared-resources/{category}/{sequence}": ROLE_ONLY,
    "POST /api/v1/shared-resources/{category}/{sequence}/withdrawal": Entry(body=lambda _t: {"reason": "x"}),
    "GET /api/v1/sharing-applications": ROLE_ONLY,
    "GET /api/v1/sharing-applications/{application_id}": ROLE_ONLY,
    "POST /api/v1/sharing-applications": ROLE_ONLY,
    "POST /api/v1/sharing-applications/{application_id}/answer": Entry(body=lambda _t: {"grant": False, "reason": "x"}),
    "POST /api/v1/sharing-applications/{application_id}/end": Entry(body=lambda _t: {"reason": "x"}),
    "POST /api/v1/sharing-applications/{application_id}/uses": Entry(
        body=lambda _t: {"case_no": "x", "fields": ["name"]}
    ),
    # the directory, accounts, keys
    "POST /api/v1/departments": ROLE_ONLY,
    "POST /api/v1/parties": ROLE_ONLY,
    "POST /api/v1/accounts": Entry(
        _kind("supervisor"), body=lambda _t: PLAIN_ACCOUNT | {"kind": "supervisor"}, last=True
    ),
    "GET /api/v1/accounts": ROLE_ONLY,
    "GET /api/v1/accounts/{account_id}": ROLE_ONLY,
    "POST /api/v1/accounts/{account_id}/role": Entry(body=lambda _t: {"kind": "supervisor", "reason": "error"}),
    "POST /api/v1/accounts/{account_id}/suspension": Entry(body=lambda _t: {"reason": "left"}),
    "POST /api/v1/accounts/{account_id}/resumption": ROLE_ONLY,
    "POST /api/v1/accounts/{account_id}/closure": Entry(body=lambda _t: {"reason": "left"}),
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
    "GET /api/v1/account/outside-identities": ROLE_ONLY,
    "POST /api/v1/account/outside-identities/{provider_id}/removal": Entry(own_row=True),
    "GET /api/v1/account/sessions": ROLE_ONLY,
    "POST /api/v1/account/sessions/{session_id}/end": ROLE_ONLY,
    "POST /api/v1/account/sessions/end-others": ROLE_ONLY,
    "GET /api/v1/account/notices": ROLE_ONLY,
    "POST /api/v1/account/notices/{message_id}/read": ROLE_ONLY,
    # identity: apps of developers, their keys, and the administrator who lets them in
    "POST /api/v1/developer-apps": ROLE_ONLY,
    "GET /api/v1/developer-apps": ROLE_ONLY,
    "GET /api/v1/developer-apps/{app_id}": Entry(_app),
    "POST /api/v1/developer-apps/{app_id}/application": Entry(_app, body=lambda _t: GRANT),
    "POST /api/v1/developer-apps/{app_id}/keys": Entry(_app, body=lambda _t: {"environment": "sandbox"}),
    "POST /api/v1/developer-apps/{app_id}/keys/{key_id}/rotation": Entry(_app),
    "POST /api/v1/developer-apps/{app_id}/keys/{key_id}/revocation": Entry(_app, last=True),
    "POST /api/v1/developer-apps/{app_id}/test-accounts": Entry(_app),
    "GET /api/v1/developer-reviews": ROLE_ONLY,
    "GET /api/v1/developer-reviews/{app_id}": ROLE_ONLY,
    "POST /api/v1/developer-reviews/{app_id}/approval": Entry(body=lambda _t: GRANT),
    "POST /api/v1/developer-reviews/{app_id}/refusal": Entry(body=lambda _t: BECAUSE),
    "POST /api/v1/developer-reviews/{app_id}/suspension": Entry(body=lambda _t: BECAUSE, last=True),
    "POST /api/v1/developer-reviews/{app_id}/resumption": Entry(last=True),
    "GET /api/v1/developer-keys": ROLE_ONLY,
    "POST /api/v1/developer-keys/usage": ROLE_ONLY,
    # identity: messages, assurance, delegation, personal data
    "GET /api/v1/messages": ROLE_ONLY,
    "POST /api/v1/messages/{message_id}/read": Entry(lambda _t, party: {"party": _set(party), "department": _set()}),
    "GET /api/v1/message-preferences": ROLE_ONLY,
    "PUT /api/v1/message-preferences": ROLE_ONLY,
    "GET /api/v1/my/verifications": Entry(own_row=True),
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
    "POST /api/v1/parties/matches": ROLE_ONLY,
    "GET /api/v1/colleagues": ROLE_ONLY,
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
