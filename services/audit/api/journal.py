"""Who did what (审计日志): the ledger's entries for audit administrators, with the accounts behind its pseudonyms."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask_smorest import Blueprint

from chassis.auth import requires
from chassis.web import API_PREFIX
from services.audit.models import db
from services.audit.use_cases.show_journal import show_journal

journal_api = Blueprint("journal", __name__, url_prefix=f"{API_PREFIX}/journal", description="审计日志 / who did what")

PAGE = 50
MAX_PAGE = 200


class JournalQuery(ma.Schema):
    """What to look for; ``before`` is the ``next`` of the page before."""

    case_no = ma.fields.String(load_default=None, validate=ma.validate.Regexp(r"^[0-9A-Za-z]{1,60}\Z"))
    acts = ma.fields.Boolean(load_default=False, metadata={"description": "administrative acts only"})
    before = ma.fields.Integer(load_default=None, validate=ma.validate.Range(min=1, max=2**53))
    limit = ma.fields.Integer(load_default=PAGE, validate=ma.validate.Range(min=1, max=MAX_PAGE))


class ActSchema(ma.Schema):
    """管理行为: what an administrator did to ``on``, an id; ``before`` and ``after`` are codes."""

    code = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    title_en = ma.fields.String(required=True)
    on = ma.fields.String(required=True)
    before = ma.fields.String(required=True, allow_none=True)
    after = ma.fields.String(required=True, allow_none=True)
    reason = ma.fields.String(required=True, allow_none=True)


class JournalEntrySchema(ma.Schema):
    """One entry, without what it is about: ``actor`` is the account that acted, null where nobody did.

    ``act`` is there for administrative acts.
    """

    seq = ma.fields.Integer(required=True, metadata={"description": "place in the ledger, from 0"})
    time = ma.fields.AwareDateTime(required=True)
    type = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    title_en = ma.fields.String(required=True)
    producer = ma.fields.String(required=True, metadata={"description": "service, or department/<code>"})
    case_no = ma.fields.String(required=True, allow_none=True)
    actor = ma.fields.String(required=True, allow_none=True)
    act = ma.fields.Nested(ActSchema, required=True, allow_none=True)


class JournalSchema(ma.Schema):
    """A page, newest first. ``next`` is null on the last one."""

    entries = ma.fields.List(ma.fields.Nested(JournalEntrySchema), required=True)
    next = ma.fields.Integer(required=True, allow_none=True)


@journal_api.get("")
@requires("journal:read")
@journal_api.arguments(JournalQuery, location="query")
@journal_api.response(200, JournalSchema)
def list_entries(query: dict[str, Any]) -> dict[str, Any]:
    """审计日志: every entry of the ledger, those of one case, or administrative acts."""
    with db.read() as connection:
        return show_journal(connection, **query)
