"""The database has come back from a backup: who was signed out, or shut out, after it would be in again."""

from __future__ import annotations

import sqlalchemy as sa

from chassis.db import Tx
from services.identity.adapters.machine_clock import machine_now
from services.identity.use_cases.end_sessions import end_sessions_where


def after_restore(tx: Tx) -> None:
    """End every session: people sign in again."""
    end_sessions_where(tx, sa.true(), machine_now())
