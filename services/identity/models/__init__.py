"""Tables of identity. Numbers of parties are sealed; ``code_index`` is a keyed hash that only serves to find equal ones."""

from __future__ import annotations

from services.identity.models.base import db
from services.identity.models.directory import (
    accounts,
    clients,
    departments,
    parties,
    sign_in_failures,
)
from services.identity.models.factors import (
    address_failures,
    passkey_challenges,
    passkeys,
    past_passwords,
    recovery_codes,
    totp_secrets,
)
from services.identity.models.messages import (
    delivery_attempts,
    message_cases,
    message_deliveries,
    message_notices,
    message_preferences,
    messages,
)
from services.identity.models.people import (
    contacts,
    data_requests,
    delegations,
    disclosures,
    minors,
    party_keys,
    posts,
    running_cases,
    verifications,
)
from services.identity.models.provider import (
    consents,
    grants,
    refresh_tokens,
    relying_parties,
    sessions,
    signing_keys,
    used_once,
)

__all__ = [
    "accounts",
    "address_failures",
    "clients",
    "consents",
    "contacts",
    "data_requests",
    "db",
    "delegations",
    "delivery_attempts",
    "departments",
    "disclosures",
    "grants",
    "message_cases",
    "message_deliveries",
    "message_notices",
    "message_preferences",
    "messages",
    "minors",
    "parties",
    "party_keys",
    "passkey_challenges",
    "passkeys",
    "past_passwords",
    "posts",
    "recovery_codes",
    "refresh_tokens",
    "relying_parties",
    "running_cases",
    "sessions",
    "sign_in_failures",
    "signing_keys",
    "totp_secrets",
    "used_once",
    "verifications",
]
