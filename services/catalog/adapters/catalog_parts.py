"""YAML of catalogue files, and the parts that several of them share (``<catalog_dir>/shared/*.yaml``).

A mapping with ``use: name`` takes over the part of that name; what it says itself goes before. Parts may use parts. A mapping
that says nothing but ``use`` becomes the part, which may then be a list.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

USE = "use"
SHARED = "shared"
_DEEPEST = 20
_known: dict[Path, tuple[float, Mapping[str, Any]]] = {}


class PartError(Exception):
    """A part that is not there, is there twice, or leads back to itself."""


class _Loader(yaml.CSafeLoader):
    """Dates stay text, as in JSON; the schema reads them."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def read_document(file: Path) -> Any:
    """What ``file`` says, parts resolved. Raises yaml.YAMLError, UnicodeDecodeError, PartError, OSError."""
    return _resolved(_read(file), parts_for(file), 0)


def parts_for(file: Path) -> Mapping[str, Any]:
    """Every shared part for a file of a catalogue: ``shared`` beside the file or beside its folder."""
    parts: dict[str, Any] = {}
    for folder in (file.parent / SHARED, file.parent.parent / SHARED):
        for one in sorted(folder.glob("*.yaml")):
            found = _parts_of(one)
            if twice := parts.keys() & found.keys():
                raise PartError(f"{one.name}: 共用要素重名 / parts are named twice: {', '.join(sorted(twice))}")
            parts |= found
    return parts


def _parts_of(file: Path) -> Mapping[str, Any]:
    changed = file.stat().st_mtime
    known = _known.get(file)
    if known is None or known[0] != changed:
        content = _read(file)
        if not isinstance(content, Mapping):
            raise PartError(f"{file.name}: 应为“名称: 内容” / must map names to parts")
        known = _known[file] = (changed, content)
    return known[1]


def _read(file: Path) -> Any:
    return yaml.load(file.read_text("utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader


def _resolved(node: Any, parts: Mapping[str, Any], depth: int) -> Any:
    if depth > _DEEPEST:
        raise PartError("共用要素互相引用或层次过深 / parts use each other in a circle, or too deeply")
    if isinstance(node, list):
        return [_resolved(inner, parts, depth + 1) for inner in node]
    if not isinstance(node, Mapping):
        return node
    own = {key: _resolved(inner, parts, depth + 1) for key, inner in node.items() if key != USE}
    if USE not in node:
        return own
    name = node[USE]
    if not isinstance(name, str) or name not in parts:
        raise PartError(f"没有共用要素 / there is no part: {name}")
    part = _resolved(parts[name], parts, depth + 1)
    if not own:
        return part
    if not isinstance(part, Mapping):
        raise PartError(f"共用要素 {name} 不能补充内容 / nothing can be added to the part {name}")
    return {**part, **own}
