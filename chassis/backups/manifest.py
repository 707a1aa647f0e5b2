"""What a backup's folder holds, written last: a folder without a manifest is no backup."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

FILE = "manifest.json"
DATABASES, BLOBS = "databases", "blobs"
FORMAT = 1
Kind = Literal["sqlite", "postgresql"]


class BackupError(Exception):
    """Why there is no backup, or none that could be gone by."""


class DatabaseCopy(msgspec.Struct, frozen=True, kw_only=True):
    """``file`` lies in the folder ``databases``. ``statement``: what the service said of its database before the instant."""

    file: str
    sha256: str
    revision: str
    statement: str | None = None


class Blobs(msgspec.Struct, frozen=True, kw_only=True):
    """``sha256`` is of their names in order, one a line; each is named by its own hash."""

    count: int
    size_bytes: int
    sha256: str


class KeysArchive(msgspec.Struct, frozen=True, kw_only=True):
    """A tar that lies elsewhere."""

    file: str
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """``instant``: of all databases. ``quiet_ms``: how long events waited to be heard; ``held_ms``: how long, at the end of it,
    whoever wanted to tell one waited. ``unrecorded``: messages from outside that one service had heard and the record of
    everything had not, when it was not waited for any longer.
    """

    format: int
    name: str
    version: str
    kind: Kind
    instant: datetime
    quiet_ms: int
    held_ms: int
    unrecorded: int
    databases: dict[str, DatabaseCopy]
    blobs: Blobs
    keys: KeysArchive


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Makes a backup of the folder."""
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    (folder / FILE).write_bytes(text + b"\n")


def read_manifest(folder: Path) -> Manifest:
    """Raises BackupError."""
    try:
        manifest = msgspec.json.decode((folder / FILE).read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise BackupError(f"{folder}: 没有 / there is no {FILE}: 不是完整的备份 / no whole backup") from None
    except (OSError, msgspec.DecodeError) as error:
        raise BackupError(f"{folder / FILE}: {error}") from error
    if manifest.format != FORMAT:
        raise BackupError(f"{folder / FILE}: format {manifest.format}, 应为 / expected {FORMAT}")
    return manifest


def sha256_of(file: Path) -> str:
    """Hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def blobs_of(names: list[tuple[str, int]]) -> Blobs:
    """Of names and sizes."""
    listing = "".join(f"{name}\n" for name, _ in sorted(names))
    digest = hashlib.sha256(listing.encode()).hexdigest()
    return Blobs(count=len(names), size_bytes=sum(size for _, size in names), sha256=digest)
