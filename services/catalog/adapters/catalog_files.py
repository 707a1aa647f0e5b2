"""The catalogue that ships with the product: one YAML file per item in ``<catalog_dir>/items``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import marshmallow as ma
import yaml

from services.catalog.adapters.catalog_parts import SHARED, PartError, read_document
from services.catalog.adapters.definition_document import ItemDefinitionSchema, definition_of
from services.catalog.adapters.schema_fields import words
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


class CatalogFolder:
    """Where the files are, and the names of those that are wanted (none: all of them); set when the process starts."""

    path = Path("catalogs/items")
    wanted: frozenset[str] = frozenset()

    def files(self) -> Sequence[Path]:
        """Every item's file, in the order of the names."""
        return self._wanted(self.path)

    def packages(self) -> Sequence[Path]:
        """Every package's file (一件事), in the order of the names."""
        return self._wanted(self.path.parent / "packages")

    def stamp(self, file: Path) -> tuple[int, ...]:
        """Changes when ``file`` or a shared part does."""
        shared = sorted((self.path.parent / SHARED).glob("*.yaml"))
        return tuple(one.stat().st_mtime_ns for one in (file, *shared))

    def _wanted(self, folder: Path) -> Sequence[Path]:
        return [file for file in sorted(folder.glob("*.yaml")) if not self.wanted or file.stem in self.wanted]


SHIPPED = CatalogFolder()


def read_entry(file: Path) -> CatalogEntry:
    """The item in ``file``. Raises CatalogFileError."""
    try:
        loaded = _FileSchema().load(read_document(file))
    except (yaml.YAMLError, UnicodeDecodeError, PartError) as error:
        raise CatalogFileError(f"{file.name}: {error}") from error
    except ma.ValidationError as error:
        raise CatalogFileError(f"{file.name}: {error.messages}") from error
    retirement = loaded.pop("retirement")
    return CatalogEntry(
        file=file.name,
        definition=definition_of(loaded),
        retirement=Retirement(**retirement) if retirement else None,
    )
