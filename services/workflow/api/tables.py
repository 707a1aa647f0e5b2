"""A list as CSV, row by row as it is read (RFC 4180, UTF-8 with a mark for spreadsheets)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from flask import Response

from services.workflow.domain.deadline import SHANGHAI

MARK = "\ufeff"
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet would run what begins with these."""


def table(name: str, columns: Mapping[str, str], pages: Iterable[Sequence[Mapping[str, Any]]]) -> Response:
    """A download named ``name``. ``columns``: field -> heading. The first page is read before the answer begins, so that a
    refusal still is one.
    """
    remaining = iter(pages)
    first = next(remaining)
    response = Response(_lines(columns, first, remaining), content_type="text/csv; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    response.headers["Cache-Control"] = "no-store"
    return response


def _lines(
    columns: Mapping[str, str],
    first: Sequence[Mapping[str, Any]],
    remaining: Iterator[Sequence[Mapping[str, Any]]],
) -> Iterator[str]:
    yield MARK + _csv([list(columns.values())])
    yield _csv(_cells(columns, first))
    for page in remaining:
        yield _csv(_cells(columns, page))


def _cells(columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    return [[_cell(row[name]) for name in columns] for row in rows]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    shown = str(value)
    return "'" + shown if shown.startswith(FORMULA) else shown


def _csv(rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()
