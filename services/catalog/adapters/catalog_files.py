"""The catalogue that ships with the product: one YAML file per item in ``<catalog_dir>/items``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import marshmallow as ma
import yaml

from services.catalog.adapters.definition_document import ItemDefinitionSchema, definition_of, words
from services.catalog.domain.definition import ItemDefinition


class CatalogFileError(Exception):
    """A file that is no item; the message names the file and everything that is wrong."""


@dataclass(frozen=True, kw_only=True)
class Retirement:
    """A cancelled item's end (取消)."""

    retired_on: date
    reason: str


@dataclass(frozen=True, kw_only=True)
class CatalogEntry:
    """One file."""

    file: str
    definition: ItemDefinition
    retirement: Retirement | None


class RetirementSchema(ma.Schema):
    """取消日期和原因."""

    retired_on = ma.fields.Date(required=True)
    reason = words(1000)


class _FileSchema(ItemDefinitionSchema):
    retirement = ma.fields.Nested(RetirementSchema, load_default=None)


class _Loader(yaml.CSafeLoader):
    """Dates stay text, as in JSON; the schema reads them."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


class CatalogFolder:
    """Where the files are; set when the process starts."""

    path = Path("catalogs/items")

    def files(self) -> Sequence[Path]:
        """Every item's file, in the order of the names."""
        return sorted(self.path.glob("*.yaml"))


SHIPPED = CatalogFolder()


def read_entry(file: Path) -> CatalogEntry:
    """The item in ``file``. Raises CatalogFileError."""
    try:
        document: Any = yaml.load(file.read_text("utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader
        loaded = _FileSchema().load(document)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CatalogFileError(f"{file.name}: {error}") from error
    except ma.ValidationError as error:
        raise CatalogFileError(f"{file.name}: {error.messages}") from error
    retirement = loaded.pop("retirement")
    return CatalogEntry(
        file=file.name,
        definition=definition_of(loaded),
        retirement=Retirement(**retirement) if retirement else None,
    )
