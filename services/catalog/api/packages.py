"""``/api/v1/packages``: several items as one thing (一件事): guides for everybody, publishing for administrators."""

from __future__ import annotations

from datetime import date
from typing import Any

import marshmallow as ma
from flask import url_for
from flask_smorest import Blueprint
from marshmallow.validate import Length, Regexp
from sqlalchemy.engine import Connection, Row

from chassis import clock
from chassis.auth import principal, public, requires
from chassis.db import Tx
from chassis.web import API_PREFIX
from services.catalog.adapters.package_document import PackageDefinitionSchema, package_of
from services.catalog.api.repeatable import IDEMPOTENCY_HEADER, repeatable
from services.catalog.api.schemas import RetirementRequestSchema
from services.catalog.domain.law_date import law_date
from services.catalog.models import db
from services.catalog.queries.packages import current_package, packages_in_force, parts_shown
from services.catalog.use_cases.publish_package import publish_package
from services.catalog.use_cases.retire_package import retire_package

_SAID_OF_PARTS: dict[str, Any] = {
    "committed_limit": None,
    "statutory_limit": None,
    "conditions": [],
    "eligibility": [],
    "batches": [],
    "delivery_ways": ["electronic"],
    "commitment": None,
    "renewal": None,
    "appointments": False,
}
"""What the guide of a package says of its items, and how it reads where an item says nothing."""


_SAID_OF_RULES = ("code", "required", "when", "filling_guide", "filling_guide_en", "signature", "signature_en")

packages_api = Blueprint("packages", __name__, url_prefix=API_PREFIX, description="一件事 / packages of items")


class PackageHeadSchema(ma.Schema):
    """A package in the list."""

    package_code = ma.fields.String()
    version = ma.fields.Integer()
    name = ma.fields.String()
    name_en = ma.fields.String()
    summary = ma.fields.String()
    summary_en = ma.fields.String()
    lead_department = ma.fields.String()
    life_events = ma.fields.List(ma.fields.String())
    effective_from = ma.fields.Date()
    items = ma.fields.List(ma.fields.String(), metadata={"description": "实施编码 / item codes"})


class PackageQuerySchema(ma.Schema):
    """Which packages; empty text means any."""

    q = ma.fields.String(
        load_default="", validate=Length(max=100), metadata={"description": "名称 / words of the name"}
    )
    life_event = ma.fields.String(load_default="", validate=Regexp(r"^([a-z_]{1,40})?\Z"))


class PackageListSchema(ma.Schema):
    """Packages in force, by code."""

    packages = ma.fields.List(ma.fields.Nested(PackageHeadSchema))


class PackagePartSchema(ma.Schema):
    """One item of the package, as it is in force now."""

    item_code = ma.fields.String()
    name = ma.fields.String()
    name_en = ma.fields.String()
    version = ma.fields.Integer()
    state = ma.fields.String()
    lead_department = ma.fields.String()
    committed_limit = ma.fields.Dict()
    statutory_limit = ma.fields.Dict()
    conditions = ma.fields.List(ma.fields.Dict())
    eligibility = ma.fields.List(ma.fields.Dict())
    batches = ma.fields.List(ma.fields.Dict())
    delivery_ways = ma.fields.List(ma.fields.String())
    commitment = ma.fields.Dict(allow_none=True)
    renewal = ma.fields.Dict(allow_none=True)
    appointments = ma.fields.Boolean()
    rules = ma.fields.List(
        ma.fields.Dict(),
        metadata={
            "description": "各材料的必要性、条件和填报须知 / when the item asks for which of its materials, and how"
        },
    )
    when = ma.fields.List(ma.fields.Dict(), metadata={"description": "适用条件 / conditions on the form"})
    materials = ma.fields.Dict(metadata={"description": "事项材料 → 一件事材料 / the item's material -> the package's"})
    fields_ = ma.fields.Dict(data_key="fields", attribute="fields")


class PackageGuideSchema(PackageHeadSchema):
    """One guide: one form, every material once, the items behind it."""

    form_schema = ma.fields.Dict()
    materials = ma.fields.List(ma.fields.Dict())
    saved_materials = ma.fields.Integer(
        metadata={"description": "合并后少交的材料份数 / materials that need not be handed in again"}
    )
    parts = ma.fields.List(ma.fields.Nested(PackagePartSchema))
    state = ma.fields.String(metadata={"enum": ["in_force", "retired"]})
    retired_on = ma.fields.Date(allow_none=True)
    retired_reason = ma.fields.String(allow_none=True)


class PackageRetiredSchema(ma.Schema):
    """The end of a package."""

    package_code = ma.fields.String()
    retired_on = ma.fields.String(metadata={"format": "date"})
    reason = ma.fields.String()


class PackagePublishedSchema(ma.Schema):
    """The version that says what was handed in."""

    package_code = ma.fields.String()
    version = ma.fields.Integer()
    created = ma.fields.Boolean()


@packages_api.get("/packages")
@public
@packages_api.arguments(PackageQuerySchema, location="query")
@packages_api.response(200, PackageListSchema)
def list_packages(asked: dict[str, str]) -> dict[str, Any]:
    """一件事清单: what can be applied for as one. Public."""
    with db.read() as connection:
        found = [_head(row) for row in packages_in_force(connection, law_date(clock.now()))]
    words, event = asked["q"].strip().casefold(), asked["life_event"]
    return {
        "packages": [
            one
            for one in found
            if words in f"{one['name']} {one['name_en']} {one['summary']} {one['summary_en']}".casefold()
            and (not event or event in one["life_events"])
        ]
    }


@packages_api.get("/packages/<string:package_code>")
@public
@packages_api.response(200, PackageGuideSchema)
@packages_api.alt_response(404, description="package_not_found")
def show_package(package_code: str) -> dict[str, Any]:
    """一件事指南: the one form, every material once, and the items with the conditions under which they apply. Public."""
    today = law_date(clock.now())
    with db.read() as connection:
        return _guide(connection, today, current_package(connection, today, package_code))


@packages_api.get("/packages/<string:package_code>/definition")
@public
@packages_api.response(200, PackageDefinitionSchema)
@packages_api.alt_response(404, description="package_not_found")
def show_definition(package_code: str) -> Any:
    """一件事定义: the version in force as its lead department wrote it, as ``POST /packages`` takes it. Public."""
    with db.read() as connection:
        row = current_package(connection, law_date(clock.now()), package_code)
    return row.definition


@packages_api.post("/packages/<string:package_code>/retirement")
@requires("catalog:publish")
@packages_api.doc(parameters=[IDEMPOTENCY_HEADER])
@packages_api.arguments(RetirementRequestSchema)
@packages_api.response(201, PackageRetiredSchema)
@packages_api.alt_response(404, description="package_not_found")
@packages_api.alt_response(409, description="package_retired")
@packages_api.alt_response(422, description="invalid_input, retirement_before_effect")
def retire(asked: dict[str, Any], package_code: str) -> Any:
    """Retire a package: nobody applies for it from the date on; its items stay."""

    def write(tx: Tx) -> dict[str, Any]:
        retired_on = asked["retired_on"] or law_date(tx.now)
        retire_package(tx, package_code, retired_on=retired_on, reason=asked["reason"])
        return {"package_code": package_code, "retired_on": retired_on.isoformat(), "reason": asked["reason"]}

    return repeatable(write)


@packages_api.post("/packages")
@requires("catalog:publish")
@packages_api.doc(parameters=[IDEMPOTENCY_HEADER])
@packages_api.arguments(PackageDefinitionSchema)
@packages_api.response(201, PackagePublishedSchema)
@packages_api.alt_response(200, schema=PackagePublishedSchema, description="published before with the same words")
@packages_api.alt_response(409, description="effective_before_previous, package_retired")
@packages_api.alt_response(422, description="invalid_input, package_invalid with every problem, department_unknown")
def publish(loaded: dict[str, Any]) -> Any:
    """Publish the next version of a package; its form and materials are merged from the items in force."""

    def write(tx: Tx) -> dict[str, Any]:
        done = publish_package(tx, package_of(loaded), today=law_date(tx.now), by=principal().subject)
        return {"package_code": done.package_code, "version": done.version, "created": done.created}

    answer = repeatable(write)
    address = url_for("packages.show_package", package_code=answer["package_code"])
    return answer, 201 if answer["created"] else 200, {"Location": address}


def _head(row: Row[Any]) -> dict[str, Any]:
    said = {name: row.definition[name] for name in ("summary", "summary_en", "life_events")}
    return dict(row._mapping) | said | {"items": [part["item_code"] for part in row.merged["parts"]]}


def _guide(connection: Connection, today: date, row: Row[Any]) -> dict[str, Any]:
    merged = row.merged
    shown = parts_shown(connection, today, [part["item_code"] for part in merged["parts"]])
    parts = []
    for part in merged["parts"]:
        item = shown[part["item_code"]]
        said = {name: item.definition.get(name, unsaid) for name, unsaid in _SAID_OF_PARTS.items()}
        rules = [{name: rule.get(name) for name in _SAID_OF_RULES} for rule in item.definition["materials"]]
        parts.append(part | {"when": part.get("when", [])} | dict(item._mapping) | said | {"rules": rules})
    asked = sum(len(part["materials"]) for part in merged["parts"])
    retired = row.retired_on is not None and row.retired_on <= today
    return _head(row) | {
        "state": "retired" if retired else "in_force",
        "retired_on": row.retired_on,
        "retired_reason": row.retired_reason,
        "form_schema": merged["form_schema"],
        "materials": merged["materials"],
        "saved_materials": asked - len(merged["materials"]),
        "parts": parts,
    }
