"""外部身份提供方: whom we let people come from, and how far we believe what they say. Pure rules.

Sources: OpenID Connect Core 1.0 §3.1.3.7, RFC 9207, RFC 9700 §2.1, §4.4.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

FLOW_LIFE = timedelta(minutes=15)
"""How long somebody may take at an outside provider."""
NUMBER_LEVEL = 3
"""Only a number that was verified this well, on both sides, shows that two are the same person."""
LEEWAY_S = 60
LONGEST_SUBJECT = 255
ALGORITHMS = ("ES256", "PS256", "RS256", "EdDSA")

Authentication = Literal["client_secret_basic", "client_secret_post", "private_key_jwt"]
ProvenBy = Literal["sign_in", "number", "opened"]


class OutsideError(Exception):
    """The answer of an outside provider is not believed; ``code`` says why, for the log and the page."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class ClaimNames:
    """What the provider calls things; empty is never said. ``levels``: its word for an assurance level -> ours."""

    name: str = "name"
    number: str = ""
    level: str = ""
    levels: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class OutsideProvider:
    """As the file of providers has it. ``highest_level`` is how far it is trusted, whatever it says."""

    provider_id: str
    name: str
    name_en: str
    issuer: str
    client_id: str
    authentication: Authentication
    scope: Sequence[str]
    claims: ClaimNames
    highest_level: int
    default_level: int
    opens_accounts: bool


@dataclass(frozen=True, kw_only=True)
class OutsidePerson:
    """Whom the provider has vouched for. ``number`` is as it was said, unchecked; ``level`` is capped already."""

    provider: str
    subject: str
    name: str
    number: str
    level: int


def challenge_of(verifier: str) -> str:
    """S256 of a PKCE verifier. Source: RFC 7636 §4.2."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def require_answerer(provider: OutsideProvider, said: str | None, *, always_says: bool) -> None:
    """Whether this provider answered, and not another one (mix-up). Raises OutsideError. Source: RFC 9207 §2.4."""
    if said is None and not always_says:
        return
    if said != provider.issuer:
        raise OutsideError("issuer_mismatch")


def require_claims(claims: Mapping[str, Any], provider: OutsideProvider, *, nonce: str, now_s: float) -> None:
    """An ID token whose signature is right. Raises OutsideError. Source: OpenID Connect Core §3.1.3.7."""
    if claims.get("iss") != provider.issuer:
        raise OutsideError("issuer_mismatch")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if provider.client_id not in audiences or (len(audiences) > 1 and claims.get("azp") != provider.client_id):
        raise OutsideError("audience_mismatch")
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise OutsideError("audience_mismatch")
    if claims.get("nonce") != nonce:
        raise OutsideError("nonce_mismatch")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or not subject.isprintable():
        raise OutsideError("subject_missing")
    _require_times(claims, now_s)


def _require_times(claims: Mapping[str, Any], now_s: float) -> None:
    expires, issued = claims.get("exp"), claims.get("iat")
    if not _is_number(expires) or not _is_number(issued):
        raise OutsideError("times_missing")
    assert expires is not None
    assert issued is not None
    if expires <= now_s - LEEWAY_S:
        raise OutsideError("expired")
    if issued > now_s + LEEWAY_S:
        raise OutsideError("issued_in_the_future")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def person_of(claims: Mapping[str, Any], provider: OutsideProvider) -> OutsidePerson:
    """What verified claims say of the person, as far as the provider is believed."""
    names = provider.claims
    said = claims.get(names.level) if names.level else None
    level = names.levels.get(str(said), provider.default_level)
    return OutsidePerson(
        provider=provider.provider_id,
        subject=str(claims["sub"]),
        name=_text(claims, names.name),
        number=_text(claims, names.number),
        level=min(level, provider.highest_level),
    )


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name) if name else None
    return value.strip()[:100] if isinstance(value, str) else ""


def number_proves(person: OutsidePerson, account_level: int) -> bool:
    """Whether the same name and number make them the same person: verified well on both sides."""
    return bool(person.number) and person.level >= NUMBER_LEVEL and account_level >= NUMBER_LEVEL


def may_open(provider: OutsideProvider, person: OutsidePerson) -> bool:
    """Whether an account is opened for somebody who comes for the first time."""
    named = bool(person.name) and bool(person.number)
    return provider.opens_accounts and named and person.level >= NUMBER_LEVEL
