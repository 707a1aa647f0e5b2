"""Reports to other platforms (数据上报): what was sent to each hub, and the report of its reconciliation (对账报告)."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask_smorest import Blueprint

from chassis.auth import requires
from chassis.errors import Refusal
from chassis.web import API_PREFIX
from services.audit import queries
from services.audit.adapters.reporting import REPORTING
from services.audit.models import db

exchange_api = Blueprint(
    "exchange", __name__, url_prefix=f"{API_PREFIX}/exchange", description="数据上报 / reports to hubs"
)

STATES = ("waiting", "sent", "confirmed")
PAGE, MAX_PAGE = 50, 200


class BatchesQuery(ma.Schema):
    """``before`` is the ``next`` of the page before."""

    before = ma.fields.Integer(validate=ma.validate.Range(min=1, max=2**53))
    limit = ma.fields.Integer(load_default=PAGE, validate=ma.validate.Range(min=1, max=MAX_PAGE))


class BatchSchema(ma.Schema):
    """A batch. ``resent`` counts how often the hub lacked it or held it differently."""

    batch_no = ma.fields.String(required=True)
    records = ma.fields.Integer(required=True)
    state = ma.fields.String(required=True, validate=ma.validate.OneOf(STATES))
    made_at = ma.fields.AwareDateTime(required=True)
    sent_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    confirmed_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    attempts = ma.fields.Integer(required=True)
    resent = ma.fields.Integer(required=True)
    digest = ma.fields.String(required=True, allow_none=True)
    error = ma.fields.String(required=True, allow_none=True)


class BatchesSchema(ma.Schema):
    """A page, newest first. ``next`` is null on the last one."""

    batches = ma.fields.List(ma.fields.Nested(BatchSchema), required=True)
    next = ma.fields.Integer(required=True, allow_none=True)


class StateTotalsSchema(ma.Schema):
    """How much is in one state."""

    state = ma.fields.String(required=True, validate=ma.validate.OneOf(STATES))
    batches = ma.fields.Integer(required=True)
    records = ma.fields.Integer(required=True)
    resent = ma.fields.Integer(required=True)
    oldest_made_at = ma.fields.AwareDateTime(required=True)


class ConnectorSchema(ma.Schema):
    """A hub's reconciliation: entries of the ledger that are not yet in a batch, and what became of the batches."""

    connector = ma.fields.String(required=True)
    entries_ahead = ma.fields.Integer(required=True)
    totals = ma.fields.List(ma.fields.Nested(StateTotalsSchema), required=True)


class ReportSchema(ma.Schema):
    """Every connector."""

    connectors = ma.fields.List(ma.fields.Nested(ConnectorSchema), required=True)


@exchange_api.route("", methods=["GET"])
@requires("exchange:read")
@exchange_api.response(200, ReportSchema)
def report() -> dict[str, Any]:
    """对账报告: how far each hub is."""
    with db.read() as connection:
        head = queries.ledger_size(connection)
        shown = [
            {
                "connector": connector.name,
                "entries_ahead": head - queries.exchange_position(connection, connector.name),
                "totals": [dict(row._mapping) for row in queries.batch_totals(connection, connector.name)],
            }
            for connector in REPORTING.connectors
        ]
    return {"connectors": shown}


@exchange_api.route("/<connector>/batches", methods=["GET"])
@requires("exchange:read")
@exchange_api.arguments(BatchesQuery, location="query")
@exchange_api.response(200, BatchesSchema)
def list_batches(query: dict[str, Any], connector: str) -> dict[str, Any]:
    """批次: what was sent to one hub."""
    if connector not in {one.name for one in REPORTING.connectors}:
        raise Refusal("connector_unknown", "没有这个对接平台 / there is no such connector", connector=connector)
    limit = query["limit"]
    with db.read() as connection:
        rows = queries.batches_of(connection, connector, before=query.get("before"), limit=limit + 1)
    page = [dict(row._mapping) for row in rows[:limit]]
    return {"batches": page, "next": rows[limit - 1].serial if len(rows) > limit else None}
