"""Bring a backup back, into empty databases and an empty DATA_DIR, and make the services agree again."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from chassis.background import RETENTION
from chassis.backups import postgresql_tools
from chassis.backups.cut import ids_among
from chassis.backups.make import blobs_in, keys_in, verify_backup
from chassis.backups.manifest import BLOBS, DATABASES, BackupError, Manifest
from chassis.migrate import known_revisions, upgrade
from chassis.service import Service
from contracts.registry import EVENTS

CHUNK = 10_000
REMEMBERED = RETENTION - timedelta(days=1)  # by every inbox
LATELY = RETENTION / 2  # heard: what told it is in the outbox still, even if it was long under way


@dataclass(frozen=True)
class Agreement:
    """By service: ``told_again``, events that somebody had not heard; ``of_nobody``, events heard that nobody remembers to have
    told. There are none of these when all databases are of one instant.
    """

    told_again: Mapping[str, int]
    of_nobody: Mapping[str, int]


def restore_backup(services: Sequence[Service], data_dir: Path, folder: Path, keys: Path) -> tuple[Manifest, Agreement]:
    """Raises BackupError, and has changed nothing when the backup is not whole, is a newer release's, or the place not empty."""
    manifest = verify_backup(folder, keys)
    _require_same_services(services, manifest)
    _require_room(services, data_dir, manifest)
    for service in services:
        _bring_database(service, folder / DATABASES / manifest.databases[service.name].file)
    _bring_files(folder / BLOBS, keys, data_dir)
    for service in services:
        upgrade(service.database, service.migrations)
    return manifest, make_agree(services)


def make_agree(services: Sequence[Service]) -> Agreement:
    """After databases have come back, however that was done, and before anything is started: tell again what was in queues,
    and let each service do what it does after a restore.
    """
    instant = _instant(services)
    of_nobody = {service.name: _of_nobody(service, services, instant - LATELY) for service in services}
    told_again = {service.name: _tell_again(service, services, instant - REMEMBERED) for service in services}
    for service in services:
        with service.database.transaction() as tx:
            service.restored(tx)
    return Agreement(told_again, of_nobody)


def _instant(services: Sequence[Service]) -> datetime:
    """When the last thing was told that these databases know of."""
    told = []
    for service in services:
        with service.database.read() as connection:
            told.append(connection.execute(sa.select(sa.func.max(service.database.outbox.c.created_at))).scalar_one())
    return max((one for one in told if one is not None), default=datetime.now(UTC))


def _of_nobody(hearer: Service, services: Sequence[Service], since: datetime) -> int:
    """Events that it has heard of one of ours, and that are in no outbox."""
    inbox = hearer.database.inbox
    ours = {service.name for service in services}
    of_ours = [s for s in hearer.subscriptions if s.handlers and {EVENTS[e.TYPE].owner for e in s.handlers} <= ours]
    names = [subscription.name for subscription in of_ours]
    heard = sa.select(inbox.c.event_id).where(inbox.c.handled_at > since, inbox.c.subscription.in_(names)).distinct()
    after, count = "", 0
    while True:
        page = heard.where(inbox.c.event_id > after).order_by(inbox.c.event_id).limit(CHUNK)
        with hearer.database.read() as connection:
            left = set(connection.execute(page).scalars())
        if not left:
            return count
        after = max(left)
        for service in services:
            left -= ids_among(service.database, service.database.outbox.c.event_id, left)
        count += len(left)


def _tell_again(teller: Service, services: Sequence[Service], since: datetime) -> int:
    """Put back into the outbox what one of its hearers has not heard: it was in a queue. How many that were.

    Nothing older than ``since``: it is known to all, and no inbox would tell that it comes a second time.
    """
    outbox = teller.database.outbox
    sent = sa.select(outbox.c.position, outbox.c.event_id, outbox.c.type).where(
        outbox.c.sent_at.is_not(None), outbox.c.created_at > since
    )
    after, count = 0, 0
    while True:
        page = sent.where(outbox.c.position > after).order_by(outbox.c.position).limit(CHUNK)
        with teller.database.read() as connection:
            rows = connection.execute(page).fetchall()
        if not rows:
            return count
        after = rows[-1].position
        unheard = _unheard({row.event_id: row.type for row in rows}, services)
        count += len(unheard)
        positions = [row.position for row in rows if row.event_id in unheard]
        with teller.database.writing() as connection:
            connection.execute(sa.update(outbox).where(outbox.c.position.in_(positions)).values(sent_at=None))


def _unheard(events: Mapping[str, str], services: Sequence[Service]) -> set[str]:
    """Ids of those that a subscription wants and has neither handled nor written down."""
    missing: set[str] = set()
    for service in services:
        database = service.database
        for subscription in service.subscriptions:
            wanted = {event_id for event_id, kind in events.items() if subscription.wants(kind)}
            for table in (database.inbox, database.retries):
                wanted -= ids_among(database, table.c.event_id, wanted, table.c.subscription == subscription.name)
            missing |= wanted
    return missing


def _require_same_services(services: Sequence[Service], manifest: Manifest) -> None:
    if {service.name for service in services} != set(manifest.databases):
        raise BackupError(f"备份中的服务 / the backup is of: {', '.join(manifest.databases)}")
    for service in services:
        revision = manifest.databases[service.name].revision
        if revision not in known_revisions(service.migrations):
            raise BackupError(
                f"{service.name}: 备份来自更新的版本 / the backup is a newer release's: {manifest.version}, {revision}"
            )


def _require_room(services: Sequence[Service], data_dir: Path, manifest: Manifest) -> None:
    for service in services:
        if service.database.is_postgresql != (manifest.kind == "postgresql"):
            raise BackupError(f"{service.name}: 备份属于 / the backup is of {manifest.kind}: TONGBAN_DATABASE_URL")
        if tables := sa.inspect(service.database.engine).get_table_names():
            raise BackupError(f"{service.name}: 数据库不是空的 / the database is not empty: {', '.join(tables[:3])} …")
    if data_dir.exists() and (taken := next(iter(keys_in(data_dir, [])), None)):
        raise BackupError(f"{data_dir}: 不是空的 / is not empty: {taken}")


def _bring_database(service: Service, file: Path) -> None:
    url = service.database.engine.url
    service.database.engine.dispose()
    if service.database.is_postgresql:
        postgresql_tools.restore(url, file)
        return
    place = Path(str(url.database))
    for left in (place, place.with_name(f"{place.name}-wal"), place.with_name(f"{place.name}-shm")):
        left.unlink(missing_ok=True)  # what looking into an empty database has made
    shutil.copyfile(file, place)
    place.chmod(0o600)


def _bring_files(blobs: Path, keys: Path, data_dir: Path) -> None:
    data_dir.mkdir(parents=True, exist_ok=True)
    data_dir.chmod(0o700)
    for name, file in blobs_in(blobs):
        (data_dir / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, data_dir / name)
    with tarfile.open(keys) as tar:
        tar.extractall(data_dir, filter="data")
    os.sync()
