"""The signed headers of the national gateway (国家共享交换平台).

Headers ``gjgxjhpt_rid`` (requester), ``_sid`` (service), ``_rtime`` (milliseconds), ``_sign`` = Base64(HMAC-SHA256(key,
sid + rid + rtime)).
"""

from __future__ import annotations

import base64
import hmac

PREFIX = "gjgxjhpt_"


def signed_headers(*, requester: str, service: str, key: bytes, now_ms: int) -> dict[str, str]:
    """Headers of one request made at ``now_ms``."""
    signed = hmac.digest(key, f"{service}{requester}{now_ms}".encode(), "sha256")
    return {
        f"{PREFIX}rid": requester,
        f"{PREFIX}sid": service,
        f"{PREFIX}rtime": str(now_ms),
        f"{PREFIX}sign": base64.b64encode(signed).decode(),
    }
