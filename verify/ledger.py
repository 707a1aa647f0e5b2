"""Checks a case's trail without trusting the platform: standard library only, no code shared with it.

    python -m verify.ledger trail.json --key VKEY

``trail.json`` is the answer of GET /api/v1/trails/{case_no}; VKEY comes from GET /api/v1/ledger/key, once, and is kept.
Prints a JSON summary; exit status 0 when everything holds, else 1. Titles are for reading and are not proven.
Sources: RFC 6962 §2.1, RFC 8032 §5.1.7, C2SP signed-note and tlog-checkpoint.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import accumulate
from typing import Any

from verify.ed25519 import verify_ed25519


class Unproven(Exception):
    """A statement that does not hold; the message says which."""


@dataclass(frozen=True)
class Result:
    """What was proven: nothing when there are ``failures``. ``opened`` counts payloads that open their commitment."""

    ok: bool
    case_no: str
    tree_size: int
    events: int
    opened: int
    failures: list[str]


SALT_BYTES = 32

# --- Signed notes


def open_note(note: str, vkey: str) -> list[str]:
    """Lines of the text that ``vkey`` signed. Raises Unproven when it did not sign this note."""
    name, key_hash, encoded = vkey.strip().split("+", 2)
    key = base64.b64decode(encoded, validate=True)
    if key[:1] != b"\x01" or hashlib.sha256(name.encode() + b"\n" + key).hexdigest()[:8] != key_hash:
        raise Unproven("the verifier key is damaged or not Ed25519")
    text, separator, signatures = note.rpartition("\n\n")
    for line in signatures.splitlines() if separator else ():
        dash, _, rest = line.partition(" ")
        signer, _, blob = rest.partition(" ")
        if (dash, signer) != ("—", name):
            continue
        signature = base64.b64decode(blob, validate=True)
        if signature[:4].hex() == key_hash and verify_ed25519(key[1:], f"{text}\n".encode(), signature[4:]):
            return text.split("\n")
    raise Unproven("a note does not carry the log's signature")


# --- Proofs (RFC 6962)


def leaf_hash(leaf: bytes) -> bytes:
    """Hash of a leaf."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _sides(index: int, last: int, count: int) -> list[bool] | None:
    """For each of ``count`` siblings on the way up: does it stand on the left? None if there should be more or fewer."""
    sides = []
    for _ in range(count):
        if last == 0:
            return None
        left = index & 1 == 1 or index == last
        while left and index & 1 == 0 and index:
            index, last = index >> 1, last >> 1
        sides.append(left)
        index, last = index >> 1, last >> 1
    return sides if last == 0 else None


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """True if the leaf with hash ``leaf`` is number ``index`` of the tree of ``size`` with ``root``."""
    sides = _sides(index, size - 1, len(proof)) if 0 <= index < size else None
    if sides is None:
        return False
    value = leaf
    for sibling, left in zip(proof, sides, strict=True):
        value = _node(sibling, value) if left else _node(value, sibling)
    return value == root


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """True if the tree of ``new`` leaves with ``new_root`` begins with that of ``old``; 0 < old <= new."""
    if old == new:
        return not proof and old_root == new_root
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    shift = (old & -old).bit_length() - 1  # complete subtrees below the first hash of the path
    sides = _sides((old - 1) >> shift, (new - 1) >> shift, len(path) - 1) if 0 < old < new and path else None
    if sides is None:
        return False
    first = second = path[0]
    for sibling, left in zip(path[1:], sides, strict=True):
        if left:
            first = _node(sibling, first)
        second = _node(sibling, second) if left else _node(second, sibling)
    return first == old_root and second == new_root


# --- Trails


def _expected_order(leaves: list[dict[str, Any]]) -> list[int]:
    """``seq`` in the order of events: by ``caseseq`` where given, the others by time among them."""
    keys = [(leaf["time"], 0, leaf["seq"]) for leaf in leaves if "caseseq" not in leaf]
    numbered = sorted((leaf for leaf in leaves if "caseseq" in leaf), key=lambda leaf: (leaf["caseseq"], leaf["seq"]))
    times = accumulate((leaf["time"] for leaf in numbered), max)
    keys += [(time, place, leaf["seq"]) for place, (time, leaf) in enumerate(zip(times, numbered, strict=True), 1)]
    return [seq for _, _, seq in sorted(keys)]


def _entry_failures(event: dict[str, Any], case_no: str, size: int, root: bytes) -> Iterator[str]:
    leaf, data = json.loads(event["leaf"]), event["leaf"].encode()
    if not verify_inclusion(leaf_hash(data), leaf["seq"], size, [bytes.fromhex(h) for h in event["proof"]], root):
        yield "the leaf is not in the tree at this place"
    if any(event[name] != leaf[name] for name in ("seq", "type", "time")):
        yield "seq, type or time is not the leaf's"
    if leaf["case_ref"] != case_no:
        yield "the leaf is of another case"
    if event["payload"] is not None:
        salt, payload = (base64.b64decode(event[name] or "", validate=True) for name in ("salt", "payload"))
        if len(salt) != SALT_BYTES or hmac.digest(salt, payload, "sha256").hex() != leaf["payload_commitment"]:
            yield "the payload does not open its commitment"


def _trail_failures(trail: dict[str, Any], vkey: str) -> Iterator[str]:
    origin, size, root = open_note(trail["checkpoint"], vkey)[:3]
    if origin != vkey.partition("+")[0]:
        yield "the checkpoint is not this log's"
    for place, event in enumerate(trail["events"]):
        found = partial(_entry_failures, event, trail["case_no"], int(size), base64.b64decode(root, validate=True))
        yield from _collect(f"event {place}: ", found)
    leaves = [json.loads(event["leaf"]) for event in trail["events"]]
    if open_note(trail["statement"], vkey) != [f"{origin}/trail", trail["case_no"], str(len(leaves)), size]:
        yield "the signed count, case or tree size is another"
    if sorted(leaf["case_entry"] for leaf in leaves) != list(range(1, len(leaves) + 1)):
        yield "an entry of the case is missing or doubled"
    if [leaf["seq"] for leaf in leaves] != _expected_order(leaves):
        yield "the entries are out of order"


def _collect(where: str, check: Callable[[], Iterator[str]]) -> list[str]:
    """Every failure that ``check`` finds; a wrong shape is one too."""
    failures: list[str] = []
    try:
        failures.extend(f"{where}{failure}" for failure in check())
    except (Unproven, ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        failures.append(f"{where}{type(error).__name__}: {error}")
    return failures


def verify_trail(trail: dict[str, Any], vkey: str) -> Result:
    """Check signatures, every leaf and inclusion proof, every payload given, completeness and order."""
    failures = _collect("", partial(_trail_failures, trail, vkey))
    if failures:
        return Result(False, "", 0, 0, 0, failures)
    opened = sum(1 for event in trail["events"] if event["payload"] is not None)
    size = int(open_note(trail["checkpoint"], vkey)[1])
    return Result(True, trail["case_no"], size, len(trail["events"]), opened, [])


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m verify.ledger", description="check a case's trail")
    parser.add_argument("trail", type=argparse.FileType(encoding="utf-8"))
    parser.add_argument("--key", required=True, help="the log's verifier key (C2SP vkey)")
    arguments = parser.parse_args()
    try:
        result = verify_trail(json.load(arguments.trail), arguments.key)
    except ValueError as error:
        result = Result(False, "", 0, 0, 0, [f"not JSON: {error}"])
    print(json.dumps(asdict(result), ensure_ascii=False, indent=2))
    return 0 if result.ok else 1


if __name__ == "__main__":
    sys.exit(main())
