"""An event keeps its meaning within a version. Planted changes show that the check would notice."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.registry import EVENTS
from contracts_docs.compatibility import changes, lost_events
from contracts_docs.schemas import schema_of

RELEASED = Path(__file__).resolve().parents[2] / "contracts" / "released" / "schemas"
Schema = dict[str, Any]


@pytest.mark.parametrize("path", sorted(RELEASED.glob("*.json")), ids=lambda path: path.stem)
def test_no_incompatible_change_since_the_last_release(path: Path) -> None:
    if path.stem in EVENTS:
        assert changes(json.loads(path.read_text()), schema_of(EVENTS[path.stem])) == []


def test_no_event_of_the_last_release_is_gone() -> None:
    assert lost_events({path.stem for path in RELEASED.glob("*.json")}, set(EVENTS)) == set()


def assigned() -> Schema:
    return copy.deepcopy(schema_of(EVENTS["task.assigned.v1"]))


def drop_field(schema: Schema) -> None:
    del schema["properties"]["step_name"]
    schema["required"].remove("step_name")


def rename_field(schema: Schema) -> None:
    schema["properties"]["deadline"] = schema["properties"].pop("due_on")
    schema["required"][schema["required"].index("due_on")] = "deadline"


def change_type(schema: Schema) -> None:
    schema["properties"]["round"] = {"type": "string"}


def change_format(schema: Schema) -> None:
    schema["properties"]["due_on"]["format"] = "date-time"


def add_required(schema: Schema) -> None:
    schema["properties"]["urgency"] = {"type": "integer"}
    schema["required"].append("urgency")


def require_optional(schema: Schema) -> None:
    schema["required"].append("prior_opinions")


def free_required(schema: Schema) -> None:
    schema["required"].remove("item_name")


def narrow_enum(schema: Schema) -> None:
    schema["properties"]["kind"]["enum"].remove("delivery")


def widen_enum(schema: Schema) -> None:
    schema["properties"]["kind"]["enum"].append("hearing")


def change_default(schema: Schema) -> None:
    schema["properties"]["prior_opinions"]["default"] = [{}]


def bound_value(schema: Schema) -> None:
    schema["properties"]["round"]["maximum"] = 2


def drop_nested_field(schema: Schema) -> None:
    material = schema["$defs"]["CaseMaterial"]
    del material["properties"]["sha256"]
    material["required"].remove("sha256")


def narrow_nested_enum(schema: Schema) -> None:
    schema["$defs"]["PriorOpinion"]["properties"]["verdict"]["enum"].remove("disagree")


def require_nested(schema: Schema) -> None:
    schema["$defs"]["CaseMaterial"]["properties"]["pages"] = {"type": "integer"}
    schema["$defs"]["CaseMaterial"]["required"].append("pages")


def refer_elsewhere(schema: Schema) -> None:
    schema["properties"]["materials"]["items"] = {"$ref": "#/$defs/PriorOpinion"}


def refuse_unknown(schema: Schema) -> None:
    schema["additionalProperties"] = False


REFUSED = {
    drop_field: "data.step_name: removed or renamed",
    rename_field: "data.due_on: removed or renamed",
    change_type: "data.round: type was 'integer', is 'string'",
    change_format: "data.due_on: format was 'date', is 'date-time'",
    add_required: "data.urgency: new and required",
    require_optional: "data.prior_opinions: became required",
    free_required: "data.item_name: became optional",
    narrow_enum: "data.kind: value 'delivery' removed",
    widen_enum: "data.kind: value 'hearing' added",
    change_default: "data.prior_opinions: default was [], is [{}]",
    bound_value: "data.round: maximum was None, is 2",
    drop_nested_field: "data.materials[].sha256: removed or renamed",
    narrow_nested_enum: "data.prior_opinions[].verdict: value 'disagree' removed",
    require_nested: "data.materials[].pages: new and required",
    refer_elsewhere: "data.materials[].material_id: removed or renamed",
    refuse_unknown: "data: additionalProperties was None, is False",
}


@pytest.mark.parametrize("change", REFUSED, ids=lambda change: change.__name__)
def test_incompatible_change_is_caught(change: Callable[[Schema], None]) -> None:
    planted = assigned()
    change(planted)
    assert REFUSED[change] in changes(assigned(), planted)


def test_nullable_field_that_stops_being_nullable_is_caught() -> None:
    before = schema_of(EVENTS["card.raised.v1"])
    planted = copy.deepcopy(before)
    planted["properties"]["due_on"] = {"type": "string", "format": "date", "default": None}
    assert any(change.startswith("data.due_on: anyOf was") for change in changes(before, planted))


def add_optional(schema: Schema) -> None:
    schema["properties"]["urgency"] = {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None}


def add_nested_optional(schema: Schema) -> None:
    schema["$defs"]["CaseMaterial"]["properties"]["pages"] = {"type": "integer", "default": 0}


def add_optional_of_new_kind(schema: Schema) -> None:
    schema["$defs"]["Place"] = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    schema["properties"]["place"] = {"anyOf": [{"$ref": "#/$defs/Place"}, {"type": "null"}], "default": None}


def reword(schema: Schema) -> None:
    schema["description"] = "部门有一项新任务"
    schema["$defs"]["CaseMaterial"]["title"] = "Material"


def rename_definition(schema: Schema) -> None:
    schema["$defs"]["Material"] = schema["$defs"].pop("CaseMaterial")
    schema["properties"]["materials"]["items"]["$ref"] = "#/$defs/Material"


@pytest.mark.parametrize(
    "change",
    [add_optional, add_nested_optional, add_optional_of_new_kind, reword, rename_definition],
    ids=lambda change: change.__name__,
)
def test_compatible_change_passes(change: Callable[[Schema], None]) -> None:
    planted = assigned()
    change(planted)
    assert planted != assigned()
    assert changes(assigned(), planted) == []


def test_a_schema_that_refers_to_itself_is_compared_once() -> None:
    tree = {
        "$ref": "#/$defs/Node",
        "$defs": {"Node": {"properties": {"next": {"$ref": "#/$defs/Node"}, "n": {"type": "integer"}}}},
    }
    planted = copy.deepcopy(tree)
    planted["$defs"]["Node"]["properties"]["n"] = {"type": "string"}  # type: ignore[index]
    assert changes(tree, tree) == []
    assert changes(tree, planted) == ["data.n: type was 'integer', is 'string'"]


def test_an_old_major_goes_only_after_a_release_with_both() -> None:
    assert lost_events({"a.told.v1"}, {"a.told.v2"}) == {"a.told.v1"}
    assert lost_events({"a.told.v1", "a.told.v2"}, {"a.told.v2"}) == set()
    assert lost_events({"a.told.v1", "b.told.v2"}, {"b.told.v2"}) == {"a.told.v1"}
