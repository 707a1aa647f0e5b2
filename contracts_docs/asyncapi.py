"""AsyncAPI 3.0: a channel per event type, an operation per party that sends or receives it."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from contracts.envelope import CONTENT_TYPE, schema_address
from contracts.registry import EVENTS, EventSpec
from contracts_docs.parties import Party
from contracts_docs.schemas import envelope_schema

EXCHANGE = {"name": "tongban.events", "type": "topic", "durable": True, "autoDelete": False, "vhost": "/"}


def asyncapi(parties: Sequence[Party]) -> dict[str, Any]:
    """The document. Payload schemas refer to ``schemas/<type>.json`` beside it."""
    return {
        "asyncapi": "3.0.0",
        "id": "urn:tongban:events",
        "info": {
            "title": "通办事件 / Tongban events",
            "version": "1.0.0",
            "description": "服务之间、部门系统与平台之间的事件。\n"
            "Events between services, and between department systems and the platform.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {name: _channel(name, spec) for name, spec in EVENTS.items()},
        "operations": dict(operation for party in parties for operation in _operations(party)),
        "components": {
            "messages": {name: _message(name, spec) for name, spec in EVENTS.items()},
            "schemas": {"CloudEvent": envelope_schema()},
        },
    }


def says(spec: EventSpec) -> str:
    """What the event says: its class's docstring on one line."""
    return " ".join((inspect.getdoc(spec.event) or "").split())


def _channel(name: str, spec: EventSpec) -> dict[str, Any]:
    return {
        "address": name,
        "description": says(spec),
        "messages": {"event": {"$ref": f"#/components/messages/{name}"}},
        "bindings": {"amqp": {"is": "routingKey", "exchange": dict(EXCHANGE), "bindingVersion": "0.3.0"}},
    }


def _message(name: str, spec: EventSpec) -> dict[str, Any]:
    data = {
        "type": "object",
        "properties": {
            "type": {"const": name},
            "dataschema": {"const": schema_address(name)},
            "data": {"$ref": f"./schemas/{name}.json"},
        },
    }
    return {
        "name": name,
        "title": spec.event.__name__,
        "summary": says(spec),
        "contentType": CONTENT_TYPE,
        "payload": {"allOf": [{"$ref": "#/components/schemas/CloudEvent"}, data]},
    }


def _operations(party: Party) -> list[tuple[str, dict[str, Any]]]:
    told = [(f"{party.name}.tells.{name}", _operation("send", party, name)) for name in party.tells]
    types = EVENTS if party.everything else party.hears
    heard = [(f"{party.name}.hears.{name}", _operation("receive", party, name)) for name in types]
    return told + heard


def _operation(action: str, party: Party, name: str) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{name}"},
        "title": party.title,
        "tags": [{"name": party.name}],
        "messages": [{"$ref": f"#/channels/{name}/messages/event"}],
    }
