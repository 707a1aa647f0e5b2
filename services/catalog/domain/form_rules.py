"""What a form must keep beyond being a JSON Schema: closed, titled in both languages, complete in itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from services.catalog.domain.problems import Problem

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REFERENCES = ("$ref", "$dynamicRef", "$id", "$anchor", "$dynamicAnchor")


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
    yield from _titles(schema.get("properties"))
    yield from references(schema)


def _titles(properties: Any) -> Iterator[Problem]:
    if not isinstance(properties, Mapping) or not properties:
        yield Problem("form_empty", "form_schema.properties", "表单应有填写项 / the form must have fields")
        return
    for name, field in properties.items():
        titles = [field.get("title"), field.get("title_en")] if isinstance(field, Mapping) else [None]
        if not all(isinstance(title, str) and title.strip() for title in titles):
            yield Problem(
                "form_title_missing",
                f"form_schema.properties.{name}",
                "填写项应有中英文标题 / every field needs title and title_en",
            )


def printed_fields_rules(printed: Sequence[str], schema: Mapping[str, Any]) -> Iterator[Problem]:
    """Only what the form asks for can be printed on the licence."""
    for name in printed:
        if name not in schema.get("properties", {}):
            yield Problem(
                "printed_field_unknown",
                f"result.licence.printed_fields.{name}",
                "打印项不在表单中 / the licence prints a field that the form does not have",
            )


def references(node: Any, where: str = "form_schema") -> Iterator[Problem]:
    """A reference could lead to what a stranger can change, or round in a circle; a form is short enough to do without."""
    children: Mapping[Any, Any] = node if isinstance(node, Mapping) else {}
    if isinstance(node, list):
        children = dict(enumerate(node))
    for key, value in children.items():
        if key in _REFERENCES:
            yield Problem("form_reference", f"{where}.{key}", "表单不得使用引用 / a form must not use references")
        yield from references(value, f"{where}.{key}")
