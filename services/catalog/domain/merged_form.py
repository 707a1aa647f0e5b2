"""JSON Schemas of several forms put together: names changed, conditions as schemas, what is the same field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.item import Condition

_BRANCHES = ("allOf", "anyOf", "oneOf")
_BRANCH = ("if", "then", "else", "not")
_WORDS = ("title", "title_en", "description", "description_en", "examples", "default")


def required_of(schema: Mapping[str, Any]) -> list[str]:
    """Fields that the form always asks for."""
    required = schema.get("required")
    return [name for name in required if isinstance(name, str)] if isinstance(required, list) else []


def same_field(one: Any, other: Any) -> bool:
    """Whether two fields take the same answers, whatever they are called."""
    return bool(_without_words(one) == _without_words(other))


def condition_schema(conditions: Sequence[Condition]) -> dict[str, Any]:
    """A schema that the answers meet when all ``conditions`` hold."""
    each = [_one_condition(condition) for condition in conditions]
    return each[0] if len(each) == 1 else {"allOf": each}


def renamed_fragment(schema: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The conditional rules of a form's own level, with its fields renamed; its fields and what it always asks for left out."""
    inner = {key: value for key, value in schema.items() if key not in ("properties", "required")}
    return _renamed(inner, names)


def _renamed(schema: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "required":
            result[key] = [names.get(name, name) for name in value]
        elif key in ("properties", "dependentSchemas") and isinstance(value, Mapping):
            deeper = key == "dependentSchemas"
            result[key] = {
                names.get(name, name): _renamed(inner, names) if deeper and isinstance(inner, Mapping) else inner
                for name, inner in value.items()
            }
        elif key == "dependentRequired" and isinstance(value, Mapping):
            result[key] = {names.get(n, n): [names.get(name, name) for name in listed] for n, listed in value.items()}
        elif key in _BRANCHES and isinstance(value, list):
            result[key] = [_renamed(one, names) if isinstance(one, Mapping) else one for one in value]
        elif key in _BRANCH:
            result[key] = _renamed(value, names) if isinstance(value, Mapping) else value
    return result


def _one_condition(condition: Condition) -> dict[str, Any]:
    field: dict[str, Any] = {"enum": list(condition.one_of)} if condition.one_of else {"type": "number"}
    bounds = {"minimum": condition.at_least, "maximum": condition.at_most}
    field |= {name: bound for name, bound in bounds.items() if bound is not None}
    if len(field) > 1 or "enum" not in field:
        field["type"] = "number"
    return {"properties": {condition.field: field}, "required": [condition.field]}


def _without_words(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_words(inner) for key, inner in value.items() if key not in _WORDS}
    return [_without_words(inner) for inner in value] if isinstance(value, list) else value
