"""What `make contracts` writes is what the code says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from contracts.registry import EVENTS
from contracts_docs.write import write_all

ROOT = Path(__file__).resolve().parents[2]


def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "contracts" / "asyncapi.yaml").read_text())
    return loaded


def test_generated_files_are_fresh(tmp_path: Path) -> None:
    written = write_all(tmp_path)
    stale = [
        str(path.relative_to(tmp_path))
        for path in written
        if not (ROOT / path.relative_to(tmp_path)).exists()
        or (ROOT / path.relative_to(tmp_path)).read_text() != path.read_text()
    ]
    assert stale == [], "run `make contracts`"
    kept = {path.name for path in (ROOT / "contracts" / "schemas").iterdir()}
    assert kept == {path.name for path in written if path.parent.name == "schemas"}


def test_schema_of_a_vanished_event_is_removed(tmp_path: Path) -> None:
    left_over = tmp_path / "contracts" / "schemas" / "case.forgotten.v1.json"
    left_over.parent.mkdir(parents=True)
    left_over.write_text("{}")
    write_all(tmp_path)
    assert not left_over.exists()


def test_every_reference_of_the_asyncapi_document_resolves() -> None:
    whole = document()
    for reference in references(whole):
        file, _, pointer = reference.partition("#")
        if file:
            assert (ROOT / "contracts" / file).is_file(), reference
            continue
        node: Any = whole
        for part in pointer.removeprefix("/").split("/"):
            node = node[part]
        assert isinstance(node, dict), reference


def test_every_event_is_sent_by_its_owner_and_received_by_the_ledger() -> None:
    operations = document()["operations"]
    for name, spec in EVENTS.items():
        assert operations[f"{spec.owner}.tells.{name}"]["action"] == "send"
        assert operations[f"audit.hears.{name}"]["action"] == "receive"


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_sample_fits_the_message_of_the_asyncapi_document(name: str) -> None:
    whole = document()
    registry: Registry[Any] = Registry()
    for path in (ROOT / "contracts" / "schemas").glob("*.json"):
        resource = Resource.from_contents(json.loads(path.read_text()))
        registry = registry.with_resource(f"./schemas/{path.name}", resource)
    schema = {"$schema": Draft202012Validator.META_SCHEMA["$id"], "components": whole["components"]}
    schema["$ref"] = f"#/components/messages/{name}/payload"
    validator = Draft202012Validator(schema, registry=registry)
    sample = json.loads((ROOT / "contracts" / "samples" / f"{name}.json").read_text())
    validator.validate(sample)
    assert not validator.is_valid(sample | {"type": "case.other.v1"})
    assert not validator.is_valid(sample | {"data": {}})


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in references(value)]
    if isinstance(node, list):
        return [found for value in node for found in references(value)]
    return []
