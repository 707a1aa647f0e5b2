"""客户端: who they are, and how they prove it (RFC 6749 §2.3, RFC 7523)."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from chassis.errors import Refusal
from services.identity import queries
from services.identity.adapters.passwords import Passwords
from services.identity.adapters.vault import Vault
from services.identity.domain.directory import CLIENT_ID
from services.identity.domain.oauth import OAuthClient
from services.identity.domain.sensitive import Sensitive
from services.identity.models import db, used_once
from services.identity.use_cases.authenticate_client import authenticate_client

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_ALGORITHMS = ("ES256", "PS256", "EdDSA")
LONGEST_ASSERTION_S = 300
LEEWAY_S = 30
# joserfc trips over headers that are JSON but not a header, such as {"crit": 1}; JSON's numbers may be infinite.
_UNREADABLE = (JoseError, ValueError, TypeError, AttributeError, LookupError, RecursionError, OverflowError)


@dataclass(frozen=True)
class ClientDesk:
    """What knowing clients takes. ``audiences`` are what an assertion may be made out to; ``keys_of`` fetches the public keys
    of a part of this platform.
    """

    vault: Vault
    passwords: Passwords
    public_url: str
    audiences: Sequence[str]
    keys_of: Callable[[str], Mapping[str, Any]]


@dataclass(frozen=True)
class Credentials:
    """What a client showed. Either ``secret`` or ``assertion``, or neither."""

    client_id: str
    secret: Sensitive | None = None
    assertion: str | None = None


def find_client(client_id: str, public_url: str) -> OAuthClient | None:
    """The client. ``{public_url}`` in its addresses stands for where the platform is reached."""
    if not re.fullmatch(CLIENT_ID, client_id):
        return None
    if (row := queries.find_relying_party(client_id)) is not None:
        return OAuthClient(
            client_id=row.client_id,
            name=row.name,
            name_en=row.name_en,
            first_party=row.first_party,
            authentication=row.authentication,
            secret_hash=row.secret_hash,
            jwks=row.jwks,
            keys_of=row.keys_of,
            redirect_uris=_addresses(row.redirect_uris, public_url),
            post_logout_redirect_uris=_addresses(row.post_logout_redirect_uris, public_url),
            backchannel_logout_uri=(row.backchannel_logout_uri or "").replace("{public_url}", public_url) or None,
            scope=frozenset(row.scope.split()),
        )
    if (system := queries.find_client(client_id)) is None:
        return None
    return OAuthClient(
        client_id=system.client_id,
        name=system.name,
        name_en=system.name,
        first_party=True,
        authentication="private_key_jwt" if system.jwks else "client_secret",
        secret_hash=system.secret_hash,
        jwks=system.jwks,
        department=system.department,
        kind=system.kind,
    )


def authenticate(desk: ClientDesk, shown: Credentials, *, public_too: bool = False) -> OAuthClient:
    """The client that showed these credentials; a public one, which shows none, only if ``public_too``.

    Raises Refusal ``invalid_client`` or ``busy``. An assertion is taken once.
    """
    client = find_client(shown.client_id, desk.public_url)
    if client is None:
        if shown.secret is not None:  # takes as long as a department's system does: nobody learns which there are
            authenticate_client(desk.passwords, shown.client_id, shown.secret)
        raise _invalid()
    if client.authentication == "none":
        if not public_too or shown.secret is not None or shown.assertion is not None:
            raise _invalid()
        return client
    if client.authentication == "private_key_jwt":
        if shown.assertion is None:
            raise _invalid()
        _require_assertion(desk, client, shown.assertion)
        return client
    if shown.secret is None or shown.assertion is not None:
        raise _invalid()
    _require_secret(desk, client, shown.secret)
    return client


def secret_hash(vault: Vault, client_id: str, secret: Sensitive) -> str:
    """What is stored of a relying party's secret. It is long and random, so that a slow hash would only slow sign-ins."""
    return vault.keyed_hash(f"client_secret:{client_id}", secret)


def client_of_assertion(assertion: str) -> str:
    """Whom an assertion, not verified yet, says it comes from. Raises Refusal ``invalid_client``."""
    try:
        payload = assertion.split(".")[1]
        subject = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"]
    except (*_UNREADABLE, msgspec.MsgspecError):
        raise _invalid() from None
    if not isinstance(subject, str):
        raise _invalid()
    return subject


def _require_secret(desk: ClientDesk, client: OAuthClient, secret: Sensitive) -> None:
    if client.department is not None:
        authenticate_client(desk.passwords, client.client_id, secret)
    elif client.secret_hash != secret_hash(desk.vault, client.client_id, secret):
        raise _invalid()


def _require_assertion(desk: ClientDesk, client: OAuthClient, assertion: str) -> None:
    try:
        document = desk.keys_of(client.keys_of) if client.keys_of else client.jwks
        keys = KeySet.import_key_set(document)  # type: ignore[arg-type]
        claims = dict(jwt.decode(assertion, keys, algorithms=list(ASSERTION_ALGORITHMS)).claims)
        expires_s, token_id = _checked(claims, client.client_id, desk.audiences)
    except _UNREADABLE:
        raise _invalid() from None
    row = {
        "token_hash": desk.vault.keyed_hash(f"assertion:{client.client_id}", Sensitive(token_id)),
        "expires_at": datetime.fromtimestamp(expires_s + LEEWAY_S, UTC),
    }
    with db.transaction() as tx:
        fresh = tx.insert_new(used_once, [row], [used_once.c.token_hash])
    if not fresh:
        raise _invalid()


def _checked(claims: Mapping[str, Any], client_id: str, audiences: Sequence[str]) -> tuple[int, str]:
    """When the assertion ends and its id. Raises ValueError, TypeError or KeyError. Source: RFC 7523 §3."""
    now, expires_s, token_id = time.time(), int(claims["exp"]), claims["jti"]
    aud = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if claims["iss"] != client_id or claims["sub"] != client_id or len(aud) != 1 or aud[0] not in audiences:
        raise ValueError
    if not now - LEEWAY_S < expires_s <= now + LONGEST_ASSERTION_S + LEEWAY_S:
        raise ValueError
    if int(claims.get("nbf", 0)) > now + LEEWAY_S or not isinstance(token_id, str) or not 8 <= len(token_id) <= 200:
        raise ValueError
    return expires_s, token_id


def _addresses(stored: Sequence[str], public_url: str) -> tuple[str, ...]:
    return tuple(address.replace("{public_url}", public_url) for address in stored)


def _invalid() -> Refusal:
    return Refusal(
        "invalid_client", "客户端身份未通过核验 / the client could not be authenticated", error="invalid_client"
    )
