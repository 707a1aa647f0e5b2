"""A platform that comes back from a backup: what tests of it share."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import closing
from copy import deepcopy
from pathlib import Path

from faults.clients import Promises
from faults.databases import Databases
from faults.ledger import tree_root
from faults.rig import DEPARTMENTS, journal_of
from verify.licence import verify_licence

TIMEOUT_S = 120


def tongban(environment: Mapping[str, str], *arguments: object, fails: str | None = None) -> str:
    """What ``tongban`` says, run as an operator does. With ``fails`` it must fail, and say that."""
    command = [sys.executable, "-m", "chassis.cli", *map(str, arguments)]
    done = subprocess.run(
        command, env=os.environ | dict(environment), capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    said = done.stdout + done.stderr
    assert (done.returncode != 0) == (fails is not None), said
    assert (fails or "") in said, said
    return said


def surviving(databases: Databases, promises: Promises) -> Promises:
    """Of what was promised, that which a restored platform knows."""

    def known(service: str, query: str) -> set[object]:
        return {row[0] if len(row) == 1 else tuple(row) for row in databases.read(service, query)}

    cases = known("workflow", "SELECT case_no FROM cases")
    materials = known("documents", "SELECT material_id FROM materials")
    parties = known("identity", "SELECT party_id FROM parties")
    versions = known("catalog", "SELECT item_code, version FROM item_versions")
    return Promises(
        cases=[one for one in promises.cases if one in cases],
        materials=[one for one in promises.materials if one in materials],
        parties=[one for one in promises.parties if one in parties],
        publications=[one for one in promises.publications if one in versions],
    )


def require_all(before: Promises, after: Promises) -> None:
    """Everything promised before the backup began is there."""
    for name in ("cases", "materials", "parties", "publications"):
        assert set(getattr(before, name)) <= set(getattr(after, name)), name


def copied(promises: Promises) -> Promises:
    """As they are now."""
    return deepcopy(promises)


def move_world(old: Path, new: Path, case_nos: Iterable[str]) -> None:
    """What is not the platform's and goes on: the time, and what departments remember. For the judge they forget what was
    handed in after the backup, and is lost.
    """
    shutil.copy(old / "clock", new / "clock")
    kept = set(case_nos)
    for department in DEPARTMENTS:
        with closing(sqlite3.connect(journal_of(new, department))) as journal, journal:
            with closing(sqlite3.connect(journal_of(old, department), timeout=30)) as source:
                source.backup(journal)
            tasks = [row[0] for row in journal.execute("SELECT task_id FROM tasks")]
            lost = [(task,) for task in tasks if task.partition("-")[0] not in kept]
            journal.executemany("DELETE FROM tasks WHERE task_id = ?", lost)


def newest_checkpoint(databases: Databases) -> tuple[int, bytes]:
    """Size and root, as an outsider keeps them."""
    [row] = databases.read("audit", "SELECT size, root FROM checkpoints ORDER BY size DESC LIMIT 1")
    return int(row[0]), bytes(row[1])


def grown_from(databases: Databases, size: int, root: bytes) -> bool:
    """Whether the ledger begins with the tree of the outsider's checkpoint."""
    leaves = [bytes(row[0]) for row in databases.read("audit", "SELECT leaf FROM entries ORDER BY seq")]
    return len(leaves) >= size > 0 and tree_root(leaves[:size]) == root


def require_licences(databases: Databases, data_dir: Path) -> int:
    """Every licence is there and verifies with the independent program. How many."""
    authority = (data_dir / "documents" / "pki" / "authority.pem").read_bytes()
    certificate = authority[authority.index(b"-----BEGIN CERTIFICATE-----") :]
    rows = databases.read("documents", "SELECT licence_no, sha256 FROM licences")
    for number, sha256 in rows:
        pdf = (data_dir / "documents" / "blobs" / sha256[:2] / sha256).read_bytes()
        found = verify_licence(pdf, certificate, number)
        assert found.ok, found
    return len(rows)
