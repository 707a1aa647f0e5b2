"""What ships in catalogs/: every file publishes, says only what is known, and the packages merge."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.item import Item
from services.catalog.adapters.catalog_files import CatalogEntry, read_entry
from services.catalog.adapters.catalog_parts import PartError, read_document
from services.catalog.adapters.findings import all_findings
from services.catalog.adapters.package_document import read_package
from services.catalog.domain.definition import to_item
from services.catalog.domain.merging import merge
from tests.services.catalog.conftest import CATALOGS

FILES = sorted((CATALOGS / "items").glob("*.yaml"))
UNVERIFIED = {
    "cooperative-project", "university-establishment", "university-charter", "foreign-children-school", "school-transfer",
    "foreign-degree-recognition", "education-exhibition",
}  # fmt: skip
"""Items whose special limit no source was found for: only the default of 行政许可法 §42 may be claimed."""
LIMITS = {
    "teacher-qualification": ((30, "day"), "batch_closed"),
    "private-school-preparation": ((30, "day"), "accepted"),
    "private-school-establishment": ((3, "month"), "accepted"),
    "private-school-change": ((3, "month"), "accepted"),
    "private-university-establishment": ((6, "month"), "accepted"),
    "cooperative-institution-preparation": ((45, "working_day"), "accepted"),
    "cooperative-institution-establishment": ((6, "month"), "accepted"),
    "degree-authorisation": ((90, "day"), "accepted"),
    "teacher-appeal": ((30, "day"), "received"),
}


@cache
def entry(name: str) -> CatalogEntry:
    return read_entry(CATALOGS / "items" / f"{name}.yaml")


def items() -> dict[str, Item]:
    shipped = [entry(file.stem) for file in FILES]
    return {one.definition.item_code: to_item(one.definition, 1) for one in shipped if one.retirement is None}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_shipped_item_keeps_every_rule_of_publishing(file: Path) -> None:
    assert [problem for problem in all_findings(entry(file.stem).definition) if not problem.advice] == []


def test_thirty_items_and_more_are_in_force_and_what_was_cancelled_is_there_to_be_refused() -> None:
    assert len(items()) >= 30
    assert {file.stem for file in FILES if entry(file.stem).retirement} == {
        "study-abroad-agency",
        "education-exhibition",
    }
    assert len({one.basic_code for one in items().values()}) == len(items())


@pytest.mark.parametrize(("name", "said"), LIMITS.items(), ids=LIMITS)
def test_limits_are_in_the_laws_own_units_and_begin_where_the_law_says(name: str, said: Any) -> None:
    definition = entry(name).definition
    limit, start = said
    assert (definition.statutory_limit.amount, definition.statutory_limit.unit) == limit
    assert definition.clock_starts_on == start
    assert definition.limit_basis


@pytest.mark.parametrize("name", sorted(UNVERIFIED))
def test_what_is_not_verified_is_not_claimed(name: str) -> None:
    definition = entry(name).definition
    assert (definition.statutory_limit.amount, definition.statutory_limit.unit) == (20, "working_day")
    assert definition.committed_limit == definition.statutory_limit
    assert not definition.limit_basis
    assert "核实" in definition.limit_note or entry(name).retirement


def test_departments_work_side_by_side_and_some_only_where_the_answers_need_them() -> None:
    plan = {step.step: step for step in entry("private-school-establishment").definition.plan}
    beside = [step for step in plan.values() if step.kind == "opinion"]
    assert len({step.department for step in beside}) == 5
    assert {step.after for step in beside} == {("accept",)}
    assert [step.step for step in beside if step.when] == ["civil_opinion", "market_opinion"]


@pytest.mark.parametrize("file", sorted((CATALOGS / "packages").glob("*.yaml")), ids=lambda file: file.stem)
def test_a_shipped_package_merges_its_items(file: Path) -> None:
    definition = read_package(file).definition
    package, problems = merge(definition, items(), 1)
    assert problems == []
    assert len(package.parts) == len(definition.parts) >= 2
    asked = sum(len(items()[part.item_code].materials) for part in package.parts)
    assert len(package.materials) < asked  # what two items ask for is handed in once


@pytest.mark.parametrize("file", sorted(CATALOGS.rglob("*.yaml")), ids=lambda file: file.stem)
def test_a_shipped_file_is_yaml_to_every_reader(file: Path) -> None:
    """The C library takes a question mark in a flow mapping that others do not."""
    text = file.read_text("utf-8")
    assert yaml.load(text, Loader=yaml.SafeLoader) == yaml.load(text, Loader=yaml.CSafeLoader)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_a_file_takes_over_shared_parts_and_its_own_words_go_before(tmp_path: Path) -> None:
    write(tmp_path, "shared/a.yaml", "base: {x: 1, y: 2}\nmore: {use: base, y: 3}\nlist: [1, {use: base}]\n")
    file = write(tmp_path, "items/i.yaml", "use: more\nz: {use: list}\nx: 9\n")
    assert read_document(file) == {"x": 9, "y": 3, "z": [1, {"x": 1, "y": 2}]}


@pytest.mark.parametrize(
    "shared",
    ["a: {use: b}\nb: {use: a}\n", "c: 1\n", "a: [1]\n"],
    ids=["in a circle", "not there", "a list with additions"],
)
def test_parts_that_lead_nowhere_are_named(tmp_path: Path, shared: str) -> None:
    write(tmp_path, "shared/a.yaml", shared)
    with pytest.raises(PartError):
        read_document(write(tmp_path, "items/i.yaml", "use: a\nx: 1\n"))
