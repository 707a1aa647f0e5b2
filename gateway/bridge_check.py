"""What a department may say: checked at the door, and stamped with who said it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from contracts.envelope import Envelope, decode_envelope, encode, schema_address, subject_of
from contracts.registry import EVENTS, read
from department_sdk.answers import stamped_id
from department_sdk.desk import Rejection

MAX_BYTES = 256 * 1024
MAX_ID_CHARACTERS = 80
ORIGINAL_CHARACTERS = 4096

_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True)
class Admitted:
    """A message that may enter. ``body`` is the stamped envelope."""

    event_id: str
    type: str
    body: bytes


class _No(Exception):
    """Why a message may not enter."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


def admit(department: str, sender: str | None, body: bytes) -> Admitted | Rejection:
    """Judge a message from the virtual host of ``department``; ``sender`` is the user that the broker has validated.

    Whatever the message says of its source, id, subject and order is replaced: the source is where it came from, the id
    is bound to the department (``stamped_id``), the subject follows from the content.
    """
    envelope: Envelope | None = None
    try:
        _check_sender(department, sender)
        envelope = _envelope(body)
        return _stamp(department, envelope)
    except _No as no:
        return Rejection(
            code=no.code,
            detail=no.detail,
            task_id=_task_id(envelope),
            answer_id=stamped_id(department, envelope.id) if envelope else None,
            original=body[:ORIGINAL_CHARACTERS].decode("utf-8", "replace"),
        )


def _check_sender(department: str, sender: str | None) -> None:
    if not sender:
        raise _No("sender_missing", "消息须带 user-id / the message must carry user-id")
    if sender != department:
        raise _No("sender_wrong", f"发送者 {sender} 不是本部门用户 / the sender is not this department's user")


def _envelope(body: bytes) -> Envelope:
    if len(body) > MAX_BYTES:
        raise _No("too_large", f"消息超过 {MAX_BYTES} 字节 / the message is over {MAX_BYTES} bytes")
    try:
        envelope = decode_envelope(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _No("not_cloudevents", f"不是 CloudEvents 1.0 / no CloudEvent: {error}") from error
    if b"\\u0000" in body:
        raise _No("bad_text", "文字中不得有 NUL 字符 / text may not contain NUL")
    return envelope


def _stamp(department: str, envelope: Envelope) -> Admitted:
    if not 0 < len(envelope.id) <= MAX_ID_CHARACTERS:
        raise _No(
            "bad_id", f"id 须为 1 至 {MAX_ID_CHARACTERS} 个字符 / id must have 1 to {MAX_ID_CHARACTERS} characters"
        )
    if envelope.time.tzinfo is None:
        raise _No("bad_time", "time 须带时区 / time must carry a zone")
    spec = EVENTS.get(envelope.type)
    if spec is None:
        raise _No("type_unknown", f"未登记的事件类型 / unknown event type: {envelope.type}")
    if spec.owner != "department":
        raise _No("type_forbidden", f"部门不得发布此类事件 / departments may not tell {envelope.type}")
    try:
        event = read(envelope)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _No("schema_mismatch", f"内容不符合 {envelope.type} / the data does not fit: {error}") from error
    subject = subject_of(event)
    if subject is None or not 0 < len(subject) <= MAX_ID_CHARACTERS:
        raise _No("schema_mismatch", f"task_id 须为 1 至 {MAX_ID_CHARACTERS} 个字符 / task_id is too short or too long")
    parent = envelope.traceparent if _TRACEPARENT.fullmatch(envelope.traceparent or "") else None
    stamped = Envelope(
        specversion="1.0",
        id=stamped_id(department, envelope.id),
        source=f"department/{department}",
        type=envelope.type,
        time=envelope.time,
        datacontenttype="application/json",
        data=envelope.data,
        subject=subject,
        dataschema=schema_address(envelope.type),
        traceparent=parent,
    )
    return Admitted(stamped.id, stamped.type, encode(stamped))


class _AboutTask(msgspec.Struct):
    task_id: str


def _task_id(envelope: Envelope | None) -> str | None:
    if envelope is None:
        return None
    try:
        return msgspec.json.decode(envelope.data, type=_AboutTask).task_id[:MAX_ID_CHARACTERS]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
