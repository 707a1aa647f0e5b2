"""应用接入: a website or program gets an id to let people sign in with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from chassis.db import Tx
from chassis.errors import Refusal
from services.identity.domain.logout import address_problem
from services.identity.domain.oauth import API_SCOPES, Authentication, redirect_problem
from services.identity.models import clients, consents, grants, relying_parties
from services.identity.use_cases.tell_act import tell_act

MOST_ADDRESSES = 20
_PLACE = "https://platform.example"


@dataclass(frozen=True, kw_only=True)
class RelyingParty:
    """What is registered. ``{public_url}`` at the start of an address stands for where this platform is reached."""

    client_id: str
    name: str
    name_en: str
    authentication: Authentication
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str | None = None
    scope: tuple[str, ...] = ()
    first_party: bool = False
    jwks: Mapping[str, Any] | None = None
    keys_of: str | None = None


def register_relying_party(tx: Tx, party: RelyingParty, secret_hash: str | None, *, by: str) -> None:
    """Raises Refusal ``client_exists`` or ``client_invalid``."""
    if not add_relying_party(tx, party, secret_hash, by=by):
        raise Refusal("client_exists", "客户端编号已被使用 / the client id is taken")


def add_relying_party(tx: Tx, party: RelyingParty, secret_hash: str | None, *, by: str) -> bool:
    """Register it if the id is free. Raises Refusal ``client_invalid``."""
    _require_in_order(party, secret_hash)
    if tx.execute(clients.select().where(clients.c.client_id == party.client_id)).one_or_none() is not None:
        return False
    row = {
        "client_id": party.client_id,
        "name": party.name,
        "name_en": party.name_en,
        "first_party": party.first_party,
        "authentication": party.authentication,
        "secret_hash": secret_hash,
        "jwks": None if party.jwks is None else dict(party.jwks),
        "keys_of": party.keys_of,
        "redirect_uris": list(party.redirect_uris),
        "post_logout_redirect_uris": list(party.post_logout_redirect_uris),
        "backchannel_logout_uri": party.backchannel_logout_uri,
        "scope": " ".join(sorted(set(party.scope))),
        "registered_at": tx.now,
    }
    if not tx.insert_new(relying_parties, [row], [relying_parties.c.client_id]):
        return False
    tell_act(tx, "relying_party.registered", by=by, on=party.client_id, after=party.authentication)
    return True


def remove_relying_party(tx: Tx, client_id: str, now: datetime, *, by: str) -> None:
    """Remove it and end what it was granted. Raises Refusal ``client_unknown``."""
    if not tx.execute(sa.delete(relying_parties).where(relying_parties.c.client_id == client_id)).rowcount:
        raise Refusal("client_unknown", "没有这个应用 / there is no such client", client_id=client_id)
    tx.execute(sa.delete(consents).where(consents.c.client_id == client_id))
    running = sa.and_(grants.c.client_id == client_id, grants.c.ended_at.is_(None))
    tx.execute(sa.update(grants).where(running).values(ended_at=now))
    tell_act(tx, "relying_party.removed", by=by, on=client_id)


def require_public_keys(jwks: Mapping[str, Any]) -> None:
    """Raises Refusal ``client_invalid`` for what is no JWKS (RFC 7517), or holds a private or a symmetric key."""
    try:
        keys = KeySet.import_key_set(jwks).keys  # type: ignore[arg-type]
    except (JoseError, ValueError, TypeError, LookupError, AttributeError, OverflowError):
        keys = []
    if not keys or any(key.key_type == "oct" or key.is_private for key in keys):
        raise _invalid("jwks 须为公钥 / jwks has to hold public keys")


def _require_in_order(party: RelyingParty, secret_hash: str | None) -> None:
    if (party.authentication == "client_secret") != (secret_hash is not None):
        raise _invalid("client_secret 方式须有密钥，其他方式不填 / a secret is for the method client_secret only")
    if (party.authentication == "private_key_jwt") != ((party.jwks is None) != (party.keys_of is None)):
        raise _invalid("private_key_jwt 方式须有公钥，其他方式不填 / keys are for the method private_key_jwt only")
    if party.jwks is not None:
        require_public_keys(party.jwks)
    _require_addresses(party)
    if unknown := set(party.scope) - API_SCOPES:
        raise _invalid(f"未知的权限 / unknown scopes: {' '.join(sorted(unknown))}")


def _require_addresses(party: RelyingParty) -> None:
    if not party.redirect_uris or len(party.redirect_uris) + len(party.post_logout_redirect_uris) > MOST_ADDRESSES:
        raise _invalid(f"须登记 1–{MOST_ADDRESSES} 个地址 / register 1 to {MOST_ADDRESSES} addresses")
    for address in (*party.redirect_uris, *party.post_logout_redirect_uris):
        if problem := redirect_problem(_placed(party, address)):
            raise Refusal("client_invalid", problem, address=address)
    told_at = party.backchannel_logout_uri
    if told_at is not None and (problem := address_problem(_placed(party, told_at))):
        raise Refusal("client_invalid", problem, address=told_at)


def _placed(party: RelyingParty, address: str) -> str:
    own = party.first_party and address.startswith("{public_url}/")
    return address.replace("{public_url}", _PLACE, 1) if own else address


def _invalid(detail: str) -> Refusal:
    return Refusal("client_invalid", detail)
