"""Judges a form with the JSON Schema library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator

from services.catalog.domain.form_rules import pattern_problems, references
from services.catalog.domain.problems import Problem


def form_schema_problems(schema: Mapping[str, Any]) -> list[Problem]:
    """What keeps ``schema`` from being used: every breach of the meta-schema of draft 2020-12, and false examples."""
    if any(references(schema)) or any(pattern_problems(schema)):
        return []  # refused already; following a reference would fetch what a stranger wrote, a pattern might take for ever
    broken = list(_breaches(schema))
    return broken or list(_examples(schema))


def _breaches(schema: Mapping[str, Any]) -> Iterator[Problem]:
    meta = Draft202012Validator(Draft202012Validator.META_SCHEMA)
    for error in sorted(meta.iter_errors(schema), key=lambda error: error.json_path):
        where = ".".join(["form_schema", *map(str, error.absolute_path)])
        yield Problem("form_schema_invalid", where, f"不是有效的 JSON Schema / no valid JSON Schema: {error.message}")


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
