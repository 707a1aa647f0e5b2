"""开放资源: an app begins in the sandbox, asks for production, and is let in, refused or stopped by an administrator.

Its OpenID clients follow its state: the sandbox one takes test accounts on the developer's own machine, the other one people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import uuid_utils

from chassis.db import Tx
from chassis.errors import Refusal
from contracts.administration import AdministrativeAct
from services.identity.adapters.party_keys import key_of
from services.identity.adapters.vault import Vault
from services.identity.domain.developer_apps import (
    MOST_APPS,
    PRODUCTION_CLIENT,
    SANDBOX_CLIENT,
    Grant,
    State,
    elsewhere,
    own_machine,
    require_addresses,
    require_grant,
    require_move,
    sandbox_client,
)
from services.identity.domain.sensitive import Sensitive
from services.identity.models import developer_apps, developer_keys, developer_moves, parties, relying_parties
from services.identity.use_cases.register_relying_party import RelyingParty, add_relying_party, remove_relying_party
from services.identity.use_cases.tell_act import tell_act

CONTACT = "developer_contact"
_ACTS: dict[State, AdministrativeAct] = {
    "approved": "developer_app.approved",
    "refused": "developer_app.refused",
    "suspended": "developer_app.suspended",
    "sandbox": "developer_app.resumed",
}


@dataclass(frozen=True, kw_only=True)
class NewApp:
    """What a developer says of an app."""

    name: str
    name_en: str
    purpose: str
    contact: Sensitive
    redirect_uris: tuple[str, ...] = ()


def register_app(tx: Tx, vault: Vault, party_id: str, new: NewApp, *, by: str) -> str:
    """The app's id. Raises Refusal ``app_invalid``, ``too_many_apps``, or like ``key_of``."""
    require_addresses(new.redirect_uris)
    sealed = key_of(tx, vault, party_id).seal(CONTACT, new.contact)
    tx.execute(sa.select(parties.c.party_id).where(parties.c.party_id == party_id).with_for_update())
    mine = sa.select(sa.func.count()).select_from(developer_apps).where(developer_apps.c.party_id == party_id)
    if tx.execute(mine).scalar_one() >= MOST_APPS:
        raise Refusal("too_many_apps", f"每个主体最多{MOST_APPS}个应用 / at most {MOST_APPS} apps", most=MOST_APPS)
    app_id = str(uuid_utils.uuid7())
    row = {
        "app_id": app_id,
        "party_id": party_id,
        "name": new.name,
        "name_en": new.name_en,
        "purpose": new.purpose,
        "contact_sealed": sealed,
        "redirect_uris": list(new.redirect_uris),
        "state": "sandbox",
        "asked": {},
        "granted": {},
        "registered_at": tx.now,
    }
    tx.insert(developer_apps, [row])
    if local := own_machine(new.redirect_uris):
        _add_client(tx, sandbox_client(app_id), row, local, by=by)
    return app_id


def apply_for_production(tx: Tx, app_id: str, asked: Grant, *, by: str) -> None:
    """申请正式使用. Raises Refusal ``app_invalid`` or ``app_state``."""
    require_grant(asked)
    app = locked_app(tx, app_id)
    _move(tx, app, "applied", by=by, asked=asked.as_json())


def approve_app(tx: Tx, app_id: str, granted: Grant, *, by: str) -> None:
    """准予, or another quota for an app that is in production. Raises Refusal ``app_invalid`` or ``app_state``."""
    require_grant(granted)
    app = locked_app(tx, app_id)
    if app.state == "suspended":  # ``resume_app`` brings it back to what it had
        raise Refusal("app_state", "应用已停用，请先恢复 / the app is suspended", state=app.state, wanted="approved")
    _move(tx, app, "approved", by=by, granted=granted.as_json())
    _open_client(tx, app, granted, by)


def refuse_app(tx: Tx, app_id: str, reason: str, *, by: str) -> None:
    """不予. Raises Refusal ``app_state``."""
    _move(tx, locked_app(tx, app_id), "refused", by=by, reason=reason)


def suspend_app(tx: Tx, app_id: str, reason: str, now: datetime, *, by: str) -> None:
    """停用: no key is taken any more and nobody signs in. Raises Refusal ``app_state``."""
    app = locked_app(tx, app_id)
    _move(tx, app, "suspended", by=by, reason=reason)
    close_clients(tx, app_id, now, by=by)


def resume_app(tx: Tx, app_id: str, *, by: str) -> None:
    """恢复: to what it was granted, or to the sandbox. Raises Refusal ``app_state``."""
    app = locked_app(tx, app_id)
    if app.state != "suspended":
        raise Refusal("app_state", "应用没有被停用 / the app is not suspended", state=app.state, wanted="approved")
    _move(tx, app, "approved" if app.granted else "sandbox", by=by)
    if local := own_machine(app.redirect_uris):
        _add_client(tx, sandbox_client(app_id), app._mapping, local, by=by)
    if app.granted:
        _open_client(tx, app, Grant.of(app.granted), by)


def close_apps_of(tx: Tx, party_id: str, *, by: str) -> None:
    """Their owner's data are erased: nothing of theirs is taken any more."""
    apps = sa.select(developer_apps.c.app_id).where(developer_apps.c.party_id == party_id)
    for app_id in list(tx.execute(apps).scalars()):
        close_clients(tx, app_id, tx.now, by=by)
        gone = {"state": "suspended", "contact_sealed": b""}
        tx.execute(sa.update(developer_apps).where(developer_apps.c.app_id == app_id).values(**gone))
        live = sa.and_(developer_keys.c.app_id == app_id, developer_keys.c.revoked_at.is_(None))
        tx.execute(sa.update(developer_keys).where(live).values(revoked_at=tx.now))


def locked_app(tx: Tx, app_id: str) -> Any:
    """The row, for changing. Raises Refusal ``app_unknown``."""
    wanted = sa.select(developer_apps).where(developer_apps.c.app_id == app_id).with_for_update()
    row = tx.execute(wanted).one_or_none()
    if row is None:
        raise Refusal("app_unknown", "没有这个应用 / there is no such app", app_id=app_id)
    return row


def close_clients(tx: Tx, app_id: str, now: datetime, *, by: str) -> None:
    """Nobody signs in to the app any more."""
    ids = [SANDBOX_CLIENT + app_id, PRODUCTION_CLIENT + app_id]
    known = sa.select(relying_parties.c.client_id).where(relying_parties.c.client_id.in_(ids))
    for client_id in list(tx.execute(known).scalars()):
        remove_relying_party(tx, client_id, now, by=by)


def _open_client(tx: Tx, app: Any, granted: Grant, by: str) -> None:
    """The production client with these scopes; the one there is keeps what its users agreed to."""
    client_id = PRODUCTION_CLIENT + app.app_id
    scope = " ".join(sorted(granted.scope))
    known = relying_parties.c.client_id == client_id
    if tx.execute(sa.update(relying_parties).where(known).values(scope=scope)).rowcount:
        return
    if addresses := elsewhere(app.redirect_uris):
        _add_client(tx, client_id, app._mapping, addresses, scope=granted.scope, by=by)


def _add_client(
    tx: Tx,
    client_id: str,
    app: Mapping[str, Any],
    addresses: tuple[str, ...],
    *,
    scope: tuple[str, ...] = (),
    by: str,
) -> None:
    """A public client: PKCE and exact addresses protect it (RFC 9700 §2.1.1)."""
    party = RelyingParty(
        client_id=client_id,
        name=app["name"],
        name_en=app["name_en"],
        authentication="none",
        redirect_uris=addresses,
        scope=scope,
    )
    add_relying_party(tx, party, None, by=by)


def _move(tx: Tx, app: Any, after: State, *, by: str, reason: str = "", **changed: Any) -> None:
    require_move(app.state, after)
    values = {"state": after} | changed
    tx.execute(sa.update(developer_apps).where(developer_apps.c.app_id == app.app_id).values(**values))
    row = {
        "move_id": str(uuid_utils.uuid7()),
        "app_id": app.app_id,
        "before": app.state,
        "after": after,
        "by": by,
        "reason": reason,
        "granted": changed.get("granted", {}),
        "moved_at": tx.now,
    }
    tx.insert(developer_moves, [row])
    if after in _ACTS:
        tell_act(tx, _ACTS[after], by=by, on=app.app_id, before=app.state, after=after)
