"""One OpenAPI 3.1 document from those of the services, and the same in the shape that the page shows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.routes import METHODS, SERVICES

MISSING = "x-unavailable-services"
_REF = "#/components/"
API_KEY = {
    "type": "apiKey",
    "in": "header",
    "name": "X-Api-Key",
    "description": "开放资源密钥，用于公开数据，见 /developers / a key for public data, see /developers",
}


def merge(documents: Mapping[str, Mapping[str, Any] | None]) -> dict[str, Any]:
    """Paths and components of all. A component that two services define differently gets the service's name in front.

    Services without a document are listed in ``x-unavailable-services``. Each operation names its service in ``x-service``.
    """
    paths: dict[str, Any] = {}
    components: dict[str, dict[str, Any]] = {}
    tags: dict[str, Any] = {}
    for service, document in documents.items():
        if document is None:
            continue
        renamed = _renamed(service, document.get("components", {}), components)
        for section, entries in document.get("components", {}).items():
            for name, entry in entries.items():
                own_name = renamed.get(f"{_REF}{section}/{name}", f"{_REF}{section}/{name}").rpartition("/")[2]
                components.setdefault(section, {})[own_name] = _follow(entry, renamed)
        for path, item in document.get("paths", {}).items():
            paths.setdefault(path, {}).update(_of_service(service, _follow(item, renamed)))
        tags |= {tag["name"]: tag for tag in document.get("tags", [])}
    components.setdefault("securitySchemes", {})["apiKey"] = API_KEY
    return {
        "openapi": "3.1.0",
        "info": {"title": "通办 / Tongban", "version": "v1"},
        "servers": [{"url": "/"}],
        "tags": list(tags.values()),
        "paths": paths,
        "components": components,
        MISSING: [service for service, document in documents.items() if document is None],
    }


def _renamed(service: str, theirs: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Old reference -> new reference, for components whose name another service has taken for something else.

    A component that refers to a renamed one differs too: repeated until nothing more is renamed.
    """
    renamed: dict[str, str] = {}
    while True:
        found = {
            f"{_REF}{section}/{name}": f"{_REF}{section}/{service.title()}{name}"
            for section, entries in theirs.items()
            for name, entry in entries.items()
            if name in known.get(section, {}) and known[section][name] != _follow(entry, renamed)
        }
        if found.keys() <= renamed.keys():
            return renamed
        renamed |= found


def _follow(node: Any, renamed: Mapping[str, str]) -> Any:
    if isinstance(node, Mapping):
        return {
            key: renamed.get(value, value) if key == "$ref" and isinstance(value, str) else _follow(value, renamed)
            for key, value in node.items()
        }
    return [_follow(entry, renamed) for entry in node] if isinstance(node, list) else node


def _of_service(service: str, item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: {**value, "x-service": service} if key.upper() in METHODS else value  # beside methods: parameters, summary
        for key, value in item.items()
    }


@dataclass(frozen=True)
class Operation:
    """One operation as the page shows it. ``scope`` is None when no token is needed."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    scope: str | None
    parameters: list[dict[str, Any]]
    bodies: list[tuple[str, str]]
    responses: list[tuple[str, str, str]]


def sections(document: Mapping[str, Any]) -> dict[str, list[Operation]]:
    """Title of the service -> its operations, in the order of the document."""
    found: dict[str, list[Operation]] = {title: [] for title in SERVICES.values()}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method.upper() in METHODS:
                shown = _operation(document, path, method, item, operation)
                found[SERVICES[operation["x-service"]]].append(shown)
    return {title: operations for title, operations in found.items() if operations}


def schema_entries(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and JSON text of every schema."""
    return [(name, _text(schema)) for name, schema in sorted(document["components"].get("schemas", {}).items())]


def _operation(
    document: Mapping[str, Any], path: str, method: str, item: Mapping[str, Any], operation: Mapping[str, Any]
) -> Operation:
    scopes = [scope for need in operation.get("security", []) for names in need.values() for scope in names]
    parameters = [_resolve(document, p) for p in [*item.get("parameters", []), *operation.get("parameters", [])]]
    responses = [
        (status, response.get("description", ""), "; ".join(kind for kind, _ in _contents(response)))
        for status, response in ((s, _resolve(document, r)) for s, r in operation.get("responses", {}).items())
    ]
    return Operation(
        anchor=f"{method}-{path.strip('/').replace('/', '-')}".translate({ord("{"): None, ord("}"): None}),
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        description=operation.get("description", ""),
        scope=" ".join(scopes) if "security" in operation else None,
        parameters=[p | {"shown": _text(p.get("schema", {}))} for p in parameters],
        bodies=list(_contents(_resolve(document, operation.get("requestBody", {})))),
        responses=responses,
    )


def _contents(holder: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for media_type, content in holder.get("content", {}).items():
        yield media_type, _text(content.get("schema", {}))


def _resolve(document: Mapping[str, Any], node: Mapping[str, Any]) -> dict[str, Any]:
    """The node itself, or what it refers to inside the document; empty when that is not there."""
    reference = node.get("$ref")
    if not reference:
        return dict(node)
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found.get(part, {})
    return dict(found)


def _text(schema: Any) -> str:
    return json.dumps(schema, ensure_ascii=False, indent=2) if schema else ""
