"""匿名办件数据集: monthly counts and durations for anyone to use, as JSON and CSV; and made-up months for the sandbox."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import marshmallow as ma
from flask import Response
from flask_smorest import Blueprint

from chassis.auth import public
from chassis.errors import Refusal
from chassis.web import API_PREFIX
from services.audit.domain.open_data import COLUMNS, anonymised, fictitious_cases
from services.audit.models import db
from services.audit.use_cases import read_open_data
from services.audit.use_cases.publish_open_data import row_as_json

open_data_api = Blueprint(
    "open_data", __name__, url_prefix=f"{API_PREFIX}/open-data", description="匿名数据集 / anonymised data"
)
sandbox_data_api = Blueprint(
    "sandbox_open_data",
    __name__,
    url_prefix=f"{API_PREFIX}/sandbox/open-data",
    description="沙箱数据集 / made-up data for trying",
)
CSV = "text/csv"
SANDBOX_K = 5
SANDBOX_MONTHS = (date(2025, 1, 1), date(2025, 2, 1))


class MonthSchema(ma.Schema):
    """One edition. ``month`` is YYYY-MM."""

    month = ma.fields.String(required=True)
    k = ma.fields.Integer(required=True)
    rows = ma.fields.Integer(required=True)


class MonthListSchema(ma.Schema):
    """Editions, the newest first."""

    months = ma.fields.List(ma.fields.Nested(MonthSchema), required=True)


class RowSchema(ma.Schema):
    """A group of cases that ended in the month. ``*``: several items, or several ways through them, together."""

    item_code = ma.fields.String(required=True)
    departments = ma.fields.List(ma.fields.String(), required=True)
    cases = ma.fields.Integer(required=True)
    median_days = ma.fields.Integer(required=True, metadata={"description": "calendar days from submission to the end"})
    mean_days = ma.fields.Float(required=True)


class EditionSchema(ma.Schema):
    """One month: every case that ended is in one row, and no row stands for fewer than ``k`` applicants."""

    month = ma.fields.String(required=True)
    k = ma.fields.Integer(required=True)
    made_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    rows = ma.fields.List(ma.fields.Nested(RowSchema), required=True)


@open_data_api.get("/cases")
@public
@open_data_api.response(200, MonthListSchema)
def list_months() -> dict[str, Any]:
    """数据集目录: the months that are published, some days after each month's end."""
    with db.read() as connection:
        editions = read_open_data.editions(connection)
    return {"months": [{"month": _text(one.month), "k": one.k, "rows": len(one.rows)} for one in editions]}


@open_data_api.get("/cases/<month>")
@public
@open_data_api.response(200, EditionSchema)
def get_month(month: str) -> dict[str, Any]:
    """一个月的数据, as JSON."""
    return _edition(month)


@open_data_api.get("/cases/<month>/csv")
@public
@open_data_api.alt_response(200, description="UTF-8, the first line names the columns", content_type=CSV)
def get_month_csv(month: str) -> Response:
    """一个月的数据, as CSV (RFC 4180); departments are joined with ``+``."""
    return _csv(_edition(month))


@sandbox_data_api.get("/cases")
@public
@sandbox_data_api.response(200, MonthListSchema)
def list_sandbox_months() -> dict[str, Any]:
    """沙箱数据集目录: made-up months."""
    editions = [_made_up(_text(month)) for month in reversed(SANDBOX_MONTHS)]
    return {"months": [{"month": one["month"], "k": one["k"], "rows": len(one["rows"])} for one in editions]}


@sandbox_data_api.get("/cases/<month>")
@public
@sandbox_data_api.response(200, EditionSchema)
def get_sandbox_month(month: str) -> dict[str, Any]:
    """一个月的虚构数据, as JSON; anonymised by the very same rules."""
    return _made_up(month)


@sandbox_data_api.get("/cases/<month>/csv")
@public
@sandbox_data_api.alt_response(200, description="UTF-8, the first line names the columns", content_type=CSV)
def get_sandbox_month_csv(month: str) -> Response:
    """一个月的虚构数据, as CSV."""
    return _csv(_made_up(month))


def _edition(text: str) -> dict[str, Any]:
    with db.read() as connection:
        row = read_open_data.edition(connection, month) if (month := _month(text)) else None
    if row is None:
        raise _unknown(text)
    return {"month": _text(row.month), "k": row.k, "made_at": row.made_at, "rows": row.rows}


def _made_up(text: str) -> dict[str, Any]:
    month = _month(text)
    if month not in SANDBOX_MONTHS:
        raise _unknown(text)
    rows = [row_as_json(row) for row in anonymised(fictitious_cases(month), SANDBOX_K)]
    return {"month": text, "k": SANDBOX_K, "made_at": None, "rows": rows}


def _month(text: str) -> date | None:
    try:
        return date.fromisoformat(f"{text}-01") if len(text) == 7 else None
    except ValueError:
        return None


def _text(month: date) -> str:
    return f"{month:%Y-%m}"


def _csv(edition: Mapping[str, Any]) -> Response:
    lines = io.StringIO()
    writer = csv.writer(lines)
    writer.writerow(("month", *COLUMNS))
    writer.writerows(_cells(edition["month"], row) for row in edition["rows"])
    response = Response(lines.getvalue(), content_type=f"{CSV}; charset=utf-8; header=present")
    response.headers["Content-Disposition"] = f'attachment; filename="cases-{edition["month"]}.csv"'
    return response


def _cells(month: str, row: Mapping[str, Any]) -> Sequence[Any]:
    return month, row["item_code"], "+".join(row["departments"]), row["cases"], row["median_days"], row["mean_days"]


def _unknown(text: str) -> Refusal:
    return Refusal("month_unknown", "没有这个月的数据 / this month is not published", month=text[:20])
