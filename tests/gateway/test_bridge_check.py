"""What a department may say at the door."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from contracts.envelope import decode_envelope, encode
from contracts.registry import read
from contracts.task import OpinionGiven
from department_sdk.answers import stamped_id
from department_sdk.desk import Rejection
from gateway.bridge_check import MAX_BYTES, Admitted, admit
from tests.department_sdk.broker_door import envelope_of, task

OPINION = OpinionGiven(task_id=task().task_id, verdict="agree", reason="同意")


def message(**changes: Any) -> bytes:
    """A good answer with some envelope attributes changed; None removes one."""
    fields = json.loads(encode(envelope_of(OPINION, source="department/police", event_id="own-1"))) | changes
    return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()


def admitted(body: bytes, department: str = "police") -> Admitted:
    result = admit(department, department, body)
    assert isinstance(result, Admitted), result
    return result


def test_an_answer_enters_stamped_with_where_it_came_from() -> None:
    forged = message(source="department/transport", subject="another-case", caseseq=7, causationid="x", extra="y")
    envelope = decode_envelope(admitted(forged).body)
    assert (envelope.source, envelope.subject, envelope.caseseq) == ("department/police", OPINION.task_id, None)
    assert (envelope.causationid, envelope.type) == (None, OPINION.TYPE)
    assert read(envelope) == OPINION


def test_a_repeated_message_is_stamped_the_same() -> None:
    body = message(traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01")
    assert admitted(body) == admitted(body)


def test_no_department_can_take_the_id_of_anothers_event() -> None:
    mine, theirs = admitted(message()), admitted(message(), "transport")
    assert mine.event_id != theirs.event_id
    assert mine.event_id == stamped_id("police", "own-1")
    assert len(mine.event_id) == 36


def test_receipts_and_the_first_major_of_opinions_enter_too() -> None:
    admitted(message(type="task.received.v1", data={"task_id": OPINION.task_id}))
    v1 = admitted(message(type="task.opinion_given.v1", data={"task_id": "t", "verdict": "agree"}))
    assert v1.type == "task.opinion_given.v1"


def test_a_malformed_trace_is_dropped() -> None:
    assert decode_envelope(admitted(message(traceparent="00-zz")).body).traceparent is None


DEEP = '{"specversion":"1.0","data":' + "[" * 100_000
BAD: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"\x00\xff", "not_cloudevents"),
    "no UTF-8": (message().replace(b"own-1", b"own-\xff"), "not_cloudevents"),
    "no envelope": (b"[1, 2]", "not_cloudevents"),
    "a field missing": (message(time=None), "not_cloudevents"),
    "another CloudEvents version": (message(specversion="0.3"), "not_cloudevents"),
    "deep nesting": (DEEP.encode(), "not_cloudevents"),
    "deep nesting in the data": (message(data={"task_id": "t"}).replace(b'"t"', b"[" * 90_000), "not_cloudevents"),
    "too large": (message(data={"task_id": "t", "verdict": "agree", "reason": "x" * MAX_BYTES}), "too_large"),
    "unknown type": (message(type="task.opinion_given.v9"), "type_unknown"),
    "another owner's type": (message(type="case.approved.v1"), "type_forbidden"),
    "workflow's type": (message(type="task.cancelled.v1"), "type_forbidden"),
    "data of another type": (message(data={"verdict": "agree"}), "schema_mismatch"),
    "unknown verdict": (message(data={"task_id": "t", "verdict": "maybe"}), "schema_mismatch"),
    "empty task id": (message(data={"task_id": "", "verdict": "agree"}), "schema_mismatch"),
    "endless task id": (message(data={"task_id": "t" * 81, "verdict": "agree"}), "schema_mismatch"),
    "NUL in text": (message(data={"task_id": "t", "verdict": "agree", "reason": "a\x00b"}), "bad_text"),
    "half a character": (message(data={"task_id": "t", "verdict": "agree", "reason": "\ud800"}), "not_cloudevents"),
    "time without zone": (message(time="2026-11-21T10:00:00"), "bad_time"),
    "empty id": (message(id=""), "bad_id"),
    "endless id": (message(id="i" * 81), "bad_id"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_wrong_is_rejected_with_its_reason(kind: str) -> None:
    body, code = BAD[kind]
    result = admit("police", "police", body)
    assert isinstance(result, Rejection)
    assert result.code == code
    assert len(msgspec.json.encode(result)) < 32 * 1024


def test_a_rejection_names_task_and_answer_where_they_can_be_read() -> None:
    result = admit("police", "police", message(type="case.approved.v1"))
    assert isinstance(result, Rejection)
    assert (result.task_id, result.answer_id) == (OPINION.task_id, stamped_id("police", "own-1"))


@pytest.mark.parametrize(("sender", "code"), [(None, "sender_missing"), ("", "sender_missing"), ("x", "sender_wrong")])
def test_the_sender_must_be_the_departments_own_user(sender: str | None, code: str) -> None:
    result = admit("police", sender, message())
    assert isinstance(result, Rejection)
    assert result.code == code
