"""Is a schema still the same version? Old messages must be readable by new code, and new ones by code already out there.

Within a version only two things may change: words (titles, descriptions), and an object may gain an optional field. All else
is refused: a field removed, renamed, of another type or with another default; a field that became required (old messages
lack it) or optional (old readers need it); fewer values of an enumeration (old messages have them) or more (old readers
refuse them).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

WORDS = {"title", "description", "$id", "$schema", "$defs"}
Schema = Mapping[str, Any]


def changes(released: Schema, current: Schema) -> list[str]:
    """Every incompatible change, as ``path: what``; empty when ``current`` is still the released version."""
    return list(_Comparison(released, current).differences(released, current, "data"))


def lost_events(released: set[str], current: set[str]) -> set[str]:
    """Types that were released and are gone too early: a major may go when a newer one was released with it."""
    return {name for name in released - current if not any(_newer(other, name) for other in released & current)}


def _newer(other: str, name: str) -> bool:
    family, _, version = name.rpartition(".v")
    other_family, _, other_version = other.rpartition(".v")
    return family == other_family and int(other_version) > int(version)


class _Comparison:
    """Walks two schemas together; remembers which pairs of definitions it has been through."""

    def __init__(self, released: Schema, current: Schema) -> None:
        self._old_definitions = released.get("$defs", {})
        self._new_definitions = current.get("$defs", {})
        self._seen: set[tuple[str, str]] = set()

    def differences(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        pair = old.get("$ref", ""), new.get("$ref", "")
        if any(pair):
            if pair in self._seen:
                return
            self._seen.add(pair)
        old, new = _resolve(old, self._old_definitions), _resolve(new, self._new_definitions)
        yield from self._properties(old, new, path)
        yield from _required(old, new, path)
        for key in sorted((old.keys() | new.keys()) - WORDS - {"properties", "required"}):
            yield from self._keyword(key, old.get(key), new.get(key), path)

    def _properties(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name, schema in before.items():
            if name in after:
                yield from self.differences(schema, after[name], f"{path}.{name}")
            else:
                yield f"{path}.{name}: removed or renamed"

    def _keyword(self, key: str, old: Any, new: Any, path: str) -> Iterator[str]:
        if key == "enum" and old and new:
            yield from _values(old, new, path)
        elif key in {"items", "additionalProperties"} and isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from self.differences(old, new, f"{path}[]")
        elif key in {"anyOf", "oneOf", "allOf", "prefixItems"} and old and new and len(old) == len(new):
            for before, after in zip(old, new, strict=True):
                yield from self.differences(before, after, path)
        elif old != new:
            yield f"{path}: {key} was {old!r}, is {new!r}"


def _resolve(schema: Schema, definitions: Schema) -> Schema:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    return {**definitions[reference.removeprefix("#/$defs/")], **beside}


def _required(old: Schema, new: Schema, path: str) -> Iterator[str]:
    before, after = set(old.get("required", ())), set(new.get("required", ()))
    kept = old.get("properties", {}).keys() & new.get("properties", {}).keys()
    for name in sorted(after - before):
        yield f"{path}.{name}: became required" if name in kept else f"{path}.{name}: new and required"
    for name in sorted((before - after) & kept):
        yield f"{path}.{name}: became optional"


def _values(old: list[Any], new: list[Any], path: str) -> Iterator[str]:
    for value in old:
        if value not in new:
            yield f"{path}: value {value!r} removed"
    for value in new:
        if value not in old:
            yield f"{path}: value {value!r} added"
