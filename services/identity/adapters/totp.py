"""Time-based one-time passwords: RFC 6238 with SHA-1, six digits, steps of 30 seconds, which is what every app can do."""

from __future__ import annotations

from datetime import datetime
from hmac import compare_digest

import pyotp

from services.identity.domain.sensitive import Sensitive

STEP_S = 30
DIGITS = 6
DRIFT_STEPS = 1
ISSUER = "通办 Tongban"


def new_secret() -> Sensitive:
    """160 random bits in base 32."""
    return Sensitive(pyotp.random_base32(32))


def step_at(now: datetime) -> int:
    """Number of the step that ``now`` is in."""
    return int(now.timestamp()) // STEP_S


def matching_steps(secret: Sensitive, code: str, now: datetime) -> list[int]:
    """Steps around ``now``, the latest first, whose code is ``code``. Blanks in it are what people type to read it better."""
    typed = "".join(code.split())
    if not (len(typed) == DIGITS and typed.isascii() and typed.isdigit()):
        return []
    totp, middle = pyotp.TOTP(secret.reveal(), digits=DIGITS, interval=STEP_S), step_at(now)
    steps = range(middle + DRIFT_STEPS, middle - DRIFT_STEPS - 1, -1)
    return [step for step in steps if step >= 0 and compare_digest(totp.generate_otp(step), typed)]


def enrolment_uri(secret: Sensitive, username: str) -> str:
    """``otpauth:`` URI for an authenticator app."""
    totp = pyotp.TOTP(secret.reveal(), digits=DIGITS, interval=STEP_S)
    return totp.provisioning_uri(name=username, issuer_name=ISSUER)
