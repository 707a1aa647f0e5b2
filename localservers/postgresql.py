"""A PostgreSQL server of one's own."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

from chassis.keys import read_or_create
from localservers.child import Account, Child
from localservers.ports import free_port
from localservers.requirements import postgresql_bin, require

USER = "tongban"
READY_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 20.0


class PostgreSQL:
    """A fresh cluster in ``folder`` (an earlier one there is removed, unless it is to ``keep``), listening on a free port of
    127.0.0.1.

    ``fsync=False`` is for tests that are not about durability. The server must not run as root: started by root it runs as
    ``postgres``, and when that account cannot reach ``folder`` the cluster lies under /tmp and goes at the end.
    """

    def __init__(self, folder: Path, *, fsync: bool = True, keep: bool = False) -> None:
        self._folder = folder.resolve()
        self._fsync, self._keep = fsync, keep
        self._password = _secret(self._folder / "password") if keep else secrets.token_urlsafe(16)
        self.port = free_port()
        self._child: Child | None = None

    def __enter__(self) -> Self:
        """Create the cluster if need be and start. Raises ServerMissing or ServerDied."""
        require("postgresql")
        self._bin = postgresql_bin()
        self._account = _account()
        self._sockets = Path(tempfile.mkdtemp(prefix="tb-pg-", dir="/tmp"))  # a socket's path must be short
        self._give(self._sockets)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._data = (self._folder if _reachable(self._folder, self._account) else self._sockets) / "data"
        self._create()
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            self._child.stop(signal.SIGINT, timeout_s=STOP_TIMEOUT_S)  # fast shutdown: open sessions are rolled back
        shutil.rmtree(self._sockets, ignore_errors=True)

    @property
    def log(self) -> Path:
        """The server's log."""
        return self._folder / "postgresql.log"

    @property
    def alive(self) -> bool:
        """False when the server has ended."""
        return self._child is not None and self._child.alive

    @property
    def pid(self) -> int:
        """Process id of the postmaster."""
        assert self._child is not None
        return self._child.pid

    def url(self, database: str, *, port: int | None = None) -> str:
        """SQLAlchemy URL of a database, for psycopg 3; ``port`` is that of a proxy before the server."""
        return f"postgresql+psycopg://{USER}:{self._password}@127.0.0.1:{port or self.port}/{database}"

    def create_database(self, name: str) -> None:
        """Create a database; one that is there is left alone."""
        with self._session() as session:
            if not session.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
                session.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def create_watcher(self, name: str, password: str) -> None:
        """Create a user, or change its password, who sees every statistic and no row of anybody's."""
        with self._session() as session:
            user = sql.Identifier(name)
            if not session.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone():
                session.execute(sql.SQL("CREATE ROLE {} LOGIN IN ROLE pg_monitor").format(user))
            session.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(user, sql.Literal(password)))

    def drop_database(self, name: str) -> None:
        """Drop a database and end its sessions."""
        with self._session() as session:
            session.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def cut_sessions(self, database: str) -> int:
        """End every session of ``database`` from the server's side; returns how many."""
        with self._session() as session:
            ended = session.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (database,)
            )
            return len(ended.fetchall())

    def kill(self) -> None:
        """kill -9 the postmaster and every backend."""
        assert self._child is not None
        self._child.kill()

    def restart(self) -> None:
        """Start again after ``kill``, on the same port; returns when ready."""
        self._start()

    def _session(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=USER, password=self._password, dbname="postgres", autocommit=True,
            connect_timeout=5,
        )  # fmt: skip

    def _create(self) -> None:
        """initdb into a fresh folder that the server's account owns, unless one is kept."""
        if (self._data / "PG_VERSION").exists():
            if self._keep:
                return
            shutil.rmtree(self._data)
        self._data.mkdir(mode=0o700)
        self._give(self._data)
        secret = self._sockets / "password"
        secret.write_text(self._password)
        self._give(secret)
        command = [
            f"{self._bin}/initdb", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", f"--username={USER}",
            "--auth=scram-sha-256", f"--pwfile={secret}", f"--pgdata={self._data}",
        ]  # fmt: skip
        identity = {"user": self._account.uid, "group": self._account.gid, "extra_groups": []}
        subprocess.run(
            command, check=True, cwd=self._sockets, stdout=subprocess.DEVNULL, env=_environment(),
            **(identity if self._account.uid >= 0 else {}),
        )  # type: ignore[call-overload]  # fmt: skip
        secret.unlink()

    def _start(self) -> None:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self._sockets,
            "max_connections": 300,
            "fsync": "on" if self._fsync else "off",
            "full_page_writes": "on" if self._fsync else "off",
        }
        settings = [argument for name, value in options.items() for argument in ("-c", f"{name}={value}")]
        self._child = Child(
            [f"{self._bin}/postgres", "-D", str(self._data), *settings],
            self.log, environment=_environment(), account=self._account,
        )  # fmt: skip
        self._child.wait_until(self._answers, timeout_s=READY_TIMEOUT_S)

    def _answers(self) -> bool:
        try:
            self._session().close()
        except psycopg.OperationalError:
            return False
        return True

    def _give(self, path: Path) -> None:
        if self._account.uid >= 0:
            os.chown(path, self._account.uid, self._account.gid)


def _secret(file: Path) -> str:
    """The password that a kept cluster was made with."""
    return read_or_create(file, lambda: secrets.token_urlsafe(16).encode()).decode()


def _account() -> Account:
    if os.geteuid() != 0:
        return Account()
    entry = pwd.getpwnam("postgres")
    return Account(entry.pw_uid, entry.pw_gid)


def _reachable(folder: Path, account: Account) -> bool:
    """True if the server's account may pass through ``folder`` and every folder above it."""
    return account.uid < 0 or all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents))


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8"}
