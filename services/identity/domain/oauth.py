"""Clients of the OpenID provider, and the rules of RFC 6749, RFC 7636 and RFC 9700 that need nothing but values."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from services.identity.domain.scopes import PEOPLE_S, SCOPES, CallerKind

Authentication = Literal["client_secret", "private_key_jwt", "none"]
AUTHENTICATIONS: tuple[Authentication, ...] = ("client_secret", "private_key_jwt", "none")

OPENID, PROFILE, OFFLINE, EVERYTHING = "openid", "profile", "offline_access", "tongban"
"""``tongban`` stands for everything that the account may do; only clients of the platform itself may ask for it."""
ABOUT_PEOPLE = (OPENID, PROFILE, OFFLINE)
API_SCOPES = frozenset(scope for scopes in SCOPES.values() for scope in scopes.split())

CODE_LIFE = timedelta(seconds=60)
SESSION_LIFE = timedelta(hours=12)
TOKENS_GONE_AFTER = timedelta(seconds=PEOPLE_S + 60)
"""After the end of a session its last access token has run out, one that was on its way included."""
REPEAT_WITHIN = timedelta(minutes=15)
"""A client that authenticates itself may repeat a refresh whose answer it lost: until the new token is used, or so long."""
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
LONGEST_ADDRESS = 2000


@dataclass(frozen=True, kw_only=True)
class OAuthClient:
    """One who may ask for tokens: a website or program that people sign in to, or a department's system.

    ``keys_of`` names the part of this platform whose keys authenticate it; else ``jwks`` holds them. A client of the platform
    itself is ``first_party``: no consent, public subjects. ``department`` is a department system's, which has no addresses.
    """

    client_id: str
    name: str
    name_en: str
    first_party: bool
    authentication: Authentication
    secret_hash: str | None = None
    jwks: dict[str, Any] | None = None
    keys_of: str | None = None
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str | None = None
    scope: frozenset[str] = frozenset()
    department: str | None = None
    kind: CallerKind = "department"

    @property
    def confidential(self) -> bool:
        """Whether it authenticates itself."""
        return self.authentication != "none"


def challenge_matches(challenge: str, verifier: str) -> bool:
    """Whether ``verifier`` is the one that ``challenge`` was made of. Source: RFC 7636 §4.6, S256."""
    if not VERIFIER.fullmatch(verifier):
        return False
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return hmac.compare_digest(base64.urlsafe_b64encode(digest).rstrip(b"="), challenge.encode())


def left_half_hash(token: str) -> str:
    """``at_hash`` of an access token under ES256. Source: OpenID Connect Core §3.1.3.6."""
    digest = hashlib.sha256(token.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def granted_scope(wanted: Collection[str], client: OAuthClient, kind: CallerKind) -> tuple[str, ...]:
    """What a client gets of what it asked for: what it is registered for and the account may do. In a fixed order."""
    allowed = SCOPES[kind].split()
    if client.first_party and EVERYTHING in wanted:
        api: Sequence[str] = allowed
    else:
        api = [scope for scope in allowed if scope in wanted and scope in client.scope]
    return (*(scope for scope in ABOUT_PEOPLE if scope in wanted), *api)


def session_over(
    *, ended_at: datetime | None, auth_time: datetime, last_seen: datetime, idle: timedelta | None, now: datetime
) -> bool:
    """Whether a sign-in has ended: by itself, by its greatest age, or because nobody did anything for ``idle``."""
    if ended_at is not None or now - auth_time >= SESSION_LIFE:
        return True
    return idle is not None and now - last_seen >= idle


def redirect_problem(address: str) -> str | None:
    """What is wrong with a redirect URI, or None: absolute, no fragment, https; http on the own machine only; or an
    application's own scheme with a dot in it. Sources: RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §2.1.
    """
    if len(address) > LONGEST_ADDRESS or not address.isascii() or re.search(r"[\x00-\x20\x7f\\*]", address):
        return "地址含有不允许的字符 / the address contains characters that are not allowed"
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return "不是地址 / this is no address"
    if parts.fragment or "#" in address or parts.username is not None:
        return "地址不得含有片段或用户名 / the address may have neither fragment nor user name"
    own_machine = parts.scheme == "http" and _is_loopback(host)
    application = "." in parts.scheme and bool(parts.path or parts.netloc)
    if (parts.scheme == "https" and host) or own_machine or application:
        return None
    return "须为 https 地址（本机除外）/ the address has to be https, but for the own machine"


def with_query(address: str, said: Mapping[str, str | None]) -> str:
    """A redirect URI, which has no fragment, with more in its query; what is None is left out."""
    head, _, query = address.partition("?")
    more = urlencode({name: value for name, value in said.items() if value is not None})
    return f"{head}?{'&'.join(filter(None, (query, more)))}" if query or more else head


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def origin_of(address: str) -> str | None:
    """Origin of a website's address (RFC 6454 §6.2); None for a program's own scheme and for this platform itself."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.lower()}" if parts.scheme in ("http", "https") and parts.netloc else None
