"""A service as small as one can be, for tests of the mechanism in real processes.

A note told over HTTP leaves a ``first`` effect and tells an event, which leaves a ``second`` effect. Effects have no
unique key, so that a doubled one shows.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Response, jsonify, request
from flask_smorest import Blueprint

from chassis import stopping
from chassis.auth import public
from chassis.bus import Delivery, Subscription
from chassis.db import Database, Tx
from chassis.service import Job, Service
from contracts.case import CaseClosed, CaseWithdrawn

db = Database("workflow")  # whose events it tells
notes = sa.Table("notes", db.metadata, sa.Column("note_no", sa.String(40), primary_key=True))
effects = sa.Table(
    "effects",
    db.metadata,
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("note_no", sa.String(40), nullable=False),
)
routes = Blueprint("notes", __name__)


@routes.post("/notes/<note_no>")
@public
def tell_note(note_no: str) -> tuple[Response, int]:
    """Asked again it answers the same and does nothing. ``hold_s`` makes it slow."""
    with db.transaction() as tx:
        new = bool(tx.insert_new(notes, [{"note_no": note_no}], [notes.c.note_no]))
        if new:
            tx.tell(CaseWithdrawn(case_no=note_no, reason=""))
    time.sleep(float(request.args.get("hold_s", 0)))
    return jsonify({"note_no": note_no}), 201 if new else 200


@routes.get("/wait")
@public
def wait() -> Response:
    """Until the process is closing."""
    return jsonify({"closing": not stopping.pause(60)})


def _leave(tx: Tx, kind: str, deliveries: Sequence[Delivery]) -> None:
    rows: list[dict[str, Any]] = [{"kind": kind, "note_no": one.event.case_no} for one in deliveries]
    tx.execute(sa.insert(effects), rows)


def _first(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    _leave(tx, "first", deliveries)
    for one in deliveries:
        tx.tell(CaseClosed(case_no=one.event.case_no, licence_no=""), because=one.envelope)


def _second(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    _leave(tx, "second", deliveries)


SERVICE = Service(
    name="tiny",
    title="tiny",
    database=db,
    migrations=Path(__file__).parent / "migrations",
    blueprints=[routes],
    subscriptions=[
        Subscription("workflow.first", {CaseWithdrawn: _first}),
        Subscription("workflow.second", {CaseClosed: _second}),
    ],
    jobs=[Job("tiny.nothing", 0.05, lambda: None)],
    tells=[CaseWithdrawn, CaseClosed],
)
