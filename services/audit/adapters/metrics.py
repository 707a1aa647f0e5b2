"""Metrics of audit."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

LEDGER_ENTRIES = Gauge("tongban_ledger_entries", "Entries in the ledger at the last checkpoint")
LEDGER_TAMPERED = Gauge("tongban_ledger_tampered", "1 while stored rows do not match what was signed or hashed")
BATCHES = Counter(
    "tongban_exchange_batches", "Batches handed to hubs: sent, failed, confirmed, again", ["connector", "outcome"]
)
CARDS_RAISED = Counter("tongban_cards_raised", "Supervision cards", ["rule", "level"])
