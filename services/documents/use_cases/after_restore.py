"""The database has come back from a backup: licences that were issued after it are forgotten here, and not by who holds them."""

from __future__ import annotations

import sqlalchemy as sa

from chassis.db import Tx
from services.documents.models import serials

LEFT_OUT = 100_000


def after_restore(tx: Tx) -> None:
    """Give no serial again that may stand on a licence."""
    tx.execute(sa.update(serials).values(last=serials.c.last + LEFT_OUT))
