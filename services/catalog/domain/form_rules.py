"""What a form must keep beyond being a JSON Schema: closed, in both languages, complete in itself, quickly judged.

Conditional parts (if/then/else, dependentRequired, dependentSchemas, allOf, anyOf, oneOf) may ask for fields of the form or bound
them; they bring no fields of their own, which a closed form would refuse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from services.catalog.domain.conditions import fields_of
from services.catalog.domain.patterns import pattern_fault
from services.catalog.domain.problems import Problem

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MOST_NODES, MOST_BRANCHES = 4000, 64
_REFERENCES = ("$ref", "$dynamicRef", "$id", "$anchor", "$dynamicAnchor")
_BRANCHING = ("allOf", "anyOf", "oneOf")
_CONDITIONAL = ("if", "then", "else", "not")
_NOT_SCHEMAS = ("examples", "default", "const", "enum")


def form_rules(schema: Mapping[str, Any]) -> Iterator[Problem]:
    """Every breach of ``schema``, the form of an item."""
    if schema.get("$schema") != DIALECT:
        yield Problem(
            "form_dialect", "form_schema.$schema", f"表单应声明 {DIALECT} / the form must declare this dialect"
        )
    if schema.get("type") != "object" or schema.get("additionalProperties") is not False:
        yield Problem(
            "form_open",
            "form_schema",
            "表单应为 object 且 additionalProperties 为 false / the form must be a closed object",
        )
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        yield Problem("form_empty", "form_schema.properties", "表单应有填写项 / the form must have fields")
    else:
        yield from _titles(properties, "form_schema.properties")
        yield from _unknown_names(schema, frozenset(properties))
    yield from references(schema)
    yield from _size(schema)
    yield from pattern_problems(schema)


def printed_fields_rules(printed: Sequence[str], schema: Mapping[str, Any]) -> Iterator[Problem]:
    """Only what the form asks for can be printed on the licence."""
    for name in printed:
        if name not in fields_of(schema):
            yield Problem(
                "printed_field_unknown",
                f"result.licence.printed_fields.{name}",
                "打印项不在表单中 / the licence prints a field that the form does not have",
            )


def references(node: Any, where: str = "form_schema") -> Iterator[Problem]:
    """A reference could lead to what a stranger can change, or round in a circle; a form is short enough to do without."""
    for key, value, place in _children(node, where):
        if key in _REFERENCES:
            yield Problem("form_reference", place, "表单不得使用引用 / a form must not use references")
        yield from references(value, place)


def pattern_problems(node: Any, where: str = "form_schema") -> Iterator[Problem]:
    """Patterns compile and cannot take for ever."""
    for key, value, place in _children(node, where):
        if key in _NOT_SCHEMAS:
            continue
        if key == "pattern" and isinstance(value, str):
            yield from _pattern(value, place)
        if key == "patternProperties" and isinstance(value, Mapping):
            for pattern in value:
                yield from _pattern(pattern, place)
        yield from pattern_problems(value, place)


def _pattern(pattern: str, where: str) -> Iterator[Problem]:
    try:
        re.compile(pattern)
    except (re.error, OverflowError) as error:
        yield Problem("form_pattern_invalid", where, f"正则表达式有误 / bad pattern: {error}")
        return
    fault = pattern_fault(pattern)
    if fault:
        yield Problem("form_pattern_slow", where, fault)


def _titles(properties: Mapping[Any, Any], where: str) -> Iterator[Problem]:
    for name, field in properties.items():
        place = f"{where}.{name}"
        if not isinstance(field, Mapping) or not _both(field, "title", needed=True):
            yield Problem("form_title_missing", place, "填写项应有中英文标题 / every field needs title and title_en")
            continue
        if not _both(field, "description", needed=False):
            yield Problem(
                "form_help_one_language", place, "填写说明应有中英文 / help needs description and description_en"
            )
        choices = [one for key in ("oneOf", "anyOf") for one in _list(field.get(key))]
        for n, choice in enumerate(choices):
            if isinstance(choice, Mapping) and "const" in choice and not _both(choice, "title", needed=True):
                yield Problem(
                    "form_choice_untitled", f"{place}.{n}", "选项应有中英文标题 / every choice needs both titles"
                )
        for inner in (field, field.get("items")):
            if isinstance(inner, Mapping) and isinstance(inner.get("properties"), Mapping):
                yield from _titles(inner["properties"], f"{place}.properties")


def _both(part: Mapping[Any, Any], name: str, *, needed: bool) -> bool:
    said = [isinstance(text, str) and bool(text.strip()) for text in (part.get(name), part.get(f"{name}_en"))]
    return all(said) or (not needed and not any(said))


def _unknown_names(node: Mapping[Any, Any], known: frozenset[str], where: str = "form_schema") -> Iterator[Problem]:
    """Names that the form's own level asks for or bounds, in its conditional parts too, are fields of the form."""
    dependent = node.get("dependentRequired")
    asked = [*_list(node.get("required")), *(dependent if isinstance(dependent, Mapping) else ())]
    if isinstance(dependent, Mapping):
        asked += [name for names in dependent.values() for name in _list(names)]
    if where != "form_schema" and isinstance(node.get("properties"), Mapping):
        asked += node["properties"]
    for name in asked:
        if isinstance(name, str) and name not in known:
            yield Problem(
                "form_field_unknown",
                where,
                f"表单中没有填写项 {name} / the form has no field {name}, which it asks for",
            )
    dependents = node.get("dependentSchemas")
    branches = [(key, node.get(key)) for key in _CONDITIONAL]
    branches += [(f"{key}.{n}", one) for key in _BRANCHING for n, one in enumerate(_list(node.get(key)))]
    if isinstance(dependents, Mapping):
        branches += [(f"dependentSchemas.{name}", one) for name, one in dependents.items()]
    for key, branch in branches:
        if isinstance(branch, Mapping):
            yield from _unknown_names(branch, known, f"{where}.{key}")


def _size(schema: Mapping[str, Any]) -> Iterator[Problem]:
    """What each submission is judged by has an end: parts, and branches that may all have to be tried."""
    nodes, branches = _count(schema)
    if nodes > MOST_NODES or branches > MOST_BRANCHES:
        yield Problem(
            "form_too_complex",
            "form_schema",
            f"表单过于复杂：{nodes}个部分、{branches}个分支，上限{MOST_NODES}和{MOST_BRANCHES} / the form has {nodes} parts and "
            f"{branches} branches, more than {MOST_NODES} or {MOST_BRANCHES}",
        )


def _count(node: Any) -> tuple[int, int]:
    """Parts of ``node``, and branches that are no mere choice of a constant; nested ones multiply."""
    nodes, branches = 1, 0
    for key, value, _ in _children(node, ""):
        if key in _NOT_SCHEMAS:
            continue
        inner_nodes, inner_branches = _count(value)
        nodes += inner_nodes
        if key in _BRANCHING:
            tried = sum(not (isinstance(one, Mapping) and "const" in one) for one in _list(value))
            inner_branches = tried * max(1, inner_branches)
        branches += inner_branches
    return nodes, branches


def _children(node: Any, where: str) -> Iterator[tuple[Any, Any, str]]:
    pairs: Iterator[tuple[Any, Any]] | Any = ()
    if isinstance(node, Mapping):
        pairs = node.items()
    elif isinstance(node, list):
        pairs = enumerate(node)
    for key, value in pairs:
        yield key, value, f"{where}.{key}"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
