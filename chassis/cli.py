"""``tongban``: the operator's commands. Settings come from the environment, as for the services themselves."""

from __future__ import annotations

import json
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from chassis import parked, workdays
from chassis.backups.commands import after_restore, backup, restore, verify_backup
from chassis.migrate import make_migration as write_migration
from chassis.operated import all_bound, all_services, bound
from chassis.run import check_schema, settings_or_exit
from chassis.run import migrate as migrate_service
from chassis.settings import unknown_variables
from chassis.settings_shown import in_force
from chassis.sign_in import sign_in

_service_option = click.option("--service", "name", required=True, help="服务名 / name of the service")


class _Commands(click.Group):
    """Besides its own, the commands of every service that has a module ``commands``, loaded when they are asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Names for the help page."""
        return [*super().list_commands(context), *(name for name in all_services() if _has_commands(name))]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Its own go before."""
        own = super().get_command(context, name)
        if own is not None or name not in all_services() or not _has_commands(name):
            return own
        found: click.Command = import_module(f"services.{name}.commands").main
        return found


@click.group(cls=_Commands, help="通办平台运维命令 / operator's commands of Tongban")
def main() -> None:
    """Entry point ``tongban``."""


@main.group("parked", help="需人工处理的消息 / messages that wait for a person")
def parked_group() -> None:
    """Group ``tongban parked``."""


@parked_group.command("list", help="列出 / list them, oldest first")
@_service_option
def list_command(name: str) -> None:
    """One line of JSON per message."""
    for message in parked.list_parked(bound(name).database):
        _print(message)


@parked_group.command("show", help="显示一条消息及其内容 / show one with its body")
@_service_option
@click.argument("event_id")
def show_command(name: str, event_id: str) -> None:
    """One line of JSON per subscription that parked it. Exit status 1 if there is none."""
    found = parked.show_parked(bound(name).database, event_id)
    for message in found:
        _print(message | {"body": json.loads(message["body"])})
    if not found:
        raise click.ClickException(f"没有此消息 / no such parked message: {event_id}")


@parked_group.command("replay", help="重新处理一条或全部 / handle one, or all, again")
@_service_option
@click.option("--all", "everything", is_flag=True, help="全部 / all of them")
@click.argument("event_id", required=False)
def replay_command(name: str, everything: bool, event_id: str | None) -> None:
    """The running workers of the service pick them up. Exit status 1 if there is none."""
    if everything == (event_id is not None):
        raise click.UsageError("给出 EVENT_ID 或 --all / give EVENT_ID or --all")
    count = parked.replay_parked(bound(name).database, event_id)
    if not (count or everything):
        raise click.ClickException(f"没有此消息 / no such parked message: {event_id}")
    click.echo(f"已安排重新处理 / to be handled again: {count}")


@main.command("migrate", help="升级数据库并建立消息队列 / bring databases to the newest schema and make the queues")
@click.option("--service", "name", help="服务名 / name of the service")
@click.option("--all", "everything", is_flag=True, help="全部服务 / every service")
@click.option(
    "--check", is_flag=True, help="只查是否够新，不改动 / only ask whether they are new enough; exit status 1 if not"
)
def migrate_command(name: str | None, *, everything: bool, check: bool) -> None:
    """Each service needs a database of its own: with ``--all`` TONGBAN_DATABASE_URL names it with ``{service}``."""
    if everything == (name is not None):
        raise click.UsageError("给出 --service 或 --all / give --service or --all")
    for service in all_bound() if everything else [bound(str(name))]:
        check_schema(service) if check else migrate_service(service, settings_or_exit(service.name))
        click.echo(f"{service.name}: 已升级 / up to date")


@main.command("settings", help="当前生效的设置，密码不显示 / the settings in force, secrets hidden")
@click.option("--service", "name", default="workflow", show_default=True, help="哪个进程 / as which process reads them")
def settings_command(name: str) -> None:
    """Exit status 1 when a variable is known to nobody, 2 when one is wrong."""
    for line in in_force(settings_or_exit(name)):
        click.echo(line)
    unknown = unknown_variables()
    for variable, nearest in unknown.items():
        hint = f"，是否指 / did you mean {nearest}?" if nearest else ""
        click.echo(f"没有此设置 / no such setting: {variable}{hint}", err=True)
    if unknown:
        raise SystemExit(1)


@main.command("calendar", help="检查节假日文件 / look through a file of holidays")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
def calendar_command(file: Path | None) -> None:
    """Without FILE: the one that is set. Exit status 1 when it makes no sense."""
    file = file or settings_or_exit("workflow").calendar_file
    try:
        years = {} if file is None else workdays.read_years(file)
    except workdays.CalendarInvalid as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{workdays.FIRST_YEAR}–{workdays.LAST_SHIPPED_YEAR}: 随产品 / shipped")
    for number, year in sorted(years.items()):
        off, on = len(year.holidays), len(year.workdays)
        click.echo(f"{number}: 放假 / off {off}, 调休上班 / made up {on}; {year.source}")


@main.command("make-migration", help="由模型与数据库的差异生成迁移 / write a revision from models against the database")
@_service_option
@click.option("--message", required=True, help="说明 / what it does")
def make_migration_command(name: str, message: str) -> None:
    """The service's database must be at its newest revision."""
    service = bound(name)
    write_migration(service.database, service.migrations, message)


def _has_commands(name: str) -> bool:
    return find_spec(f"services.{name}.commands") is not None


def _print(message: dict[str, Any]) -> None:
    click.echo(json.dumps(message, ensure_ascii=False, default=str))


for command in (backup, verify_backup, restore, after_restore, sign_in):
    main.add_command(command)


if __name__ == "__main__":
    main()
