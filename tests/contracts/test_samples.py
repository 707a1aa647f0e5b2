"""One frozen example per event version: what is on the wire today must be readable for ever."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from stdnum.cn import ric, uscc

from contracts.envelope import Envelope, decode_envelope, encode, schema_address, subject_of
from contracts.item import ItemPublished
from contracts.registry import EVENTS, UnknownEventType, read
from contracts.task import OpinionGiven
from contracts_docs.schemas import schema_of

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
SAMPLES = CONTRACTS / "samples"
RELEASED = CONTRACTS / "released" / "samples"
ALL = sorted(EVENTS)


def sample(name: str) -> Envelope:
    return decode_envelope((SAMPLES / f"{name}.json").read_bytes())


def data(name: str) -> Any:
    return msgspec.json.decode(sample(name).data)


def test_every_event_version_has_one_sample_and_no_sample_is_left_over() -> None:
    assert sorted(path.stem for path in SAMPLES.iterdir()) == ALL


@pytest.mark.parametrize("name", ALL)
def test_sample_decodes_and_encodes_to_the_same_json(name: str) -> None:
    envelope = sample(name)
    event = msgspec.json.decode(envelope.data, type=EVENTS[name].event)
    again = msgspec.structs.replace(envelope, data=msgspec.Raw(encode(event)))
    assert json.loads(encode(again)) == json.loads((SAMPLES / f"{name}.json").read_text())
    assert envelope.type == name
    assert envelope.subject == subject_of(event)
    assert envelope.dataschema == schema_address(name)


@pytest.mark.parametrize("name", ALL)
def test_sample_fits_its_json_schema(name: str) -> None:
    schema = schema_of(EVENTS[name])
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(data(name))


@pytest.mark.parametrize("name", ALL)
def test_consumers_ignore_an_unknown_field(name: str) -> None:
    envelope = sample(name)
    more = data(name) | {"field_of_a_later_release": {"a": [1]}}
    assert read(msgspec.structs.replace(envelope, data=msgspec.Raw(encode(more)))) == read(envelope)


@pytest.mark.parametrize("name", ALL)
def test_producers_cannot_send_an_unknown_field(name: str) -> None:
    with pytest.raises(TypeError, match="field_of_a_later_release"):
        EVENTS[name].event(**data(name), field_of_a_later_release=1)


@pytest.mark.parametrize("name", ALL)
def test_a_missing_required_field_is_refused(name: str) -> None:
    envelope, whole = sample(name), data(name)
    for field in schema_of(EVENTS[name])["required"]:
        without = {key: value for key, value in whole.items() if key != field}
        with pytest.raises(msgspec.ValidationError, match=field):
            read(msgspec.structs.replace(envelope, data=msgspec.Raw(encode(without))))


def test_an_unknown_major_version_is_named_not_guessed() -> None:
    with pytest.raises(UnknownEventType, match=r"case\.closed\.v9"):
        read(msgspec.structs.replace(sample("case.closed.v1"), type="case.closed.v9"))


@pytest.mark.parametrize("path", sorted(RELEASED.iterdir()), ids=lambda path: path.stem)
def test_released_sample_is_unchanged_and_still_read(path: Path) -> None:
    current = SAMPLES / path.name
    if current.exists():
        assert current.read_text() == path.read_text()
        read(decode_envelope(path.read_bytes()))


def test_opinion_v1_is_lifted_to_v2() -> None:
    old = data("task.opinion_given.v1")
    lifted = read(sample("task.opinion_given.v1"))
    assert isinstance(lifted, OpinionGiven)
    assert (lifted.task_id, lifted.verdict, lifted.reason) == (old["task_id"], old["verdict"], old["reason"])
    assert [(d.material_code, d.problem) for d in lifted.defects] == [(old["material_code"], old["reason"])]
    assert lifted.officer is None


@pytest.mark.parametrize("verdict", ["agree", "disagree"])
def test_opinion_v1_without_correction_has_no_defects_when_lifted(verdict: str) -> None:
    envelope = sample("task.opinion_given.v1")
    body = {"task_id": "t-1", "verdict": verdict, "reason": "车辆检验不合格"}
    lifted = read(msgspec.structs.replace(envelope, data=msgspec.Raw(encode(body))))
    assert lifted == OpinionGiven(task_id="t-1", verdict=verdict, reason="车辆检验不合格")  # type: ignore[arg-type]


def test_an_item_of_v1_is_lifted_to_v2_as_it_was() -> None:
    lifted = read(sample("item.published.v1"))
    assert isinstance(lifted, ItemPublished)
    old = data("item.published.v1")["item"]
    assert [(step.step, step.kind, list(step.after)) for step in lifted.item.plan] == [
        (step["step"], step["kind"], step["after"]) for step in old["plan"]
    ]
    assert [rule.code for rule in lifted.item.materials] == [material["code"] for material in old["materials"]]
    assert (lifted.item.extension, lifted.item.delivery_ways) == (None, ("electronic",))


def test_numbers_in_samples_carry_valid_check_digits() -> None:
    item = data("item.published.v1")["item"]
    party = data("party.registered.v1")
    codes = [item["item_code"][:18], item["result"]["issuer_uscc"], data("department.registered.v1")["uscc"]]
    assert item["item_code"] == item["item_code"][:19] + item["basic_code"]
    assert len(item["item_code"]) == 31
    assert party["code_type"] in {"001", "111"}
    (uscc if party["code_type"] == "001" else ric).validate(party["code"])
    for code in codes:
        uscc.validate(code)
    *_, kind, issuer, serial, version, check = data("licence.issued.v1")["licence_no"].split(".")
    assert check == mod_37_36(kind + issuer + serial + version)


def mod_37_36(text: str) -> str:
    """ISO 7064 MOD 37,36 check character (GB/T 36904)."""
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    p = 36
    for character in text:
        p = ((p + alphabet.index(character)) % 36 or 36) * 2 % 37
    return alphabet[(37 - p) % 36]
