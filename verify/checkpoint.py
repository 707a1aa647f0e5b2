"""Checks the ledger's head against a witness and against an earlier head: standard library only, no code shared.

    python -m verify.checkpoint cosigned.txt --key VKEY --witness VKEY
    python -m verify.checkpoint newer.txt --key VKEY --kept older.txt --proof proof.json

``cosigned.txt`` is the answer of GET /api/v1/ledger/cosigned-checkpoint, ``newer.txt`` of GET /api/v1/ledger/checkpoint,
``older.txt`` one that was kept, ``proof.json`` of GET /api/v1/ledger/consistency?from=&to= with the two sizes. Prints a JSON
summary; exit status 0 when everything holds, else 1. Sources: RFC 6962 §2.1.2, C2SP tlog-checkpoint and tlog-cosignature.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from verify.ed25519 import verify_ed25519
from verify.ledger import Unproven, open_note, verify_consistency


def open_checkpoint(note: str, vkey: str) -> tuple[int, bytes]:
    """Size and root of a checkpoint that the log signed. Raises Unproven."""
    origin, size, root = open_note(note, vkey)[:3]
    if origin != vkey.partition("+")[0]:
        raise Unproven("the checkpoint is not this log's")
    return int(size), base64.b64decode(root, validate=True)


def cosigned_at(note: str, witness: str) -> datetime:
    """When the witness with this verifier key cosigned ``note``, by its own clock. Raises Unproven."""
    name, key_hash, encoded = witness.strip().split("+", 2)
    key = base64.b64decode(encoded, validate=True)
    if key[:1] != b"\x04" or hashlib.sha256(name.encode() + b"\n" + key).hexdigest()[:8] != key_hash:
        raise Unproven("the witness's key is damaged, or no witness's")
    text, _, signatures = note.rpartition("\n\n")
    for line in signatures.splitlines():
        dash, _, rest = line.partition(" ")
        signer, _, signed = rest.partition(" ")
        if (dash, signer) != ("—", name):
            continue
        blob = base64.b64decode(signed, validate=True)
        at = int.from_bytes(blob[4:12])
        message = f"cosignature/v1\ntime {at}\n{text}\n".encode()
        if blob[:4].hex() == key_hash and verify_ed25519(key[1:], message, blob[12:]):
            return datetime.fromtimestamp(at, UTC)
    raise Unproven("the checkpoint does not carry the witness's cosignature")


def verify_growth(older: str, newer: str, proof: dict[str, Any], vkey: str) -> tuple[int, int]:
    """Sizes of two checkpoints of one log, the second of which begins with the first. Raises Unproven."""
    (old, old_root), (new, new_root) = open_checkpoint(older, vkey), open_checkpoint(newer, vkey)
    if new < old:
        raise Unproven(f"the ledger has shrunk from {old} to {new} entries: an older one was brought back")
    if not verify_consistency(old, new, old_root, new_root, [bytes.fromhex(value) for value in proof["proof"]]):
        raise Unproven("the newer ledger does not begin with the older one: it was rewritten")
    return old, new


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m verify.checkpoint", description="check the ledger's head")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--key", required=True, help="the log's verifier key (C2SP vkey)")
    parser.add_argument("--witness", help="the witness's verifier key")
    parser.add_argument("--kept", type=Path, help="an earlier checkpoint")
    parser.add_argument("--proof", type=Path, help="that this one begins with the earlier")
    arguments = parser.parse_args()
    if (arguments.kept is None) != (arguments.proof is None):
        parser.error("--kept and --proof go together")
    try:
        summary = _summary(arguments)
    except (Unproven, OSError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        summary = {"ok": False, "failure": f"{type(error).__name__}: {error}"}
    print(json.dumps(summary, ensure_ascii=False, indent=2))
    return 0 if summary["ok"] else 1


def _summary(arguments: argparse.Namespace) -> dict[str, Any]:
    note = arguments.checkpoint.read_text(encoding="utf-8")
    summary: dict[str, Any] = {"ok": True, "tree_size": open_checkpoint(note, arguments.key)[0]}
    if arguments.witness:
        summary["cosigned_at"] = cosigned_at(note, arguments.witness).isoformat()
    if arguments.kept:
        proof = json.loads(arguments.proof.read_bytes())
        older = arguments.kept.read_text(encoding="utf-8")
        summary["grown_from"] = verify_growth(older, note, proof, arguments.key)[0]
    return summary


if __name__ == "__main__":
    sys.exit(main())
