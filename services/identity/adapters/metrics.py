"""Prometheus metrics of identity."""

from __future__ import annotations

from prometheus_client import Counter

PASSWORD_HASHES = Counter(
    "tongban_identity_password_hashes", "Argon2id computations: sign-ins, of known and unknown names, and new accounts"
)
