"""What routes need of their process, and the one thing they share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from flask import current_app, request

from chassis import idempotency
from chassis.db import Tx
from chassis.idempotency import IdempotencyKey, idempotency_key
from chassis.settings import Settings
from services.identity.adapters.passkey_ceremonies import Site
from services.identity.adapters.passwords import Passwords
from services.identity.adapters.tokens import TokenIssuer
from services.identity.adapters.vault import Vault
from services.identity.domain.delay import Delays
from services.identity.domain.password_rules import PasswordRules
from services.identity.domain.sensitive import Sensitive
from services.identity.models import db

DESK = "identity.desk"


@dataclass(frozen=True)
class DoorRules:
    """What signing in asks for. ``staff_second_factor`` is required or offered; ``site`` is None where passkeys cannot be."""

    passwords: PasswordRules = field(default_factory=PasswordRules)
    delays: Delays = field(default_factory=Delays)
    staff_second_factor: str = "required"
    site: Site | None = None

    @classmethod
    def of(cls, settings: Settings) -> DoorRules:
        """As the installation has them set."""
        return cls(
            PasswordRules(
                settings.password_length, settings.password_classes, settings.password_days, settings.password_history
            ),
            Delays(settings.sign_in_failures, settings.sign_in_longest_delay_s, settings.sign_in_address_failures),
            settings.staff_second_factor,
            Site.at(settings.public_url),
        )


@dataclass(frozen=True)
class Desk:
    """Made once per process."""

    vault: Vault
    passwords: Passwords
    tokens: TokenIssuer
    door: DoorRules = field(default_factory=DoorRules)


def desk() -> Desk:
    """Of this process."""
    made: Desk = current_app.extensions["tongban"].parts[DESK]
    return made


def client_address() -> str | None:
    """Where the request came from, as the gateway says it, who lets nobody else say it."""
    return request.headers.get("X-Forwarded-For") or request.remote_addr


def keyed_idempotency_key() -> IdempotencyKey:
    """The request's key, its fingerprint under the data key: a plain SHA-256 of a password or a number could be guessed."""
    key = idempotency_key()
    return replace(key, fingerprint=desk().vault.keyed_hash("request", Sensitive(key.fingerprint)))


def once(write: Callable[[Tx], Any]) -> Any:
    """Write in one transaction, or give the answer (JSON) that this Idempotency-Key got before."""
    return idempotency.once(db, write, key=keyed_idempotency_key())
