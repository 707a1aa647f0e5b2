"""Make a backup, and look one through."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from chassis.backups import postgresql_tools
from chassis.backups.cut import Copy, one_instant
from chassis.backups.manifest import (
    BLOBS,
    DATABASES,
    FORMAT,
    BackupError,
    Blobs,
    DatabaseCopy,
    KeysArchive,
    Manifest,
    blobs_of,
    read_manifest,
    sha256_of,
    write_manifest,
)
from chassis.migrate import revision_of
from chassis.service import Service
from chassis.version import version

_BLOB = re.compile(r"[0-9a-f]{64}")
# In DATA_DIR, yet nothing to keep: databases are copied as such, and the lists of instances and keys are fetched again.
_PASSING = re.compile(r"(\.sqlite(-wal|-shm)?|\.json|^lock)$")


def make_backup(
    services: Sequence[Service], data_dir: Path, folder: Path, keys: Path, *, like: Path | None = None
) -> Manifest:
    """Into ``folder``, which must be empty; the keys into the tar ``keys``. With ``like``, an earlier backup on the same file
    system, what has not changed is linked. Raises BackupError.
    """
    _require_places(folder, keys)
    statements = {service.name: _statement(service) for service in services}
    revisions = {service.name: _revision(service) for service in services}
    (folder / DATABASES).mkdir(parents=True, mode=0o700)
    with one_instant(services) as cut:
        files = {name: _copy(cut.copies[name], folder / DATABASES, f"{name}.{cut.kind}") for name in cut.copies}
    # After the databases: whatever they name is in place, and never changes.
    manifest = Manifest(
        format=FORMAT,
        name=folder.name,
        version=version(),
        kind=cut.kind,
        instant=cut.instant,
        quiet_ms=cut.quiet_ms,
        held_ms=cut.held_ms,
        unrecorded=cut.unrecorded,
        databases={
            name: DatabaseCopy(
                file=file.name, sha256=sha256_of(file), revision=revisions[name], statement=statements[name]
            )
            for name, file in files.items()
        },
        blobs=_copy_blobs(services, data_dir, folder / BLOBS, None if like is None else like / BLOBS),
        keys=_archive_keys(services, data_dir, keys),
    )
    write_manifest(folder, manifest)
    return manifest


def verify_backup(folder: Path, keys: Path | None) -> Manifest:
    """The manifest, when everything that it names is there and whole; without ``keys`` all but them. Raises BackupError."""
    manifest = read_manifest(folder)
    problems = []
    for name, copy in manifest.databases.items():
        file = folder / DATABASES / copy.file
        if not file.is_file() or sha256_of(file) != copy.sha256:
            problems.append(f"{file}: 缺失或已改 / missing or changed")
        elif trouble := _trouble(manifest, file):
            problems.append(f"{name}: {trouble}")
    problems += _blob_problems(folder / BLOBS, manifest)
    if keys is not None and (not keys.is_file() or sha256_of(keys) != manifest.keys.sha256):
        problems.append(f"{keys}: 不是此备份的密钥 / not the keys of this backup")
    if problems:
        raise BackupError("; ".join(problems))
    return manifest


def blobs_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """Path within ``folder``, and file, of every blob."""
    for file in sorted(folder.rglob("*")):
        if _BLOB.fullmatch(file.name) and file.is_file():
            yield str(file.relative_to(folder)), file


def keys_in(data_dir: Path, services: Sequence[Service]) -> Iterator[Path]:
    """Every file of DATA_DIR that must be kept and is no database and no blob."""
    stores = [data_dir / service.blobs for service in services if service.blobs]
    for file in sorted(data_dir.rglob("*")):
        if file.is_file() and not _PASSING.search(file.name) and not any(file.is_relative_to(each) for each in stores):
            yield file


def _require_places(folder: Path, keys: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise BackupError(f"{folder}: 不是空的 / is not empty")
    if keys.exists():
        raise BackupError(f"{keys}: 已存在 / exists")
    if keys.resolve().is_relative_to(folder.resolve()):
        raise BackupError(f"{keys}: 密钥须与数据库分开存放 / keys are kept apart from the databases")


def _statement(service: Service) -> str | None:
    with service.database.read() as connection:
        return service.statement(connection)


def _revision(service: Service) -> str:
    revision = revision_of(service.database)
    if revision is None:
        raise BackupError(f"{service.name}: {service.database.engine.url!r}: 不是本平台的数据库 / no database of ours")
    return revision


def _copy(copy: Copy, folder: Path, name: str) -> Path:
    file = folder / name
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.close(descriptor)
    copy(file)
    return file


def _copy_blobs(services: Sequence[Service], data_dir: Path, target: Path, like: Path | None) -> Blobs:
    names = []
    target.mkdir(mode=0o700)
    for service in services:
        for name, file in blobs_in(data_dir / service.blobs) if service.blobs else ():
            place = Path(str(service.blobs)) / name
            (target / place).parent.mkdir(parents=True, exist_ok=True)
            if like is not None and (like / place).is_file():
                os.link(like / place, target / place)
            else:
                shutil.copyfile(file, target / place)
            names.append((str(place), file.stat().st_size))
    return blobs_of(names)


def _archive_keys(services: Sequence[Service], data_dir: Path, archive: Path) -> KeysArchive:
    archive.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(archive, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w") as tar:
        for key in keys_in(data_dir, services):
            tar.add(key, str(key.relative_to(data_dir)))
    return KeysArchive(file=archive.name, sha256=sha256_of(archive))


def _trouble(manifest: Manifest, file: Path) -> str | None:
    try:
        if manifest.kind == "postgresql":
            postgresql_tools.check(file)
            return None
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            said = str(connection.execute("PRAGMA integrity_check").fetchone()[0])
        return None if said == "ok" else said
    except (BackupError, sqlite3.Error) as error:
        return str(error)


def _blob_problems(folder: Path, manifest: Manifest) -> list[str]:
    found = [(name, file) for name, file in blobs_in(folder)]
    problems = [f"{file}: 内容与名称不符 / is not what its name says" for _, file in found if _hash(file) != file.name]
    if blobs_of([(name, file.stat().st_size) for name, file in found]) != manifest.blobs:
        problems.append(f"{folder}: 文件有缺失或多余 / files are missing, or there are others")
    return problems


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
