"""What the metrics say of the database."""

from __future__ import annotations

import sqlalchemy as sa

from chassis import clock
from services.catalog.adapters.metrics import ITEMS
from services.catalog.domain.law_date import law_date
from services.catalog.models import items

_RETIRED = items.c.retired_on <= sa.bindparam("today")
_COUNT = sa.select(
    sa.func.count().label("items"),
    sa.func.coalesce(sa.func.sum(sa.case((_RETIRED, 1), else_=0)), 0).label("retired"),
    sa.func.coalesce(sa.func.sum(sa.case((_RETIRED, 0), (items.c.suspended_at.is_not(None), 1), else_=0)), 0).label(
        "suspended"
    ),
).select_from(items)


def show_gauges(connection: sa.Connection) -> None:
    """Set every gauge of catalog that comes from its tables. Items are a few thousand at most, so they are counted."""
    row = connection.execute(_COUNT, {"today": law_date(clock.now())}).one()
    ITEMS.labels("in_force").set(row.items - row.retired - row.suspended)
    ITEMS.labels("suspended").set(row.suspended)
    ITEMS.labels("retired").set(row.retired)
