"""What the metrics say of the database."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from chassis import clock
from services.documents.adapters.metrics import LICENCES
from services.documents.domain.validity import shanghai_date
from services.documents.models import licences, serials

# Serial numbers have no gaps, so the last of each kind says how many there are.
_ISSUED = sa.select(sa.func.coalesce(sa.func.sum(serials.c.last), 0))
_REVOKED = sa.select(sa.func.count()).select_from(licences).where(licences.c.revoked_on.is_not(None))
_EXPIRED = (
    sa.select(sa.func.count())
    .select_from(licences)
    .where(licences.c.valid_until < sa.bindparam("today"), licences.c.revoked_on.is_(None))
)

_expired: dict[tuple[str, date], int] = {}  # by database


def show_gauges(connection: sa.Connection) -> None:
    """Set every gauge of documents that comes from its tables. Licences expire at midnight, so these are counted once a day."""
    today = shanghai_date(clock.now())
    key = str(connection.engine.url), today
    if key not in _expired:
        _expired.clear()
        _expired[key] = int(connection.execute(_EXPIRED, {"today": today}).scalar_one())
    issued, revoked = int(connection.execute(_ISSUED).scalar_one()), int(connection.execute(_REVOKED).scalar_one())
    LICENCES.labels("valid").set(issued - revoked - _expired[key])
    LICENCES.labels("expired").set(_expired[key])
    LICENCES.labels("revoked").set(revoked)
