"""What is to be said of a catalogue file, with the line on which it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import marshmallow as ma
import yaml

from contracts.item import Item
from services.catalog.adapters.catalog_files import CatalogFileError, RetirementSchema, read_entry
from services.catalog.adapters.catalog_parts import USE, PartError, read_document
from services.catalog.adapters.findings import findings_of
from services.catalog.adapters.package_document import read_package
from services.catalog.domain.definition import to_item
from services.catalog.domain.merging import merge
from services.catalog.domain.problems import Problem


@dataclass(frozen=True)
class FileFinding:
    """One finding. ``line`` counts from 1; it is that of the nearest part that stands in the file itself."""

    file: Path
    line: int
    problem: Problem

    def __str__(self) -> str:
        mark = "提示 / advice " if self.problem.advice else ""
        return f"{self.file}:{self.line}: {mark}{self.problem.code} {self.problem.where}: {self.problem.detail}"


def file_findings(file: Path) -> Iterator[FileFinding]:
    """Every finding of an item's or a package's file; advice too."""
    try:
        document = read_document(file)
        root = yaml.compose(file.read_text("utf-8"), Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError, PartError, OSError) as error:
        yield FileFinding(file, _line_of_error(error), Problem("file_unreadable", "", str(error)))
        return
    problems = _package_problems(file) if _is_package(document) else _item_problems(document)
    for problem in problems:
        yield FileFinding(file, _line(root, problem.where), problem)


def _is_package(document: Any) -> bool:
    return isinstance(document, dict) and "package_code" in document


def _item_problems(document: Any) -> list[Problem]:
    if not isinstance(document, dict):
        return [Problem("element_invalid", "", "应为一个事项 / must be one item")]
    retirement = document.pop("retirement", None)
    wrong = RetirementSchema().validate(retirement) if isinstance(retirement, dict) else {}
    problems = [Problem("element_invalid", f"retirement.{name}", str(said)) for name, said in wrong.items()]
    if retirement is not None and not isinstance(retirement, dict):
        problems.append(Problem("element_invalid", "retirement", "应有日期和原因 / needs a date and a reason"))
    return problems + findings_of(document)


def _package_problems(file: Path) -> list[Problem]:
    """With the items of the folder beside it."""
    try:
        definition = read_package(file).definition
    except CatalogFileError as error:
        return [Problem("element_invalid", "", str(error))]
    return merge(definition, dict(_items(file.parent.parent / "items")), 1)[1]


def _items(folder: Path) -> Iterator[tuple[str, Item]]:
    for file in sorted(folder.glob("*.yaml")):
        try:
            entry = read_entry(file)
        except (CatalogFileError, ma.ValidationError):
            continue  # said where that file is judged
        if entry.retirement is None:
            yield entry.definition.item_code, to_item(entry.definition, 1)


def _line(root: yaml.Node | None, where: str) -> int:
    """Follows the path into the file as far as it goes; what a shared part says stands where it is used."""
    if root is None:
        return 1
    node, line = root, root.start_mark.line
    for name in filter(None, where.split(".")):
        found = _child(node, name) or _child(node, USE)
        if found is None:
            break
        node, line = found
    return line + 1


def _child(node: yaml.Node, name: str) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.SequenceNode) and name.isdigit() and int(name) < len(node.value):
        inner = node.value[int(name)]
        return inner, inner.start_mark.line
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == name:
                return value, key.start_mark.line
    return None


def _line_of_error(error: Exception) -> int:
    mark = getattr(error, "problem_mark", None)
    return mark.line + 1 if mark is not None else 1
