"""``tongban``: the operator's commands. Settings come from the environment, as for the services themselves."""

from __future__ import annotations

import json
import pkgutil
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import click

from chassis import log, parked
from chassis.migrate import make_migration as write_migration
from chassis.run import migrate as migrate_service
from chassis.run import settings_or_exit
from chassis.service import Service

_service_option = click.option("--service", "name", required=True, help="服务名 / name of the service")


class _Commands(click.Group):
    """Besides its own, the commands of every service that has a module ``commands``, loaded when they are asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Names for the help page."""
        return [*super().list_commands(context), *(name for name in _all_services() if _has_commands(name))]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Its own go before."""
        own = super().get_command(context, name)
        if own is not None or name not in _all_services() or not _has_commands(name):
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
    for message in parked.list_parked(_bound(name).database):
        _print(message)


@parked_group.command("show", help="显示一条消息及其内容 / show one with its body")
@_service_option
@click.argument("event_id")
def show_command(name: str, event_id: str) -> None:
    """One line of JSON per subscription that parked it. Exit status 1 if there is none."""
    found = parked.show_parked(_bound(name).database, event_id)
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
    count = parked.replay_parked(_bound(name).database, event_id)
    if not (count or everything):
        raise click.ClickException(f"没有此消息 / no such parked message: {event_id}")
    click.echo(f"已安排重新处理 / to be handled again: {count}")


@main.command("migrate", help="升级数据库并建立消息队列 / bring databases to the newest schema and make the queues")
@click.option("--service", "name", help="服务名 / name of the service")
@click.option("--all", "everything", is_flag=True, help="全部服务 / every service")
def migrate_command(name: str | None, everything: bool) -> None:
    """Each service needs a database of its own: with ``--all`` TONGBAN_DATABASE_URL names it with ``{service}``."""
    if everything == (name is not None):
        raise click.UsageError("给出 --service 或 --all / give --service or --all")
    names = _all_services() if everything else [str(name)]
    settings = {one: settings_or_exit(one) for one in names}
    if len({each.database_url for each in settings.values()}) < len(names):
        raise click.UsageError(
            "TONGBAN_DATABASE_URL: 每个服务须有自己的数据库 / one database for each: use {service} in it"
        )
    for one in names:
        migrate_service(_bound(one), settings[one])
        click.echo(f"{one}: 已升级 / up to date")


@main.command("make-migration", help="由模型与数据库的差异生成迁移 / write a revision from models against the database")
@_service_option
@click.option("--message", required=True, help="说明 / what it does")
def make_migration_command(name: str, message: str) -> None:
    """The service's database must be at its newest revision."""
    service = _bound(name)
    write_migration(service.database, service.migrations, message)


def _bound(name: str) -> Service:
    """The service with its database bound. Found by name, for the mechanism knows no service."""
    if name not in _all_services():
        raise click.UsageError(f"没有此服务 / no such service: {name}")
    service: Service = import_module(f"services.{name}.service").SERVICE
    settings = settings_or_exit(name)
    log.configure(name, "WARNING")
    service.database.bind(settings.database_url)
    return service


def _has_commands(name: str) -> bool:
    return find_spec(f"services.{name}.commands") is not None


def _all_services() -> list[str]:
    package = import_module("services")
    return [module.name for module in pkgutil.iter_modules(package.__path__) if module.ispkg]


def _print(message: dict[str, Any]) -> None:
    click.echo(json.dumps(message, ensure_ascii=False, default=str))


if __name__ == "__main__":
    main()
