"""What a client asks at the authorization endpoint. Sources: RFC 6749 §4.1, OpenID Connect Core §3.1.2, RFC 7636, RFC 9700."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from services.identity.domain.oauth import API_SCOPES, CHALLENGE, EVERYTHING, OFFLINE, OPENID, PROFILE, OAuthClient

PROMPTS = frozenset({"none", "login", "consent", "select_account"})
KNOWN = frozenset({OPENID, PROFILE, OFFLINE, EVERYTHING}) | API_SCOPES
LONGEST_NONCE = 500
LONGEST_STATE = 2000
LONGEST_MAX_AGE_S = 10**9
_TEXT = re.compile(r"[\x20-\x7e]*")
_REFUSED = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}


class AuthorizationError(Exception):
    """The request cannot be met; ``error`` is told to the client (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6)."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error, self.description = error, description


@dataclass(frozen=True, kw_only=True)
class AuthorizationRequest:
    """A request that is in order. ``scope`` is what was asked for and is known; ``max_age_s`` None is any age."""

    client_id: str
    redirect_uri: str
    scope: frozenset[str]
    code_challenge: str
    state: str | None
    nonce: str | None
    prompt: frozenset[str]
    max_age_s: int | None
    login_hint: str
    id_token_hint: str | None
    acr_values: tuple[str, ...]


def read_request(asked: Mapping[str, str], client: OAuthClient, redirect_uri: str) -> AuthorizationRequest:
    """The request. Raises AuthorizationError. What is not known is left aside, as RFC 6749 §3.1 wants."""
    _require_supported(asked)
    return AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri=redirect_uri,
        scope=_scope(asked, client),
        code_challenge=_challenge(asked),
        state=state_of(asked),
        nonce=_nonce(asked),
        prompt=_prompt(asked),
        max_age_s=_max_age_s(asked),
        login_hint=asked.get("login_hint", ""),
        id_token_hint=asked.get("id_token_hint"),
        acr_values=tuple(asked.get("acr_values", "").split()),
    )


def state_of(asked: Mapping[str, str]) -> str | None:
    """The client's ``state``, if it can be given back."""
    state = asked.get("state")
    return state if state is not None and len(state) <= LONGEST_STATE and _TEXT.fullmatch(state) else None


def _require_supported(asked: Mapping[str, str]) -> None:
    for name, error in _REFUSED.items():
        if name in asked:
            raise AuthorizationError(error, f"the parameter {name} is not supported")
    if "response_type" not in asked:
        raise AuthorizationError("invalid_request", "response_type is missing")
    if asked["response_type"] != "code":
        raise AuthorizationError("unsupported_response_type", "only response_type=code is supported")
    if asked.get("response_mode", "query") != "query":
        raise AuthorizationError("invalid_request", "only response_mode=query is supported")
    if "state" in asked and state_of(asked) is None:
        raise AuthorizationError("invalid_request", "state is too long or not printable ASCII")


def _scope(asked: Mapping[str, str], client: OAuthClient) -> frozenset[str]:
    wanted = frozenset(asked.get("scope", "").split())
    if OPENID not in wanted:
        raise AuthorizationError("invalid_scope", "scope has to contain openid")
    if EVERYTHING in wanted and not client.first_party:
        raise AuthorizationError("invalid_scope", f"{EVERYTHING} is for the platform's own clients")
    return wanted & KNOWN


def _challenge(asked: Mapping[str, str]) -> str:
    """RFC 7636 §4.3; ``plain`` is the default there, so the method has to be said."""
    challenge = asked.get("code_challenge")
    if challenge is None:
        raise AuthorizationError("invalid_request", "code_challenge is required")
    if asked.get("code_challenge_method") != "S256":
        raise AuthorizationError("invalid_request", "code_challenge_method has to be S256")
    if not CHALLENGE.fullmatch(challenge):
        raise AuthorizationError("invalid_request", "code_challenge is not a base64url SHA-256")
    return challenge


def _nonce(asked: Mapping[str, str]) -> str | None:
    nonce = asked.get("nonce")
    if nonce is not None and (len(nonce) > LONGEST_NONCE or not _TEXT.fullmatch(nonce)):
        raise AuthorizationError("invalid_request", "nonce is too long or not printable ASCII")
    return nonce


def _prompt(asked: Mapping[str, str]) -> frozenset[str]:
    prompt = frozenset(asked.get("prompt", "").split())
    if not prompt <= PROMPTS:
        raise AuthorizationError("invalid_request", "prompt has an unknown value")
    if "none" in prompt and len(prompt) > 1:
        raise AuthorizationError("invalid_request", "prompt=none stands alone")
    return prompt


def _max_age_s(asked: Mapping[str, str]) -> int | None:
    written = asked.get("max_age")
    if written is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", written):
        raise AuthorizationError("invalid_request", "max_age is a number of seconds")
    return min(int(written), LONGEST_MAX_AGE_S)
