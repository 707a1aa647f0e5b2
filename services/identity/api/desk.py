"""What routes need of their process, and the one thing they share."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import current_app

from chassis.idempotency import IdempotencyKey, idempotency_key
from services.identity.adapters.passwords import Passwords
from services.identity.adapters.tokens import TokenIssuer
from services.identity.adapters.vault import Vault
from services.identity.domain.sensitive import Sensitive

DESK = "identity.desk"


@dataclass(frozen=True)
class Desk:
    """Made once per process."""

    vault: Vault
    passwords: Passwords
    tokens: TokenIssuer


def desk() -> Desk:
    """Of this process."""
    made: Desk = current_app.extensions["tongban"].parts[DESK]
    return made


def keyed_idempotency_key() -> IdempotencyKey:
    """The request's key, its fingerprint under the data key: a plain SHA-256 of a password or a number could be guessed."""
    key = idempotency_key()
    return replace(key, fingerprint=desk().vault.keyed_hash("request", Sensitive(key.fingerprint)))
