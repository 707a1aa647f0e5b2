from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from contracts.item import Condition, Item, MaterialRule
from services.catalog.adapters.catalog_files import read_entry
from services.catalog.adapters.form_schema import form_schema_problems
from services.catalog.adapters.package_document import read_package
from services.catalog.domain.definition import to_item
from services.catalog.domain.merging import merge
from services.catalog.domain.package import FormHead, PackageDefinition, PartDefinition
from services.catalog.domain.package_rules import package_problems
from tests.factories.items import make_item
from tests.services.catalog.conftest import CATALOGS

A, B = "11370800MB285591844370105005001", "11370800MB285591844370105005002"
NAME = {"type": "string", "title": "姓名", "title_en": "Name"}
MOVES = {"type": "boolean", "title": "户口迁入", "title_en": "Moves in"}
MOVING = Condition(field="moves", one_of=(True,))


def rule(code: str, name: str, **more: Any) -> MaterialRule:
    base = {"required": True, "basis": "某法", "media_types": ("application/pdf", "image/png"), "max_bytes": 1000}
    return MaterialRule(**(base | {"code": code, "name": name, "name_en": name} | more))


def item(code: str, properties: dict[str, Any], *materials: MaterialRule, **schema: Any) -> Item:
    form = {"type": "object", "properties": properties, "additionalProperties": False} | schema
    return msgspec.structs.replace(make_item(), item_code=code, form_schema=form, materials=materials)


def package(*parts: PartDefinition, **questions: Any) -> PackageDefinition:
    return PackageDefinition(
        package_code="entry", name="入学一件事", name_en="Entry", summary="一次申请", summary_en="Once",
        effective_from=date(2026, 1, 1), lead_department="education", form=FormHead(title="申请表", title_en="Form"),
        parts=parts, questions=questions,
    )  # fmt: skip


def merged(definition: PackageDefinition, *items: Item) -> tuple[Any, list[str]]:
    by_code = {one.item_code: one for one in items}
    made, problems = merge(definition, by_code, 1)
    return made, [p.code for p in (*problems, *package_problems(definition, by_code, made))]


FIRST = item(A, {"name": NAME}, rule("id", "身份证"), rule("form", "申请表"), required=["name"])
SECOND = item(
    B,
    {"person": NAME | {"title": "申请人"}, "phone": NAME},
    rule("identity", "身份证", media_types=("image/png",), max_bytes=500, licence_type="x"),
    rule("form", "迁入申请"),
    required=["person"],
    **{"if": {"required": ["phone"]}, "then": {"properties": {"person": {"minLength": 2}}}},
)
BOTH = package(
    PartDefinition(item_code=A), PartDefinition(item_code=B, fields={"person": "name"}, when=(MOVING,)), moves=MOVES
)


def test_the_same_material_is_asked_for_once_and_satisfies_every_item() -> None:
    made, problems = merged(BOTH, FIRST, SECOND)
    assert problems == []
    rules = {one.code: one for one in made.materials}
    assert {code: one.name for code, one in rules.items()} == {"id": "身份证", "form": "申请表", "form_2": "迁入申请"}
    assert (rules["id"].media_types, rules["id"].max_bytes, rules["id"].licence_type) == (("image/png",), 500, "x")
    assert rules["id"].required
    assert rules["id"].when == ()
    assert rules["form_2"].when == (MOVING,)
    assert [part.materials for part in made.parts] == [
        {"id": "id", "form": "form"},
        {"identity": "id", "form": "form_2"},
    ]


@pytest.mark.parametrize(
    ("answers", "fits"),
    [
        ({"name": "甲", "moves": False}, True),
        ({"name": "甲", "moves": False, "phone": "1"}, True),
        ({"name": "甲", "moves": True, "phone": "1"}, False),
        ({"name": "某甲", "moves": True, "phone": "1"}, True),
        ({"moves": False}, False),
        ({"name": "甲", "colour": "red"}, False),
    ],
)
def test_one_form_asks_each_item_for_what_applies(answers: dict[str, Any], fits: bool) -> None:
    made, _ = merged(BOTH, FIRST, SECOND)
    Draft202012Validator.check_schema(made.form_schema)
    assert Draft202012Validator(made.form_schema).is_valid(answers) is fits
    assert [part.fields for part in made.parts] == [{"name": "name"}, {"person": "name", "phone": "phone"}]


@pytest.mark.parametrize(
    ("code", "definition", "items"),
    [
        ("package_too_small", package(PartDefinition(item_code=A)), (FIRST,)),
        ("package_part_repeated", package(PartDefinition(item_code=A), PartDefinition(item_code=A)), (FIRST,)),
        ("package_item_unavailable", BOTH, (FIRST,)),
        ("package_field_unknown", package(PartDefinition(item_code=A, fields={"x": "y"})), (FIRST,)),
        ("package_material_unknown", package(PartDefinition(item_code=A, materials={"x": "y"})), (FIRST,)),
        ("package_question_clash", package(PartDefinition(item_code=A), name=NAME), (FIRST,)),
        (
            "package_field_conflict",
            package(PartDefinition(item_code=A), PartDefinition(item_code=B)),
            (FIRST, item(B, {"name": NAME | {"type": "integer"}})),
        ),
        (
            "package_media_types",
            package(PartDefinition(item_code=A), PartDefinition(item_code=B)),
            (FIRST, item(B, {"name": NAME}, rule("id", "身份证", media_types=("image/jpeg",)))),
        ),
        (
            "package_lead_not_part",
            BOTH,
            tuple(msgspec.structs.replace(i, lead_department="health") for i in (FIRST, SECOND)),
        ),
        (
            "package_nothing_applies",
            package(
                PartDefinition(item_code=A, when=(MOVING,)),
                PartDefinition(item_code=B, fields={"person": "name"}, when=(MOVING,)),
                moves=MOVES,
            ),
            (FIRST, SECOND),
        ),
        (
            "package_part_never_applies",
            package(
                PartDefinition(item_code=A),
                PartDefinition(
                    item_code=B, fields={"person": "name"}, when=(MOVING, Condition(field="moves", one_of=(False,)))
                ),
                moves=MOVES,
            ),
            (FIRST, SECOND),
        ),
        (
            "condition_field_unknown",
            package(
                PartDefinition(item_code=A), PartDefinition(item_code=B, fields={"person": "name"}, when=(MOVING,))
            ),
            (FIRST, SECOND),
        ),
        ("form_title_missing", package(PartDefinition(item_code=A), moves={"type": "boolean"}), (FIRST,)),
    ],
)
def test_a_breach_of_a_package_is_found_under_its_stable_code(
    code: str, definition: PackageDefinition, items: tuple[Item, ...]
) -> None:
    assert code in merged(definition, *items)[1]


CODES = st.sampled_from(["id", "form", "plan"])
NAMES = st.sampled_from(["身份证", "申请表", "方案"])
RULES = st.builds(
    lambda code, name, required, kinds, size, later: rule(
        code, name, required=required, media_types=tuple(kinds), max_bytes=size, later_working_days=later
    ),
    CODES, NAMES, st.booleans(), st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True),
    st.integers(1, 9), st.none() | st.integers(1, 9),
)  # fmt: skip
LISTED = st.lists(RULES, max_size=3, unique_by=(lambda r: r.code, lambda r: r.name))


@given(LISTED, LISTED, st.booleans())
def test_what_satisfies_the_package_satisfies_each_item(
    first: list[MaterialRule], second: list[MaterialRule], conditional: bool
) -> None:
    definition = package(
        PartDefinition(item_code=A), PartDefinition(item_code=B, when=(MOVING,) if conditional else ()), moves=MOVES
    )
    made, problems = merge(definition, {A: item(A, {}, *first), B: item(B, {}, *second)}, 1)
    rules = {one.code: one for one in made.materials}
    assert len(rules) == len({one.name for one in (*first, *second)}) == len(made.materials)
    for part, asked in zip(made.parts, (first, second), strict=True):
        for one in asked:
            merged_rule = rules[part.materials[one.code]]
            assert merged_rule.name == one.name
            assert set(merged_rule.media_types) <= set(one.media_types)
            assert merged_rule.max_bytes <= one.max_bytes
            assert not one.required or merged_rule.required or (part.when and not merged_rule.when)
            assert one.later_working_days or not merged_rule.later_working_days
    assert bool(problems) == any(not one.media_types for one in made.materials)


def test_every_shipped_package_may_be_published() -> None:
    entries = [read_entry(file) for file in (CATALOGS / "items").glob("*.yaml")]
    items = {e.definition.item_code: to_item(e.definition, 1) for e in entries if e.retirement is None}
    for file in (CATALOGS / "packages").glob("*.yaml"):
        definition = read_package(file).definition
        made, problems = merge(definition, items, 1)
        found = [*problems, *package_problems(definition, items, made), *form_schema_problems(made.form_schema)]
        assert [(problem.code, problem.where) for problem in found if not problem.advice] == []
        assert sum(len(part.materials) for part in made.parts) >= len(made.materials)
