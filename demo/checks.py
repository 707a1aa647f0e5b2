"""Checks with tools outside the services: the licence's PDF and the ledger's proofs, each by a program of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.client import Api


@dataclass(frozen=True)
class Verified:
    """What an outside program said."""

    ok: bool
    says: dict[str, Any]


def verify_licence(api: Api, licence_no: str, folder: Path) -> Verified:
    """Fetch PDF and authority, then run ``python -m verify.licence`` on them."""
    pdf, authority = folder / "licence.pdf", folder / "licence-ca.pem"
    pdf.write_bytes(api.get_bytes(f"/api/v1/licences/{licence_no}/pdf"))
    authority.write_bytes(api.get_bytes("/api/v1/licence-ca"))
    return _run("verify.licence", str(pdf), "--ca", str(authority), "--number", licence_no)


def verify_trail(api: Api, case_no: str, folder: Path) -> Verified:
    """Fetch the case's trail and the log's key, then run ``python -m verify.ledger`` on them."""
    trail = folder / "trail.json"
    trail.write_text(json.dumps(api.get(f"/api/v1/trails/{case_no}"), ensure_ascii=False), encoding="utf-8")
    key = api.get_bytes("/api/v1/ledger/key").decode().strip()
    return _run("verify.ledger", str(trail), "--key", key)


def _run(module: str, *arguments: str) -> Verified:
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    try:
        says = json.loads(done.stdout)
    except json.JSONDecodeError:
        says = {"error": (done.stdout + done.stderr)[-500:]}
    return Verified(done.returncode == 0, says)
