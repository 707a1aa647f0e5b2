"""Passwords of the broker's users, in a YAML file that only its owner may read: ``{services: {…}, departments: {…}}``."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import yaml

from gateway.broker_api import ProvisionError

PASSWORD_BYTES = 24


class Passwords(msgspec.Struct, forbid_unknown_fields=True):
    """User name -> password."""

    services: dict[str, str] = {}
    departments: dict[str, str] = {}

    def __repr__(self) -> str:
        return "Passwords(…)"

    def complete(self, services: Iterable[str], departments: Iterable[str]) -> None:
        """Make up a password for each that has none."""
        for names, known in ((services, self.services), (departments, self.departments)):
            for name in names:
                known.setdefault(name, _new())

    def missing(self, services: Iterable[str], departments: Iterable[str]) -> list[str]:
        """Those that have none."""
        wanted = ((services, self.services), (departments, self.departments))
        return [name for names, known in wanted for name in names if name not in known]

    def rotate(self, name: str) -> None:
        """A new password for a user. Raises ProvisionError for a user that has none."""
        for known in (self.services, self.departments):
            if name in known:
                known[name] = _new()
                return
        raise ProvisionError(f"没有此用户 / no such user: {name}")


@contextmanager
def held(path: Path) -> Iterator[Path]:
    """Nobody else provisions from this file meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with (path.parent / f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield path


def load(path: Path) -> Passwords:
    """The passwords in ``path``, none when there is no file. Raises ProvisionError for one that others may read."""
    if not path.exists():
        return Passwords()
    if path.stat().st_mode & 0o077:
        raise ProvisionError(f"{path}: 他人可读，请改为 0600 / others may read it: make it mode 0600")
    try:
        return msgspec.convert(yaml.safe_load(path.read_bytes()) or {}, Passwords)
    except (yaml.YAMLError, msgspec.ValidationError):
        raise ProvisionError(f"{path}: 不是密码文件 / this is no file of passwords") from None


def store(path: Path, passwords: Passwords) -> None:
    """Keep them in ``path``."""
    replace_private(path, yaml.safe_dump(msgspec.to_builtins(passwords)))


def replace_private(path: Path, text: str) -> None:
    """Replace the file as a whole, for its owner only: a crash leaves the old one or the new one."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _new() -> str:
    return secrets.token_urlsafe(PASSWORD_BYTES)
