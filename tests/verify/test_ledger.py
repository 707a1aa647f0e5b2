"""The independent verifier: published vectors, a log built here by hand, and every way to falsify its trail."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from verify.ed25519 import ORDER, verify_ed25519
from verify.ledger import Unproven, open_note, verify_trail

# RFC 8032 §7.1: public key, message, signature.
RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]

# The example of the signed-note specification.
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)

ORIGIN, CASE = "log.example/ledger", "1137000000000000001"


@pytest.mark.parametrize(("key", "message", "signature"), RFC_8032)
def test_signatures_of_rfc_8032_verify(key: str, message: str, signature: str) -> None:
    public, text, signed = (bytes.fromhex(value) for value in (key, message, signature))
    assert verify_ed25519(public, text, signed)
    assert not verify_ed25519(public, text + b"x", signed)
    assert not verify_ed25519(public[::-1], text, signed)
    malleable = int.from_bytes(signed[32:], "little") + ORDER
    assert not verify_ed25519(public, text, signed[:32] + malleable.to_bytes(32, "little"))


@settings(max_examples=25, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 511))
def test_signatures_of_another_implementation_verify_and_damaged_ones_do_not(
    seed: bytes, message: bytes, bit: int
) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    signature = key.sign(message)
    assert verify_ed25519(key.public_key().public_bytes_raw(), message, signature)
    damaged = (int.from_bytes(signature) ^ 1 << bit).to_bytes(64)
    assert not verify_ed25519(key.public_key().public_bytes_raw(), message, damaged)


def test_the_note_of_the_specification_opens() -> None:
    assert open_note(NOTE, NEUMANN) == NOTE.split("\n")[:2]
    for note, key in (
        (NOTE.replace("answer", "Answer"), NEUMANN),
        (NOTE.replace("PeterNeumann", "PaulNeumann"), NEUMANN),
        (NOTE.replace("x08", "x09"), NEUMANN),
        (NOTE, NEUMANN.replace("c74f20a3", "c74f20a4")),
        (NOTE, NEUMANN.replace("PeterNeumann", "PaulNeumann")),
        ("", NEUMANN),
    ):
        with pytest.raises(Unproven):
            open_note(note, key)


class Log:
    """A log by hand: a list of leaves, hashed the slow way."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.from_private_bytes(bytes(32))
        self.leaves: list[bytes] = []

    @property
    def vkey(self) -> str:
        public = b"\x01" + self.key.public_key().public_bytes_raw()
        return f"{ORIGIN}+{self.key_hash().hex()}+{base64.b64encode(public).decode()}"

    def key_hash(self) -> bytes:
        return hashlib.sha256(ORIGIN.encode() + b"\n\x01" + self.key.public_key().public_bytes_raw()).digest()[:4]

    def sign(self, text: str) -> str:
        signature = base64.b64encode(self.key_hash() + self.key.sign(text.encode())).decode()
        return f"{text}\n— {ORIGIN} {signature}\n"

    def root(self, start: int, end: int) -> bytes:
        if end - start == 1:
            return hashlib.sha256(b"\x00" + self.leaves[start]).digest()
        middle = start + 2 ** ((end - start - 1).bit_length() - 1)
        return hashlib.sha256(b"\x01" + self.root(start, middle) + self.root(middle, end)).digest()

    def proof(self, index: int, start: int, end: int) -> list[str]:
        if end - start == 1:
            return []
        middle = start + 2 ** ((end - start - 1).bit_length() - 1)
        if index < middle:
            return [*self.proof(index, start, middle), self.root(middle, end).hex()]
        return [*self.proof(index, middle, end), self.root(start, middle).hex()]

    def checkpoint(self) -> str:
        size = len(self.leaves)
        return self.sign(f"{ORIGIN}\n{size}\n{base64.b64encode(self.root(0, size)).decode()}\n")

    def statement(self, count: int, case: str = CASE) -> str:
        return self.sign(f"{ORIGIN}/trail\n{case}\n{count}\n{len(self.leaves)}\n")


def make_trail(log: Log, count: int = 5) -> dict[str, Any]:
    """A trail of ``count`` events, the first two opened, in a log with foreign entries between them."""
    events = []
    for number in range(count):
        log.leaves.append(b"of another case %d" % number)
        salt, payload = bytes([number]) * 32, b'{"n":%d}' % number
        leaf = {
            "v": 1,
            "seq": len(log.leaves),
            "time": f"2026-01-05T00:00:0{number}.000000Z",
            "event_id": f"e{number}",
            "type": f"case.step{number}.v1",
            "producer": "workflow",
            "case_ref": CASE,
            "case_entry": number + 1,
            "caseseq": number + 1,
            "payload_commitment": hmac.digest(salt, payload, "sha256").hex(),
        }
        log.leaves.append(json.dumps(leaf).encode())
        shown = number < 2
        events.append(
            {
                "seq": leaf["seq"],
                "type": leaf["type"],
                "time": leaf["time"],
                "leaf": log.leaves[-1].decode(),
                "payload": base64.b64encode(payload).decode() if shown else None,
                "salt": base64.b64encode(salt).decode() if shown else None,
            }
        )
    size = len(log.leaves)
    proven = [event | {"proof": log.proof(event["seq"], 0, size)} for event in events]
    return {"case_no": CASE, "checkpoint": log.checkpoint(), "statement": log.statement(count), "events": proven}


LOG = Log()
TRAIL = make_trail(LOG)


def test_a_true_trail_verifies() -> None:
    result = verify_trail(TRAIL, LOG.vkey)
    assert (result.ok, result.failures, result.events, result.tree_size, result.opened) == (True, [], 5, 10, 2)


def swap(trail: Any, *fields: str) -> None:
    first, second = trail["events"][0], trail["events"][1]
    for field in fields:
        first[field], second[field] = second[field], first[field]


def relabel(trail: Any, event: int, **fields: Any) -> None:
    leaf = json.loads(trail["events"][event]["leaf"]) | fields
    trail["events"][event]["leaf"] = json.dumps(leaf)


FALSIFICATIONS: dict[str, Callable[[Any], Any]] = {
    "first event deleted": lambda t: t["events"].pop(0),
    "middle event deleted": lambda t: t["events"].pop(2),
    "last event deleted": lambda t: t["events"].pop(),
    "every event deleted": lambda t: t["events"].clear(),
    "event doubled": lambda t: t["events"].append(t["events"][-1]),
    "last deleted and another doubled": lambda t: (t["events"].pop(), t["events"].append(t["events"][0])),
    "order of events swapped": lambda t: t["events"].reverse(),
    "leaves swapped": lambda t: swap(t, "leaf"),
    "proofs swapped": lambda t: swap(t, "proof"),
    "payloads swapped": lambda t: swap(t, "payload"),
    "openings swapped": lambda t: swap(t, "payload", "salt"),
    "salts swapped": lambda t: swap(t, "salt"),
    "types swapped": lambda t: swap(t, "type"),
    "type edited": lambda t: t["events"][2].update(type="case.denied.v1"),
    "time edited": lambda t: t["events"][2].update(time="2026-02-01T00:00:00.000000Z"),
    "seq edited": lambda t: t["events"][2].update(seq=0),
    "payload edited": lambda t: t["events"][0].update(payload=base64.b64encode(b'{"n":9}').decode()),
    "payload without its salt": lambda t: t["events"][0].update(salt=None),
    "payload that is no base64": lambda t: t["events"][0].update(payload="!"),
    "leaf edited": lambda t: relabel(t, 2, producer="documents"),
    "leaf moved in the log": lambda t: relabel(t, 2, seq=0),
    "leaf that is no JSON": lambda t: t["events"][2].update(leaf="{"),
    "leaf that is a list": lambda t: t["events"][2].update(leaf="[]"),
    "proof shortened": lambda t: t["events"][2]["proof"].pop(),
    "proof lengthened": lambda t: t["events"][2]["proof"].append("00" * 32),
    "proof that is no hex": lambda t: t["events"][2].update(proof=["zz"]),
    "event without proof": lambda t: t["events"][2].pop("proof"),
    "another case": lambda t: t.update(case_no="1137000000000000002"),
    "another case and statement": lambda t: t.update(case_no="X", statement=LOG.statement(5, "X")),
    "statement of fewer": lambda t: t.update(statement=LOG.statement(4)),
    "statement for a checkpoint": lambda t: t.update(checkpoint=t["statement"]),
    "checkpoint for a statement": lambda t: t.update(statement=t["checkpoint"]),
    "checkpoint edited": lambda t: t.update(checkpoint=t["checkpoint"].replace("\n10\n", "\n11\n")),
    "no checkpoint": lambda t: t.pop("checkpoint"),
    "events that are no list": lambda t: t.update(events=7),
}


@pytest.mark.parametrize("how", FALSIFICATIONS)
def test_a_falsified_trail_is_found(how: str) -> None:
    trail = copy.deepcopy(TRAIL)
    FALSIFICATIONS[how](trail)
    result = verify_trail(trail, LOG.vkey)
    assert not result.ok
    assert result.failures


@pytest.mark.parametrize("answer", [None, [], 7, "trail", {}])
def test_what_is_no_trail_is_refused_without_a_trace(answer: Any) -> None:
    assert not verify_trail(answer, LOG.vkey).ok


def test_a_trail_under_another_key_is_found() -> None:
    assert not verify_trail(TRAIL, NEUMANN).ok
    assert not verify_trail(TRAIL, "no key").ok


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_changed_character_of_the_evidence_is_found(data: st.DataObject) -> None:
    trail = copy.deepcopy(TRAIL)
    event = trail["events"][data.draw(st.integers(0, 4))]
    field = data.draw(st.sampled_from(["leaf", "checkpoint", "statement", "payload", "salt", "proof"]))
    place = trail if field in trail else event
    text = "".join(place[field] or "") if field != "proof" else "".join(place[field])
    if not text:
        return
    at = data.draw(st.integers(0, len(text.rstrip("=\n")) - (3 if field in {"payload", "salt"} else 1)))
    changed = text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :]
    place[field] = [changed[i : i + 64] for i in range(0, len(changed), 64)] if field == "proof" else changed
    assert not verify_trail(trail, LOG.vkey).ok


def test_the_command_line_tells_by_its_exit_status(tmp_path: Path) -> None:
    file = tmp_path / "trail.json"
    command = [sys.executable, "-m", "verify.ledger", str(file), "--key", LOG.vkey]
    root = Path(__file__).parents[2]
    file.write_text(json.dumps(TRAIL), encoding="utf-8")
    good = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    assert (good.returncode, json.loads(good.stdout)["ok"]) == (0, True)

    file.write_text(json.dumps(TRAIL | {"events": TRAIL["events"][:4]}), encoding="utf-8")
    bad = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    assert (bad.returncode, json.loads(bad.stdout)["ok"]) == (1, False)

    file.write_text("no JSON", encoding="utf-8")
    unreadable = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    assert (unreadable.returncode, json.loads(unreadable.stdout)["ok"]) == (1, False)


def test_the_verifier_uses_the_standard_library_only() -> None:
    root = Path(__file__).parents[2]
    code = "import sys; before = set(sys.modules); import verify.ledger; print(*sorted(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, cwd=root, check=True)
    names = {name.split(".")[0] for name in loaded.stdout.split()}
    assert names <= {"verify", *sys.stdlib_module_names}
