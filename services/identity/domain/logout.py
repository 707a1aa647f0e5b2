"""后台退出通知: what a client is told of a session's end, and how often. Source: OpenID Connect Back-Channel Logout 1.0."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from services.identity.domain.oauth import redirect_problem

EVENT = "http://schemas.openid.net/event/backchannel-logout"
TOKEN_LIFE_S = 120
WAITS_S = (5, 30, 120, 600, 1800, 3600, 7200)
"""After so many seconds a client that did not take the notice gets it again; then no more."""


def logout_claims(
    *, issuer: str, client_id: str, subject: str, session_id: str, token_id: str, now_s: int
) -> dict[str, Any]:
    """Claims of a logout token (§2.4). Without ``nonce``, so that nobody takes it for an ID token."""
    return {
        "iss": issuer,
        "aud": client_id,
        "sub": subject,
        "sid": session_id,
        "iat": now_s,
        "exp": now_s + TOKEN_LIFE_S,
        "jti": token_id,
        "events": {EVENT: {}},
    }


def next_try(tries: int, now: datetime) -> datetime | None:
    """When to try again after so many tries; None when it is enough."""
    return now + timedelta(seconds=WAITS_S[tries - 1]) if tries <= len(WAITS_S) else None


def is_taken(status: int) -> bool:
    """Whether the client took the notice (§2.8)."""
    return status in {200, 204}


def is_final(status: int) -> bool:
    """Whether asking again makes no sense: the client has said no, rather than not now."""
    return 400 <= status < 500 and status not in {408, 425, 429}


def address_problem(address: str) -> str | None:
    """What is wrong with a back-channel address, or None: like one to come back to, but a website's."""
    if (problem := redirect_problem(address)) is not None:
        return problem
    website = urlsplit(address).scheme in {"https", "http"}
    return None if website else "后台退出地址须为网址 / the back-channel address has to be a website's"
