"""What differs between two versions, structured: each change can be applied, and says in words what it is."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from services.catalog.domain.change_words import in_words

Kind = Literal["changed", "added", "removed", "reordered"]
Path = tuple[str, ...]
KEYS = ("code", "step", "item_code", "field")
"""What the parts of a list are told apart by, where all of them have it."""


@dataclass(frozen=True)
class Change:
    """One change. ``path`` leads through names, positions of lists (``0``) and parts of lists by their key (``code=plan``).

    ``before`` is None where something was added, ``after`` where it was removed. Of a list whose parts were only put into another
    order, they are the keys in their orders.
    """

    path: Path
    kind: Kind
    before: Any
    after: Any
    says: str
    says_en: str

    @property
    def pointer(self) -> str:
        """The path as a JSON pointer (RFC 6901), parts of lists by their key."""
        return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in self.path)


def differences(before: Any, after: Any) -> list[Change]:
    """Every change that leads from one document to the other, in the order in which they are to be applied."""
    found: list[Change] = []
    for path, kind, old, new in _changes(before, after, ()):
        zh, en = in_words(path, kind, old, new, before if kind == "removed" else after)
        found.append(Change(path, kind, old, new, zh, en))
    return found


def apply_changes(changes: Sequence[Change], document: Any) -> Any:
    """The document after the changes; ``document`` itself stays as it is. Raises KeyError where they do not fit it."""
    result = copy.deepcopy(document)
    for change in changes:
        if not change.path:
            result = copy.deepcopy(change.after)
            continue
        node = result
        for name in change.path[:-1]:
            node = node[_place(node, name)]
        _apply(node, change)
    return result


def _apply(node: Any, change: Change) -> None:
    last, value = change.path[-1], copy.deepcopy(change.after)
    if change.kind == "reordered":
        parts = node[_place(node, last)]
        key = _key_of(parts)
        by_key = {part[key]: part for part in parts}
        parts[:] = [by_key[name] for name in change.after]
    elif change.kind == "added" and isinstance(node, list):
        node.append(value)
    elif change.kind == "removed":
        del node[_place(node, last)]
    else:
        node[_place(node, last)] = value


def _changes(before: Any, after: Any, path: Path) -> Iterator[tuple[Path, Kind, Any, Any]]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _of_mappings(before, after, path)
    elif path and isinstance(before, list) and isinstance(after, list):
        key = _common_key(before, after)
        yield from _of_parts(before, after, path, key) if key else _of_lists(before, after, path)
    elif not _same(before, after):
        yield path, "changed", before, after


def _of_mappings(
    before: Mapping[str, Any], after: Mapping[str, Any], path: Path
) -> Iterator[tuple[Path, Kind, Any, Any]]:
    for name in [*before, *(name for name in after if name not in before)]:
        if name not in after:
            yield (*path, name), "removed", before[name], None
        elif name not in before:
            yield (*path, name), "added", None, after[name]
        else:
            yield from _changes(before[name], after[name], (*path, name))


def _of_parts(before: list[Any], after: list[Any], path: Path, key: str) -> Iterator[tuple[Path, Kind, Any, Any]]:
    """Lists whose parts have a key: what is gone, what is changed, what is new, and then the order."""
    old, new = ({part[key]: part for part in parts} for parts in (before, after))
    for name in old:
        if name not in new:
            yield (*path, f"{key}={name}"), "removed", old[name], None
    for name in old:
        if name in new:
            yield from _changes(old[name], new[name], (*path, f"{key}={name}"))
    for name in new:
        if name not in old:
            yield (*path, f"{key}={name}"), "added", None, new[name]
    order = [name for name in old if name in new] + [name for name in new if name not in old]
    if order != list(new):
        yield path, "reordered", order, list(new)


def _of_lists(before: list[Any], after: list[Any], path: Path) -> Iterator[tuple[Path, Kind, Any, Any]]:
    """Lists without a key: position by position if they hold parts, as a whole if they hold values."""
    if not all(isinstance(one, Mapping | list) for one in (*before, *after)):
        if not _same(before, after):
            yield path, "changed", before, after
        return
    for n, (one, other) in enumerate(zip(before, after, strict=False)):
        yield from _changes(one, other, (*path, str(n)))
    for n in range(len(before) - 1, len(after) - 1, -1):
        yield (*path, str(n)), "removed", before[n], None
    for n in range(len(before), len(after)):
        yield (*path, str(n)), "added", None, after[n]


def _place(node: Any, name: str) -> Any:
    """Where the part that a path calls ``name`` is in ``node``."""
    if not isinstance(node, list):
        return name
    key, sign, wanted = name.partition("=")
    if not sign:
        return int(name)
    for n, part in enumerate(node):
        if part[key] == wanted:
            return n
    raise KeyError(name)


def _common_key(before: list[Any], after: list[Any]) -> str | None:
    key = _key_of(before) if before else _key_of(after)
    return key if key and all(_is_keyed(parts, key) for parts in (before, after)) else None


def _key_of(parts: list[Any]) -> str | None:
    return next((key for key in KEYS if parts and _is_keyed(parts, key)), None)


def _is_keyed(parts: list[Any], key: str) -> bool:
    names = [part.get(key) if isinstance(part, Mapping) else None for part in parts]
    return all(isinstance(name, str) and name for name in names) and len(set(names)) == len(names)


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: True is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    return bool(one == other)
