from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.catalog.adapters.catalog_files import read_entry
from services.catalog.adapters.definition_document import ItemDefinitionSchema, definition_of, document_of
from services.catalog.adapters.findings import findings_of
from services.catalog.domain.publishing import RULES, Rule
from tests.services.catalog.conftest import CATALOGS
from tests.services.catalog.definitions import (
    CHARGED,
    FEE,
    NOT_NEEDED,
    PHONE,
    PROMISE,
    PROVIDER,
    QUESTION,
    SPRING,
    VENUE,
    Document,
    both,
    problems_of,
    put,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: getattr(rule.check, "__name__", "rule"))
def test_a_rule_reads_no_more_than_it_says(school_bus: Document, rule: Rule) -> None:
    """So what can be judged of a definition with holes is judged."""
    definition = definition_of(ItemDefinitionSchema().load(school_bus))
    only = SimpleNamespace(**{name: getattr(definition, name) for name in rule.reads})
    assert [problem for problem in rule.check(only) if not problem.advice] == []  # type: ignore[arg-type]


def test_schema_and_rules_speak_together(school_bus: Document) -> None:
    del school_bus["name"]
    both(put("fee", {"charged": "maybe"}), put("materials.0.basis", ""), put("colour", 1))(school_bus)
    found = [(p.code, p.where) for p in findings_of(school_bus) if not p.advice]
    assert found == [
        ("element_missing", "name"),
        ("element_invalid", "fee.charged"),
        ("element_invalid", "colour"),
        ("material_basis_missing", "materials.0.basis"),
    ]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 9)
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "x", "education", "(("]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["field", "one_of", "properties", "pattern", "allOf", "const"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


def places(node: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [place for key, value in pairs for place in [(*way, key), *places(value, (*way, key))]]


def _rich() -> Document:
    document = document_of(read_entry(CATALOGS / "items" / "school-bus-permit.yaml").definition)
    both(
        put("plan.1.when", [PROVIDER, {"field": "seats", "at_least": 20}]), put("venues", [VENUE]),
        put("commitment", PROMISE), put("batches", [SPRING]), put("eligibility", [QUESTION]),
        put("fee", CHARGED | {"items": [FEE]}),
        put("enquiry_channels", [PHONE]), put("materials.6.when", [PROVIDER]), put("materials.6.not_required", NOT_NEEDED),
        put("form_schema.allOf", [{"if": {"properties": {"seats": {"minimum": 20}}}, "then": {"required": ["stops"]}}]),
    )(document)  # fmt: skip
    return document


RICH = _rich()


@settings(max_examples=25)
@given(st.data())
def test_whatever_is_written_is_judged(data: st.DataObject) -> None:
    document = copy.deepcopy(RICH)
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from(places(document)))
        node: Any = document
        for name in way:
            node = node[name]
        node[last] = data.draw(JSON)
    for problem in findings_of(document):
        assert " / " in problem.detail


def test_a_rich_definition_is_the_same_after_writing_and_reading() -> None:
    assert problems_of(RICH) == []
    definition = definition_of(ItemDefinitionSchema().load(RICH))
    again = document_of(definition)
    assert definition_of(ItemDefinitionSchema().load(again)) == definition
    assert again["plan"][1]["when"][1] == {"field": "seats", "at_least": 20.0}
