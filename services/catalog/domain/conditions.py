"""Conditions on the answers of a form: are they possible, and which of them can hold together?"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from contracts.item import Answer, Condition
from services.catalog.domain.problems import Problem

OTHER = "\0 an answer that no condition names"
Answers = Mapping[str, Answer | None]


def fields_of(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields of a form, none of one that is no form."""
    properties = schema.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def holds(condition: Condition, answer: Answer | None) -> bool:
    """Whether ``condition`` holds for the answer to its field; an answer that is not given (None) meets none."""
    if answer is None:
        return False
    if condition.one_of and not any(_same(answer, one) for one in condition.one_of):
        return False
    bounded = condition.at_least is not None or condition.at_most is not None
    if not bounded:
        return True
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        return False
    return (condition.at_least is None or answer >= condition.at_least) and (
        condition.at_most is None or answer <= condition.at_most
    )


def all_hold(conditions: Iterable[Condition], answers: Answers) -> bool:
    """Whether every condition holds."""
    return all(holds(condition, answers.get(condition.field)) for condition in conditions)


def condition_problems(conditions: Sequence[Condition], schema: Mapping[str, Any], where: str) -> Iterator[Problem]:
    """Each condition asks something, of a field that the form has, that can be answered so."""
    for n, condition in enumerate(conditions):
        place = f"{where}.{n}"
        if not condition.one_of and condition.at_least is None and condition.at_most is None:
            yield Problem("condition_empty", place, "条件应给出取值或范围 / a condition needs values or bounds")
        field = fields_of(schema).get(condition.field)
        if not isinstance(field, Mapping):
            yield Problem(
                "condition_field_unknown",
                f"{place}.field",
                f"条件所用填写项 {condition.field} 不在表单中 / the form has no field {condition.field}",
            )
        elif field.get("type") not in ("string", "boolean", "integer", "number") and _choices(field) is None:
            yield Problem(
                "condition_field_kind",
                f"{place}.field",
                "条件只能用于单值填写项 / a condition can be set only on a field with a single value",
            )
        elif not any(holds(condition, answer) for answer in _answers(field, [condition])):
            yield Problem(
                "condition_never_holds",
                place,
                f"按表单，填写项 {condition.field} 不可能满足该条件 / no answer to {condition.field} can meet the condition",
            )


def combinations(rules: Sequence[Sequence[Condition]], schema: Mapping[str, Any], most: int) -> list[Answers] | None:
    """Answers that between them bring about every set of ``rules`` that can hold at once, None if more than ``most``.

    ``rules`` are lists of conditions that have no problems. Answers that meet the same conditions count once.
    """
    asked: dict[str, list[Condition]] = {}
    for condition in itertools.chain.from_iterable(rules):
        asked.setdefault(condition.field, []).append(condition)
    choices = [_distinct(schema, field, conditions) for field, conditions in sorted(asked.items())]
    total = 1
    for one in choices:
        total *= len(one)
    if total > most:
        return None
    return [dict(zip(sorted(asked), answers, strict=True)) for answers in itertools.product(*choices)]


def _distinct(schema: Mapping[str, Any], field: str, conditions: Sequence[Condition]) -> list[Answer | None]:
    """One answer for each set of the conditions that can hold together."""
    possible = _answers(schema["properties"][field], conditions)
    required = schema.get("required")
    if not isinstance(required, list) or field not in required:
        possible.append(None)
    found: dict[tuple[bool, ...], Answer | None] = {}
    for answer in possible:
        found.setdefault(tuple(holds(condition, answer) for condition in conditions), answer)
    return list(found.values())


def _answers(field: Mapping[str, Any], conditions: Sequence[Condition]) -> list[Answer | None]:
    """Answers that the field allows, one at least of each kind that the conditions tell apart."""
    choices = _choices(field)
    if choices is not None:
        return choices
    named: list[Answer] = [answer for condition in conditions for answer in condition.one_of]
    if field.get("type") == "string":
        return [*(answer for answer in named if isinstance(answer, str)), OTHER]
    bounds = [b for c in conditions for b in (c.at_least, c.at_most) if b is not None]
    numbers = [a for a in named if isinstance(a, int | float) and not isinstance(a, bool)]
    step = 1 if field.get("type") == "integer" else 1e-6
    near = {n + delta for n in (*numbers, *bounds) for delta in (-step, 0, step)}
    low, high = _bound(field.get("minimum"), float("-inf")), _bound(field.get("maximum"), float("inf"))
    return [n for n in sorted({*near, low, high}) if low <= n <= high]


def _bound(said: Any, endless: float) -> float:
    return said if isinstance(said, int | float) else endless


def _choices(field: Mapping[str, Any]) -> list[Answer | None] | None:
    """The answers of a field that lists them, None if it does not."""
    if "const" in field:
        return [field["const"]]
    if isinstance(field.get("enum"), list):
        return list(field["enum"])
    listed = field.get("oneOf") or field.get("anyOf")
    if isinstance(listed, list) and listed and all(isinstance(one, Mapping) and "const" in one for one in listed):
        return [one["const"] for one in listed]
    return [True, False] if field.get("type") == "boolean" else None


def _same(one: Answer, other: Answer) -> bool:
    """True is not 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)
