"""All that is to be said of a written definition at once: what the schema refuses and what the rules find."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any, get_type_hints

import marshmallow as ma
import msgspec

from services.catalog.adapters.definition_document import ItemDefinitionSchema, definition_of
from services.catalog.adapters.form_schema import form_schema_problems
from services.catalog.domain.definition import ItemDefinition
from services.catalog.domain.problems import Problem
from services.catalog.domain.publishing import findings, partial_findings

_TYPES = get_type_hints(ItemDefinition)
_MISSING = "Missing data for required field."


def findings_of(document: Any) -> list[Problem]:
    """Problems and advice for ``document``, whatever it is. Rules that cannot judge for want of an element are left out."""
    try:
        return all_findings(definition_of(ItemDefinitionSchema().load(document)))
    except ma.ValidationError as error:
        return problems_of(error)


def all_findings(definition: ItemDefinition) -> list[Problem]:
    """Problems and advice for a definition that the schema takes."""
    return [*findings(definition), *form_schema_problems(definition.form_schema)]


def problems_of(error: ma.ValidationError) -> list[Problem]:
    """What the schema refuses, and what the rules say of the elements that it took."""
    refused = list(_flat(error.messages, ""))
    bad = {problem.where.split(".")[0] for problem in refused}
    loaded = error.valid_data if isinstance(error.valid_data, dict) else {}
    known = {name: msgspec.convert(value, _TYPES[name]) for name, value in loaded.items() if name not in bad}
    found = partial_findings(SimpleNamespace(**known), frozenset(known))
    if "form_schema" in known:
        found += form_schema_problems(known["form_schema"])
    return [*refused, *found]


def _flat(messages: Any, where: str) -> Iterator[Problem]:
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            yield from _flat(inner, where if key == "_schema" else f"{where}.{key}".lstrip("."))
        return
    for message in messages if isinstance(messages, list) else [messages]:
        if message == _MISSING:
            yield Problem("element_missing", where, "必填要素缺失 / a required element is missing")
        else:
            said = message if " / " in str(message) else f"填写有误 / {message}"
            yield Problem("element_invalid", where, said)
