"""The witness of the ledger as one more process on this machine. In earnest it runs elsewhere, at somebody else's."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from pathlib import Path

from localservers.processes import READY_PATH, Program

TIMEOUT_S = 30.0


def witness_key(folder: Path) -> str:
    """The verifier key of the witness that lives in ``folder``; made on first use."""
    command = [sys.executable, "-m", "witness", "--folder", str(folder), "--show-key"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=TIMEOUT_S, check=True)
    return done.stdout.strip()


def witness_program(url: str, folder: Path, platform_url: str) -> Program:
    """Watches the ledger of the platform that runs at ``platform_url``."""
    with urllib.request.urlopen(f"{platform_url}/api/v1/ledger/key", timeout=TIMEOUT_S) as answer:  # noqa: S310
        ledger_key = answer.read().decode().strip()
    arguments = ("--address", url.removeprefix("http://"), "--folder", str(folder), "--log", ledger_key)
    return Program("witness", "witness", arguments, {}, f"{url}{READY_PATH}")
