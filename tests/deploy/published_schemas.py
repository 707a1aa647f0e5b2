"""Makes ``schemas/published.json`` from packages that carry what the operators have published. Run it when one is to be followed:

    python -m venv build/schemas
    build/schemas/bin/pip install cloudcoil-models-cert-manager==1.17.1.0 cloudcoil-models-keda==2.16.1.0 \
        cloudcoil-models-prometheus-operator==0.80.1.0
    build/schemas/bin/python tests/deploy/published_schemas.py

Only the shape is kept: types, required members, allowed words, and no member that is not named. Texts and status are left out.
"""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent / "schemas" / "published.json"
KINDS = {
    "cloudcoil.models.cert_manager.v1": ("Certificate", "Issuer"),
    "cloudcoil.models.keda.v1alpha1": ("ScaledObject", "TriggerAuthentication"),
    "cloudcoil.models.prometheus_operator.v1": ("PodMonitor", "PrometheusRule"),
}


def main() -> None:
    """Write the file."""
    found = {}
    for module, kinds in KINDS.items():
        for kind in kinds:
            schema = getattr(import_module(module), kind).model_json_schema(by_alias=True)
            schema["properties"].pop("status", None)
            schema["properties"]["metadata"] = {"type": "object"}
            schema = _shape(schema)
            _drop_unused(schema)
            found[kind] = schema
    TARGET.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


def _shape(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_shape(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "anyOf" in schema and {"type": "null"} in schema["anyOf"] and len(schema["anyOf"]) == 2:
        [only] = [one for one in schema["anyOf"] if one != {"type": "null"}]
        return _shape(only)
    kept = {
        name: _named(value) if name in ("properties", "$defs") else _shape(value)
        for name, value in schema.items()
        if name not in ("title", "default", "description", "examples")
    }
    return kept | {"additionalProperties": False} if "properties" in kept else kept


def _named(schemas: dict[str, Any]) -> dict[str, Any]:
    return {name: _shape(schema) for name, schema in schemas.items()}


def _drop_unused(schema: dict[str, Any]) -> None:
    definitions = schema.get("$defs", {})
    before = -1
    while before != len(definitions):
        before = len(definitions)
        for name in list(definitions):
            others = json.dumps({k: v for k, v in definitions.items() if k != name} | {"": schema["properties"]})
            if f'"#/$defs/{name}"' not in others:
                del definitions[name]


if __name__ == "__main__":
    main()
