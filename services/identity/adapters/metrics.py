"""Prometheus metrics of identity."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

PASSWORD_HASHES = Counter(
    "tongban_identity_password_hashes", "Argon2id computations: sign-ins, of known and unknown names, and new accounts"
)
MESSAGES_SENT = Counter("tongban_messages_sent", "Messages that a provider has taken", ["channel"])
MESSAGES_FAILED = Counter("tongban_messages_failed", "Messages given up", ["channel"])
MESSAGES_WAITING = Gauge("tongban_messages_waiting", "Messages that are due, or will be tried again", ["channel"])
