"""``/api/v1/catalog``: the catalogue as open data, in JSON, CSV and the exchange tables; streamed, whoever asks."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import marshmallow as ma
from flask import Response, make_response, request
from flask_smorest import Blueprint

from chassis import clock
from chassis.auth import public
from chassis.errors import Refusal
from chassis.web import API_PREFIX
from services.catalog.domain.exchange_tables import COLUMNS, TABLES, Version
from services.catalog.domain.law_date import law_date
from services.catalog.models import db
from services.catalog.queries.open_data import edition, every_item

open_data_api = Blueprint("open_data", __name__, url_prefix=API_PREFIX, description="事项目录开放数据 / open data")

IF_NONE_MATCH = {"in": "header", "name": "If-None-Match", "schema": {"type": "string"}}
CACHING = "public, no-cache"
BOM = "\ufeff"  # spreadsheets would otherwise not take it for UTF-8
FLAT = ("item_code", "basic_code", "name", "name_en", "item_type", "lead_department", "effective_from")


class DataSetSchema(ma.Schema):
    """One file that can be taken."""

    name = ma.fields.String()
    address = ma.fields.String()
    media_type = ma.fields.String()
    columns = ma.fields.List(ma.fields.String())


class DataSetsSchema(ma.Schema):
    """Every file, and the edition that they have in common."""

    edition = ma.fields.String()
    data_sets = ma.fields.List(ma.fields.Nested(DataSetSchema))


@open_data_api.get("/catalog")
@public
@open_data_api.response(200, DataSetsSchema)
def list_data_sets() -> Any:
    """What can be taken. Public."""
    prefix = f"{API_PREFIX}/catalog"
    files = [
        {"name": "items", "address": f"{prefix}/items.json", "media_type": "application/json", "columns": []},
        {"name": "items", "address": f"{prefix}/items.csv", "media_type": "text/csv", "columns": [*FLAT, *_STATE]},
    ]
    for name, columns in COLUMNS.items():
        address = f"{prefix}/exchange/{name}.csv"
        files.append({"name": name, "address": address, "media_type": "text/csv", "columns": list(columns)})
    return {"edition": _edition(), "data_sets": files}, 200, {"Cache-Control": CACHING}


@open_data_api.get("/catalog/items.json")
@public
@open_data_api.doc(parameters=[IF_NONE_MATCH])
@open_data_api.response(200)
@open_data_api.alt_response(304, description="not modified")
def items_json() -> Any:
    """Every guide in its current version, retired items too, as one JSON array. Public."""
    return _taken("application/json", "items.json", _json())


@open_data_api.get("/catalog/items.csv")
@public
@open_data_api.doc(parameters=[IF_NONE_MATCH])
@open_data_api.response(200)
@open_data_api.alt_response(304, description="not modified")
def items_csv() -> Any:
    """One line for each item. Public."""
    rows = ({**row.definition, **{name: getattr(row, name) for name in _STATE}} for row in _every())
    return _taken("text/csv", "items.csv", _csv([*FLAT, *_STATE], rows))


@open_data_api.get("/catalog/exchange/<string:table>.csv")
@public
@open_data_api.doc(parameters=[IF_NONE_MATCH])
@open_data_api.response(200)
@open_data_api.alt_response(304, description="not modified")
@open_data_api.alt_response(404, description="table_unknown")
def exchange_csv(table: str) -> Any:
    """An exchange table (库表): directory, implementation, extension, material, fee or faq. Public."""
    if table not in TABLES:
        raise Refusal(
            "table_unknown",
            f"没有这张表，可取：{'、'.join(TABLES)} / no such table: {', '.join(TABLES)}",
            tables=list(TABLES),
        )
    rows = (line for row in _every() for line in TABLES[table](_version(row)))
    return _taken("text/csv", f"{table}.csv", _csv(COLUMNS[table], rows))


_STATE = ("version", "state", "retired_on")


def _every() -> Iterator[Any]:
    return every_item(db, law_date(clock.now()))


def _edition() -> str:
    with db.read() as connection:
        return edition(connection, law_date(clock.now()))


def _taken(media_type: str, name: str, lines: Iterable[str]) -> Response:
    """The stream, or 304 where the caller has this edition already."""
    tag = _edition()
    headers = {"ETag": f'"{tag}"', "Cache-Control": CACHING}
    if request.if_none_match.contains_weak(tag):
        not_modified: Response = make_response("", 304, headers)
        return not_modified
    headers |= {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(lines, mimetype=media_type, headers=headers)


def _json() -> Iterator[str]:
    begin = "["
    for row in _every():
        beside = {"version": row.version, "state": row.state, "content_hash": row.content_hash}
        if row.retired_on:
            beside |= {"retired_on": row.retired_on.isoformat(), "retired_reason": row.retired_reason}
        yield begin + json.dumps({**row.definition, **beside}, ensure_ascii=False)
        begin = ",\n"
    yield "]" if begin != "[" else "[]"


def _csv(columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """RFC 4180. What a spreadsheet would take for a formula is made a text."""
    yield BOM + _line(columns)
    for row in rows:
        yield _line([_cell(row[name]) for name in columns])


def _line(cells: Sequence[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _version(row: Any) -> Version:
    return Version(
        document=row.definition,
        version=row.version,
        state=row.state,
        retired_on=row.retired_on,
    )
