"""The written form of a package, the same in YAML files and in the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import marshmallow as ma
import msgspec
import yaml
from marshmallow.validate import Length

from services.catalog.adapters.catalog_files import CatalogFileError, Retirement, RetirementSchema
from services.catalog.adapters.catalog_parts import PartError, read_document
from services.catalog.adapters.plain_json import require_plain_json
from services.catalog.adapters.process_schemas import ConditionSchema
from services.catalog.adapters.schema_fields import (
    LawDate,
    many,
    optional_many,
    optional_several_of,
    short_name,
    words,
)
from services.catalog.domain import vocabulary as v
from services.catalog.domain.package import PackageDefinition

_NAME = ma.fields.String(validate=Length(min=1, max=100))


def _renaming(about: str) -> ma.fields.Dict:
    return ma.fields.Dict(
        keys=_NAME, values=_NAME, load_default=dict, validate=Length(max=200), metadata={"description": about}
    )


class PartSchema(ma.Schema):
    """一件事中的一个事项."""

    item_code = words(40, about="实施编码")
    when = optional_many(ConditionSchema, 20, "仅在各条件均成立时办理 / only if all conditions hold")
    materials = _renaming("事项材料 → 一件事材料 / the item's material -> the package's")
    fields_ = ma.fields.Dict(
        keys=_NAME,
        values=_NAME,
        data_key="fields",
        attribute="fields",
        load_default=dict,
        validate=Length(max=200),
        metadata={"description": "事项填写项 → 一件事填写项 / the item's field -> the package's"},
    )


class FormHeadSchema(ma.Schema):
    """一张表单."""

    title, title_en = words(200), words(300)


class PackageDefinitionSchema(ma.Schema):
    """A package of items as its lead department writes it."""

    package_code = short_name("一件事编码 / code of the package")
    name, name_en = words(200), words(300)
    summary, summary_en = words(1000), words(2000)
    effective_from = LawDate(required=True)
    lead_department = short_name("牵头部门 / department code")
    life_events = optional_several_of(v.LIFE_EVENTS)
    form = ma.fields.Nested(FormHeadSchema, required=True)
    questions = ma.fields.Dict(
        load_default=dict,
        validate=require_plain_json,
        metadata={"description": "附加问题（JSON Schema）/ fields beyond those of the items"},
    )
    parts = many(PartSchema, 30)


class _FileSchema(PackageDefinitionSchema):
    retirement = ma.fields.Nested(RetirementSchema, load_default=None)


@dataclass(frozen=True, kw_only=True)
class PackageEntry:
    """One file."""

    definition: PackageDefinition
    retirement: Retirement | None


def package_of(loaded: Mapping[str, Any]) -> PackageDefinition:
    """The definition in what ``PackageDefinitionSchema`` has loaded."""
    return msgspec.convert(loaded, PackageDefinition)


def package_document(definition: PackageDefinition) -> dict[str, Any]:
    """Plain JSON of a definition."""
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(definition))
    return document


def is_package(file: Path) -> bool:
    """Whether ``file`` says that it is a package. Raises CatalogFileError."""
    try:
        document = read_document(file)
    except (yaml.YAMLError, UnicodeDecodeError, PartError) as error:
        raise CatalogFileError(f"{file.name}: {error}") from error
    return isinstance(document, dict) and "package_code" in document


def read_package(file: Path) -> PackageEntry:
    """The package in ``file``. Raises CatalogFileError."""
    try:
        loaded = _FileSchema().load(read_document(file))
    except (yaml.YAMLError, UnicodeDecodeError, PartError) as error:
        raise CatalogFileError(f"{file.name}: {error}") from error
    except ma.ValidationError as error:
        raise CatalogFileError(f"{file.name}: {error.messages}") from error
    retirement = loaded.pop("retirement")
    return PackageEntry(
        definition=package_of(loaded), retirement=Retirement(**retirement) if retirement is not None else None
    )
