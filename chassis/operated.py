"""The services that an operator's commands work on, found by name: the mechanism knows none."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import click

from chassis import log
from chassis.run import settings_or_exit
from chassis.service import Service


def all_services() -> list[str]:
    """Names of every service."""
    package = import_module("services")
    return [module.name for module in pkgutil.iter_modules(package.__path__) if module.ispkg]


def bound(name: str) -> Service:
    """The service with its database bound, as the environment says. Exits with status 2 when that makes no sense."""
    if name not in all_services():
        raise click.UsageError(f"没有此服务 / no such service: {name}")
    service: Service = import_module(f"services.{name}.service").SERVICE
    settings = settings_or_exit(name)
    log.configure(name, "WARNING")
    service.database.bind(settings.database_url)
    return service


def all_bound() -> list[Service]:
    """Every service, each with a database of its own."""
    services = [bound(name) for name in all_services()]
    if len({service.database.engine.url for service in services}) < len(services):
        raise click.UsageError(
            "TONGBAN_DATABASE_URL: 每个服务须有自己的数据库 / one database for each: use {service} in it"
        )
    return services
