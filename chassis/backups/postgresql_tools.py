"""pg_dump and pg_restore, as they come with PostgreSQL. A password is never on their command lines."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
from psycopg.conninfo import make_conninfo

from chassis.backups.manifest import BackupError

_DEBIAN = Path("/usr/lib/postgresql")
_OWNERLESS = ("--no-owner", "--no-privileges")


def dump(url: sa.URL, snapshot: str, file: Path) -> None:
    """The database as ``snapshot`` shows it. Raises BackupError."""
    _run("pg_dump", url, ["--format=custom", *_OWNERLESS, f"--snapshot={snapshot}", f"--file={file}"])


def restore(url: sa.URL, file: Path) -> None:
    """Into an empty database, whole or not at all. Raises BackupError."""
    _run("pg_restore", url, [*_OWNERLESS, "--exit-on-error", "--single-transaction", str(file)])


def check(file: Path) -> None:
    """Raises BackupError when pg_restore could not read it."""
    _run("pg_restore", None, [f"--file={os.devnull}", str(file)])


def _run(program: str, url: sa.URL | None, arguments: Sequence[str]) -> None:
    environment = dict(os.environ)
    command = [_find(program), *arguments]
    if url is not None:
        told = {"host": url.host, "port": url.port, "user": url.username, "dbname": url.database}
        more = {name: str(value) for name, value in url.query.items() if name != "options"}
        parts = {name: str(value) for name, value in (told | more).items() if value is not None}
        command.append(f"--dbname={make_conninfo('', **parts)}")
        if url.password is not None:
            environment["PGPASSWORD"] = str(url.password)
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BackupError(f"{program}: {done.stderr.strip()[-2000:]}")


def _find(program: str) -> str:
    """The newest there is: it must not be older than the server."""
    versions = sorted(_DEBIAN.glob(f"*/bin/{program}"), key=lambda path: float(path.parts[-3]))
    found = str(versions[-1]) if versions else shutil.which(program)
    if found is None:
        raise BackupError(f"没有 / there is no {program}: 安装 / install postgresql-client")
    return found
