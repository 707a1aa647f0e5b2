"""``tongban backup``, ``verify-backup`` and ``restore``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from chassis.backups.make import make_backup
from chassis.backups.make import verify_backup as look_through
from chassis.backups.manifest import BackupError, Manifest
from chassis.backups.restore import Agreement, make_agree, restore_backup
from chassis.operated import all_bound
from chassis.run import settings_or_exit

_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)
_EXISTING = click.Path(path_type=Path, file_okay=False, exists=True)


@click.command(
    "backup", help="备份：同一时刻的各数据库、材料与证照，密钥另存 / back up while the platform runs; keys apart"
)
@click.option("--to", "folder", type=_FOLDER, required=True, help="空文件夹 / an empty folder")
@click.option(
    "--keys-to", "keys", type=_FILE, required=True, help="密钥包，存于别处 / archive of the keys, kept elsewhere"
)
@click.option("--like", type=_EXISTING, help="较早的备份，未变的文件以硬链接共用 / an earlier one, to share files with")
def backup(folder: Path, keys: Path, like: Path | None) -> None:
    """Exit status 1 when there is no backup."""
    services = all_bound()
    with _told():
        manifest = make_backup(services, settings_or_exit(services[0].name).data_dir, folder, keys, like=like)
    _describe(manifest)
    click.echo(f"事件等待 / events waited {manifest.quiet_ms} ms，写入停顿 / writes were held {manifest.held_ms} ms")


@click.command("verify-backup", help="检查备份是否完整 / whether a backup is whole")
@click.option("--from", "folder", type=_EXISTING, required=True, help="备份 / the backup")
@click.option("--keys", type=_FILE, help="密钥包 / archive of its keys")
def verify_backup(folder: Path, keys: Path | None) -> None:
    """Exit status 1 when it is not."""
    with _told():
        _describe(look_through(folder, keys))
    if keys is None:
        click.echo("未检查密钥包 / the keys were not looked at: --keys")


@click.command(
    "restore", help="恢复到空数据库和空 DATA_DIR / bring a backup back into empty databases and an empty DATA_DIR"
)
@click.option("--from", "folder", type=_EXISTING, required=True, help="备份 / the backup")
@click.option("--keys", type=_FILE, required=True, help="密钥包 / archive of its keys")
def restore(folder: Path, keys: Path) -> None:
    """Exit status 1, with nothing changed, when it cannot be restored there."""
    services = all_bound()
    with _told():
        manifest, agreement = restore_backup(services, settings_or_exit(services[0].name).data_dir, folder, keys)
    _describe(manifest)
    _agreed(agreement)


@click.command(
    "after-restore",
    help="数据库以其他方式恢复后、启动前 / after databases came back by other means",
)
def after_restore() -> None:
    """Exit status 1 when the databases are not of one instant."""
    _agreed(make_agree(all_bound()))


def _agreed(agreement: Agreement) -> None:
    for name, count in agreement.told_again.items():
        click.echo(f"{name}: 将再次告知的事件 / events to be told again: {count}")
    if strange := {name: count for name, count in agreement.of_nobody.items() if count}:
        raise click.ClickException(
            "各数据库不是同一时刻的：收到过而无人记得发出的事件"
            f" / the databases are not of one instant: events heard that nobody has told: {strange}"
        )


def _describe(manifest: Manifest) -> None:
    click.echo(
        f"{manifest.name}: {manifest.instant.astimezone():%Y-%m-%d %H:%M:%S%z}, {manifest.version}, {manifest.kind}"
    )
    for name, copy in manifest.databases.items():
        click.echo(f"{name}: {copy.revision}")
        if copy.statement:
            click.echo("".join(f"    {line}\n" for line in copy.statement.splitlines()), nl=False)
    click.echo(
        f"文件 / files: {manifest.blobs.count}, {manifest.blobs.size_bytes:,} B; 密钥包 / keys: {manifest.keys.file}"
    )
    if manifest.unrecorded:
        click.echo(
            f"存证尚未收到的部门答复 / answers of departments not yet in the ledger: {manifest.unrecorded}", err=True
        )


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except BackupError as error:
        raise click.ClickException(str(error)) from None
