"""Judges a form with the JSON Schema library."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from services.catalog.domain.form_rules import references
from services.catalog.domain.problems import Problem


def form_schema_problems(schema: Mapping[str, Any]) -> list[Problem]:
    """What keeps ``schema`` from being used: not valid draft 2020-12, a pattern that does not compile, a false example."""
    if any(references(schema)):
        return []  # refused already, and following one would fetch what a stranger wrote
    bad_patterns = list(_patterns(schema, "form_schema"))
    if bad_patterns:
        return bad_patterns
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        where = ".".join(["form_schema", *map(str, error.absolute_path)])
        return [
            Problem("form_schema_invalid", where, f"不是有效的 JSON Schema / no valid JSON Schema: {error.message}")
        ]
    return list(_examples(schema))


def _patterns(node: Any, where: str) -> Iterator[Problem]:
    if isinstance(node, list):
        for n, inner in enumerate(node):
            yield from _patterns(inner, f"{where}.{n}")
    if not isinstance(node, Mapping):
        return
    for key, inner in node.items():
        if key == "pattern" and isinstance(inner, str):
            yield from _compiled(inner, f"{where}.{key}")
        if key == "patternProperties" and isinstance(inner, Mapping):
            for pattern in inner:
                yield from _compiled(pattern, f"{where}.{key}")
        yield from _patterns(inner, f"{where}.{key}")


def _compiled(pattern: str, where: str) -> Iterator[Problem]:
    try:
        re.compile(pattern)
    except re.error as error:
        yield Problem("form_pattern_invalid", where, f"正则表达式有误 / bad pattern: {error}")


def _examples(schema: Mapping[str, Any]) -> Iterator[Problem]:
    """An example that its own form refuses misleads everyone who follows it."""
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    for n, example in enumerate(schema.get("examples", ())):
        for error in validator.iter_errors(example):
            path = ".".join(map(str, error.absolute_path))
            yield Problem(
                "form_example_invalid",
                f"form_schema.examples.{n}.{path}",
                f"示例不符合表单 / the example does not fit the form: {error.message}",
            )
