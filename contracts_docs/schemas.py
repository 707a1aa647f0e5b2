"""JSON Schema (2020-12) of each event's data, as msgspec reads and writes it. Unknown fields pass: consumers ignore them."""

from __future__ import annotations

from inspect import cleandoc
from typing import Any

import msgspec

from contracts.envelope import Envelope, schema_address
from contracts.registry import EventSpec

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(spec: EventSpec) -> dict[str, Any]:
    """Schema of one event's ``data``; its ``$id`` is the envelope's ``dataschema``."""
    address = schema_address(spec.event.TYPE)
    return {"$schema": DIALECT, "$id": address} | _inlined(spec.event)


def envelope_schema() -> dict[str, Any]:
    """Schema of the CloudEvents envelope."""
    return _inlined(Envelope)


def _inlined(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """The struct's own schema at the top, those it refers to under ``$defs``."""
    schema = msgspec.json.decode(msgspec.json.encode(msgspec.json.schema(struct)))  # as a reader of the file sees it
    definitions = schema["$defs"]
    for definition in definitions.values():
        definition["description"] = cleandoc(definition["description"])  # Python before 3.13 keeps the indentation
    top: dict[str, Any] = definitions.pop(struct.__name__)
    return top | ({"$defs": definitions} if definitions else {})
