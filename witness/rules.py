"""When a checkpoint may be cosigned: it grew out of the one that was cosigned last. Source: C2SP tlog-witness."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from verify.ledger import Unproven, open_note, verify_consistency

MOST_PROOF_LINES = 63


class Refused(Exception):
    """Not cosigned. ``status`` is the protocol's HTTP status; ``size`` what was cosigned last, where it helps the log."""

    def __init__(self, status: int, why: str, size: int | None = None) -> None:
        super().__init__(why)
        self.status, self.size = status, size


@dataclass(frozen=True)
class Head:
    """A tree: how many leaves, and the hash of its root."""

    size: int
    root: bytes


NOTHING = Head(0, b"")


@dataclass(frozen=True)
class Request:
    """What a log asks for. ``text`` is the checkpoint without its signatures."""

    old_size: int
    proof: tuple[bytes, ...]
    origin: str
    head: Head
    text: str
    note: str


def read_request(body: bytes) -> Request:
    """Parse the body of ``add-checkpoint``. Raises Refused with 400."""
    try:
        asked, _, note = body.decode().partition("\n\n")
        first, *proof = asked.split("\n")
        word, _, old_size = first.partition(" ")
        text = note.rpartition("\n\n")[0] + "\n"
        origin, size, root = text.split("\n")[:3]
        request = Request(
            old_size=_number(old_size),
            proof=tuple(base64.b64decode(line, validate=True) for line in proof),
            origin=origin,
            head=Head(_number(size), base64.b64decode(root, validate=True)),
            text=text,
            note=note,
        )
    except (ValueError, IndexError) as error:
        raise Refused(400, f"this is no request to cosign: {error}") from None
    if word != "old" or len(proof) > MOST_PROOF_LINES or request.old_size > request.head.size:
        raise Refused(400, "the old size, the proof or the checkpoint is not as the protocol has it")
    return request


def judge(request: Request, vkey: str, last: Head) -> None:
    """Raises Refused unless the log with ``vkey`` signed this checkpoint and it begins with ``last``."""
    try:
        open_note(request.note, vkey)
    except (Unproven, ValueError):
        raise Refused(403, "the checkpoint does not carry the log's signature") from None
    if request.old_size != last.size:
        raise Refused(409, f"cosigned last: {last.size}", last.size)
    if request.old_size == request.head.size and request.head.root != last.root:
        raise Refused(409, "two trees of one size: the log was rewritten", last.size)
    if not _grew(request, last):
        raise Refused(422, "the tree does not begin with the one cosigned last: the log was rewritten")


def _grew(request: Request, last: Head) -> bool:
    if last.size == 0:
        return not request.proof
    return verify_consistency(last.size, request.head.size, last.root, request.head.root, request.proof)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or (len(text) > 1 and text[0] == "0"):
        raise ValueError(f"{text!r} is no size")
    return int(text)
