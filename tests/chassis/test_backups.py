"""Backups of the platform's own databases on SQLite; with load and on servers: tests/faults."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from chassis.backups import manifest as manifests
from chassis.backups.cut import one_instant
from chassis.backups.make import make_backup, verify_backup
from chassis.backups.manifest import BackupError
from chassis.backups.restore import make_agree, restore_backup
from chassis.cli import main
from chassis.operated import all_bound
from chassis.run import migrate
from chassis.service import Service
from chassis.settings import load_settings
from contracts.item import ItemRetired
from services.documents.models import serials
from services.workflow.models import case_numbers
from tests.support import deliver, envelope_bytes

SECRET = b"of-nobody-elses-business"
RETIRED = ItemRetired(item_code="x", retired_on=date(2026, 1, 1), reason="停办")


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the empty database of every service."""
    folder = tmp_path_factory.mktemp("migrated")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TONGBAN_DATA_DIR", str(folder))
        for service in all_bound():
            migrate(service, load_settings(service.name))
            service.database.engine.dispose()
    return folder


@pytest.fixture
def services(tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Service]]:
    """Every service with databases of its own, keys and one blob in ``tmp_path/data``."""
    shutil.copytree(migrated, tmp_path / "data")
    monkeypatch.setenv("TONGBAN_DATA_DIR", str(tmp_path / "data"))
    found = all_bound()
    content = b"%PDF-1.7"
    for name, text in {
        "identity/data.key": SECRET,
        "documents/masters/1.key": SECRET,
        f"documents/blobs/ab/{sha256(content).hexdigest()}": content,
        "documents/blobs/drafts/half": b"on its way in",
        "workflow/registry.json": b"{}",
    }.items():
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_bytes(text)
        (tmp_path / "data" / name).chmod(0o600)
    yield found
    for service in found:
        service.database.engine.dispose()


def backed_up(services: Sequence[Service], tmp_path: Path, name: str = "b1", like: Path | None = None) -> Path:
    make_backup(services, tmp_path / "data", tmp_path / name, tmp_path / "keys" / f"{name}.tar", like=like)
    return tmp_path / name


def moved(services: Sequence[Service], tmp_path: Path) -> Path:
    """Bind the services to databases that are not there yet."""
    for service in services:
        service.database.bind(f"sqlite:///{tmp_path}/new/{service.name}.sqlite")
    return tmp_path / "new"


def named(services: Sequence[Service], name: str) -> Service:
    [found] = [service for service in services if service.name == name]
    return found


def tell(service: Service) -> str:
    """An event that has been sent, whoever has heard it."""
    with service.database.transaction() as tx:
        event_id = tx.tell(RETIRED)
    with service.database.writing() as connection:
        connection.execute(sa.update(service.database.outbox).values(sent_at=datetime.now(UTC)))
    return event_id


def unsent(service: Service) -> list[str]:
    outbox = service.database.outbox.c
    with service.database.read() as connection:
        return list(connection.execute(sa.select(outbox.event_id).where(outbox.sent_at.is_(None))).scalars())


def test_what_comes_back_is_what_was_there_and_keys_lie_apart(services: list[Service], tmp_path: Path) -> None:
    folder = backed_up(services, tmp_path)
    assert SECRET not in b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    with tarfile.open(tmp_path / "keys" / "b1.tar") as tar:
        assert sorted(tar.getnames()) == ["documents/masters/1.key", "identity/data.key"]
    assert stat.S_IMODE((tmp_path / "keys" / "b1.tar").stat().st_mode) == 0o600
    data = moved(services, tmp_path)
    _, agreement = restore_backup(services, data, folder, tmp_path / "keys" / "b1.tar")
    assert set(agreement.told_again.values()) == {0}
    files = {str(path.relative_to(data)) for path in data.rglob("*") if path.is_file() and ".sqlite" not in path.name}
    blob = f"documents/blobs/ab/{sha256(b'%PDF-1.7').hexdigest()}"
    assert files == {"identity/data.key", "documents/masters/1.key", blob}
    assert stat.S_IMODE((data / "identity/data.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


def test_an_event_that_somebody_has_not_heard_is_told_again_and_no_other(
    services: list[Service], tmp_path: Path
) -> None:
    catalog, workflow, audit = (named(services, name) for name in ("catalog", "workflow", "audit"))
    waiting = tell(catalog)
    with catalog.database.read() as connection:
        body = connection.execute(sa.select(catalog.database.outbox.c.body)).scalar_one()
    deliver(audit, "audit.ledger", body)
    known = tell(catalog)
    with catalog.database.read() as connection:
        column = catalog.database.outbox.c
        heard = connection.execute(sa.select(column.body).where(column.event_id == known)).scalar_one()
    for service in services:
        for subscription in service.subscriptions:
            if subscription.wants(RETIRED.TYPE):
                deliver(service, subscription.name, heard)
    folder = backed_up(services, tmp_path)
    _, agreement = restore_backup(services, moved(services, tmp_path), folder, tmp_path / "keys" / "b1.tar")
    assert agreement.told_again == {"catalog": 1, "workflow": 0, "identity": 0, "documents": 0, "audit": 0}
    assert unsent(catalog) == [waiting]
    assert unsent(workflow) == []


def test_databases_of_different_instants_are_noticed(services: list[Service], tmp_path: Path) -> None:
    """Workflow has heard of an item that catalog, brought back to an earlier time, has never published."""
    workflow = named(services, "workflow")
    assert set(make_agree(services).of_nobody.values()) == {0}
    deliver(workflow, "workflow.items", envelope_bytes(RETIRED, source="catalog"))
    assert make_agree(services).of_nobody == {s.name: int(s is workflow) for s in services}
    answer = CliRunner().invoke(main, ["after-restore"])
    assert answer.exit_code == 1
    assert "'workflow': 1" in answer.output


def test_what_inboxes_no_longer_remember_is_not_told_again(services: list[Service], tmp_path: Path) -> None:
    catalog = named(services, "catalog")
    tell(catalog)
    with catalog.database.writing() as connection:
        old = datetime.now(UTC) - timedelta(days=30)
        connection.execute(sa.update(catalog.database.outbox).values(created_at=old))
    tell(named(services, "workflow"))
    folder = backed_up(services, tmp_path)
    _, agreement = restore_backup(services, moved(services, tmp_path), folder, tmp_path / "keys" / "b1.tar")
    assert agreement.told_again["catalog"] == 0


def test_a_parked_message_is_not_told_again(services: list[Service], tmp_path: Path) -> None:
    catalog, workflow = named(services, "catalog"), named(services, "workflow")
    event_id = tell(catalog)
    unknown = envelope_bytes(RETIRED, source="catalog", event_id=event_id).replace(b"retired.v1", b"retired.v9")
    deliver(workflow, "workflow.items", unknown)
    with catalog.database.read() as connection:
        body = connection.execute(sa.select(catalog.database.outbox.c.body)).scalar_one()
    for service in services:
        for subscription in service.subscriptions:
            if subscription.wants(RETIRED.TYPE) and subscription.name != "workflow.items":
                deliver(service, subscription.name, body)
    folder = backed_up(services, tmp_path)
    _, agreement = restore_backup(services, moved(services, tmp_path), folder, tmp_path / "keys" / "b1.tar")
    assert agreement.told_again["catalog"] == 0


def test_numbers_given_after_the_backup_are_never_given_again(services: list[Service], tmp_path: Path) -> None:
    documents, workflow = named(services, "documents"), named(services, "workflow")
    with documents.database.transaction() as tx:
        tx.insert(serials, [{"issuer_code": "i", "type_code": "t", "last": 7}])
    folder = backed_up(services, tmp_path)
    restore_backup(services, moved(services, tmp_path), folder, tmp_path / "keys" / "b1.tar")
    with documents.database.read() as connection:
        assert connection.execute(sa.select(serials.c.last)).scalar_one() > 100_000
    with workflow.database.read() as connection:
        rows = connection.execute(sa.select(case_numbers.c.item_code, case_numbers.c.reserved)).fetchall()
    assert dict(rows)["YJS"] >= 100_000


def test_while_the_instant_is_taken_nobody_writes(services: list[Service], tmp_path: Path) -> None:
    """What is committed after it is in no copy, of whatever database."""
    with one_instant(services) as cut:
        for service in services:
            tell(service)
        for name, copy in cut.copies.items():
            copy(tmp_path / f"{name}.copy")
    for service in services:
        with closing(sqlite3.connect(tmp_path / f"{service.name}.copy")) as connection:
            assert connection.execute("SELECT count(*) FROM outbox").fetchone() == (0,)


def test_an_earlier_backup_lends_its_files(services: list[Service], tmp_path: Path) -> None:
    first = backed_up(services, tmp_path)
    second = backed_up(services, tmp_path, "b2", like=first)
    name = sha256(b"%PDF-1.7").hexdigest()
    blobs = [next((folder / "blobs").rglob(name)) for folder in (first, second)]
    assert blobs[0].samefile(blobs[1])
    shutil.rmtree(first)
    verify_backup(second, tmp_path / "keys" / "b2.tar")


def _change_database(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "databases" / "workflow.sqlite")) as connection, connection:
        connection.execute("CREATE TABLE more (one INTEGER)")


def _lose_blob(folder: Path) -> None:
    next(path for path in (folder / "blobs").rglob("*") if path.is_file()).unlink()


def _change_blob(folder: Path) -> None:
    next(path for path in (folder / "blobs").rglob("*") if path.is_file()).write_bytes(b"%PDF-1.6")


def _change_keys(folder: Path) -> None:
    (folder.parent / "keys" / "b1.tar").write_bytes(b"others")


def _interrupt(folder: Path) -> None:
    (folder / manifests.FILE).unlink()


def _make_newer(folder: Path) -> None:
    manifest = manifests.read_manifest(folder)
    copies = manifest.databases | {"audit": msgspec.structs.replace(manifest.databases["audit"], revision="9999")}
    manifests.write_manifest(folder, msgspec.structs.replace(manifest, databases=copies))


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (_change_database, "workflow.sqlite"),
        (_lose_blob, "blobs"),
        (_change_blob, "blobs"),
        (_change_keys, "b1.tar"),
        (_interrupt, "manifest.json"),
        (_make_newer, "newer"),
    ],
)
def test_a_backup_that_is_not_whole_is_refused_and_nothing_is_begun(
    services: list[Service], tmp_path: Path, harm: Callable[[Path], None], said: str
) -> None:
    folder = backed_up(services, tmp_path)
    harm(folder)
    data = moved(services, tmp_path)
    with pytest.raises(BackupError, match=said):
        restore_backup(services, data, folder, tmp_path / "keys" / "b1.tar")
    for service in services:
        assert sa.inspect(service.database.engine).get_table_names() == []
    assert not (data / "identity").exists()


def test_nothing_is_restored_over_something(services: list[Service], tmp_path: Path) -> None:
    folder = backed_up(services, tmp_path)
    keys = tmp_path / "keys" / "b1.tar"
    with pytest.raises(BackupError, match="not empty"):
        restore_backup(services, tmp_path / "data", folder, keys)
    moved(services, tmp_path)
    with pytest.raises(BackupError, match="not empty"):
        restore_backup(services, tmp_path / "data", folder, keys)
    for service in services:
        assert sa.inspect(service.database.engine).get_table_names() == []


def test_a_backup_wants_an_empty_folder_and_its_keys_elsewhere(services: list[Service], tmp_path: Path) -> None:
    folder = backed_up(services, tmp_path)
    with pytest.raises(BackupError, match="not empty"):
        make_backup(services, tmp_path / "data", folder, tmp_path / "keys" / "b3.tar")
    with pytest.raises(BackupError, match="apart"):
        make_backup(services, tmp_path / "data", tmp_path / "b3", tmp_path / "b3" / "keys.tar")
    with pytest.raises(BackupError, match="exists"):
        make_backup(services, tmp_path / "data", tmp_path / "b3", tmp_path / "keys" / "b1.tar")
    assert not (tmp_path / "b3").exists()
