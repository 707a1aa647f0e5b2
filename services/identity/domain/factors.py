"""第二因素 second factors: who needs them, and what a token says of how its owner signed in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from services.identity.domain.scopes import STAFF

Factor = Literal["totp", "passkey", "recovery"]
StaffSetting = Literal["required", "offered"]

AMR: dict[str, tuple[str, ...]] = {
    "password": ("pwd",),
    "totp": ("otp", "mfa"),
    "recovery": ("recovery", "mfa"),
    "passkey": ("pop", "user", "mfa"),
    "outside": ("outside",),
}
"""Authentication method references of RFC 8176. What has no name there: ``recovery``, a look-up secret, and ``outside``, the
word of another provider.
"""

ONE_FACTOR = "urn:tongban:acr:1"
TWO_FACTORS = "urn:tongban:acr:2"
TWO_FACTORS_ONE_CRYPTOGRAPHIC = "urn:tongban:acr:3"


def must_have_second(kind: str, setting: str) -> bool:
    """Whether this kind of account needs a second factor. Source: GB/T 22239-2019 §8.1.4.1 d)."""
    return setting == "required" and kind in STAFF


def proven_enough(kind: str, setting: str, amr: Iterable[str]) -> bool:
    """Whether a sign-in is enough for all that this kind of account may do. Staff that have to prove two factors, one of
    them cryptographic, get by a recovery code, or a password alone, only as far as their own account: to set one up.
    """
    return not must_have_second(kind, setting) or acr_of(amr) == TWO_FACTORS_ONE_CRYPTOGRAPHIC


def amr_of(*methods: str) -> tuple[str, ...]:
    """``amr`` of a sign-in by these methods, such as ``amr_of("password", "totp")``; a passkey stands alone."""
    return tuple(dict.fromkeys(name for method in methods for name in AMR[method]))


def acr_of(amr: Iterable[str]) -> str:
    """``acr`` of an ``amr``. A one-time code is keyed (RFC 6238), a passkey signs; a recovery code is neither."""
    said = frozenset(amr)
    if "mfa" not in said:
        return ONE_FACTOR
    return TWO_FACTORS_ONE_CRYPTOGRAPHIC if said & {"otp", "pop"} else TWO_FACTORS
