"""Prepare a RabbitMQ broker: ``python -m gateway.provision``. Run it whenever departments come or passwords change.

It compares the broker with the plan (``broker_plan``) and makes only what differs, so a second run changes nothing. Nothing
is removed without ``--prune``. TONGBAN_RABBITMQ_API is the management API, TONGBAN_RABBITMQ_ADMIN its ``user:password``.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import click
import msgspec
import urllib3
import yaml

from chassis.settings import SettingsError, secret
from gateway import broker_passwords, broker_plan
from gateway.broker_api import TIMEOUT_S, BrokerApi, ProvisionError
from gateway.broker_plan import CORE_VHOST, DEPARTMENT_CODE, DOOR_VHOST, MARK, SERVICES, Resource, door_vhost
from gateway.broker_state import State

__all__ = ["CORE_VHOST", "SERVICES", "Change", "ProvisionError", "provision"]

DEPARTMENTS_PATH = "/api/v1/departments"
Verb = Literal["created", "changed", "removed"]
CHINESE: dict[Verb, str] = {"created": "新建", "changed": "更改", "removed": "删除"}


@dataclass(frozen=True)
class Change:
    """What was done to one resource."""

    verb: Verb
    title: str

    def __str__(self) -> str:
        return f"{CHINESE[self.verb]} / {self.verb}: {self.title}"


def provision(
    management_url: str,
    admin: tuple[str, str],
    services: Mapping[str, str],
    departments: Mapping[str, str],
    *,
    prune: bool = False,
) -> list[Change]:
    """Create or correct what differs from the plan; returns that, in order. ``admin`` is (user, password); the mappings
    are name -> password. ``prune`` removes the departments that are not named, and nothing else.

    Raises ProvisionError; everything that can be known beforehand is refused before anything is changed.
    """
    _require_names(services, departments)
    api = BrokerApi(management_url, admin)
    state = State(api.get("definitions"))
    _require_own(state, {*services, *departments})
    gone = _gone(state, departments) if prune else []
    _require_answered(api, state, gone)
    plan = [*_plan(admin[0], services, departments), *_log_reader(state, services)]
    changes = [_make(api, state, r) for r in plan if not state.agrees(r)]
    return changes + [_remove(api, path) for code in gone for path in _traces(state, code)]


def _plan(admin: str, services: Mapping[str, str], departments: Mapping[str, str]) -> Iterator[Resource]:
    yield from broker_plan.core(admin)
    for name, password in services.items():
        yield from broker_plan.service(name, password)
    for code, password in departments.items():
        yield from broker_plan.department(code, password, admin, bridged="gateway" in services)


def _log_reader(state: State, services: Iterable[str]) -> list[Resource]:
    """A hardened broker may have no such virtual host; then its log is read elsewhere."""
    there = broker_plan.LOG_VHOST in state.vhosts()
    return [broker_plan.log_reader()] if there and "gateway" in services else []


def _make(api: BrokerApi, state: State, resource: Resource) -> Change:
    (api.post if resource.factory else api.put)(resource.path, resource.body)
    return Change("changed" if state.has(resource.path) else "created", resource.title)


def _require_names(services: Iterable[str], departments: Iterable[str]) -> None:
    if unknown := set(services) - set(SERVICES):
        raise ProvisionError(f"没有这个服务 / no such service: {', '.join(sorted(unknown))}")
    if shared := set(SERVICES) & set(departments):
        raise ProvisionError(f"部门代码与服务同名 / department code is a service's name: {', '.join(sorted(shared))}")
    if wrong := [code for code in departments if not re.fullmatch(DEPARTMENT_CODE, code)]:
        raise ProvisionError(f"部门代码有误 / wrong department code: {', '.join(map(repr, wrong))}")


def _require_own(state: State, names: set[str]) -> None:
    """A department that is called like somebody's user must not take that user over."""
    strangers = sorted(name for name in names if (state.tags(name) or frozenset()) - {MARK})
    if strangers:
        raise ProvisionError(
            f"消息服务中已有同名的其他用户 / the broker has another user of that name: {', '.join(strangers)}"
        )


def _gone(state: State, departments: Iterable[str]) -> list[str]:
    """Departments that the broker has and the catalogue has not."""
    named = {vhost.removeprefix(DOOR_VHOST) for vhost in state.vhosts() if vhost.startswith(DOOR_VHOST)}
    return sorted((named | set(state.marked_users())) - set(departments) - set(SERVICES))


def _require_answered(api: BrokerApi, state: State, codes: Sequence[str]) -> None:
    """Answers that no bridge has taken yet would be lost with their virtual host."""
    for code in codes:
        path = f"queues/{_q(door_vhost(code))}/answers"
        if state.has(path) and (waiting := api.get(path).get("messages", 0)):
            raise ProvisionError(
                f"{door_vhost(code)}: 尚有 {waiting} 条答复未取走 / {waiting} answers still wait there"
            )


def _traces(state: State, code: str) -> list[str]:
    paths = [f"vhosts/{_q(door_vhost(code))}"]
    if state.tags(code) == frozenset({MARK}):
        paths.append(f"users/{_q(code)}")
    return [path for path in paths if state.has(path)]


def _remove(api: BrokerApi, path: str) -> Change:
    api.delete(path)
    return Change("removed", Resource(path, {}).title)


def departments_of(source: str) -> list[str]:
    """Department codes of a directory file, or of ``GET /api/v1/departments`` under a base URL. Raises ProvisionError."""
    try:
        raw = (
            _fetched(source)
            if source.startswith(("http://", "https://"))
            else yaml.safe_load(Path(source).read_bytes())
        )
        found = msgspec.convert(raw, _Catalogue).departments
    except (OSError, urllib3.exceptions.HTTPError, yaml.YAMLError, msgspec.MsgspecError) as error:
        raise ProvisionError(f"{source}: 读不出部门名录 / no catalogue of departments: {error}") from error
    if not found:
        raise ProvisionError(f"{source}: 名录为空 / the catalogue is empty")
    return [entry.code for entry in found]


class _Entry(msgspec.Struct):
    code: str


class _Catalogue(msgspec.Struct):
    departments: list[_Entry]


def _fetched(base_url: str) -> object:
    url = base_url.rstrip("/") + DEPARTMENTS_PATH
    response = urllib3.request("GET", url, timeout=TIMEOUT_S, redirect=False)
    if response.status != 200:
        raise ProvisionError(f"{url}: {response.status}")
    return msgspec.json.decode(response.data)


def _q(name: str) -> str:
    return quote(name, safe="")


@click.command()
@click.option(
    "--departments",
    "source",
    envvar=["TONGBAN_DIRECTORY_FILE"],
    required=True,
    help="名录：文件，或平台地址 / the catalogue: a directory file, or the platform's base URL",
)
@click.option(
    "--passwords",
    type=click.Path(path_type=Path, dir_okay=False),
    default="build/data/broker-passwords.yaml",
    envvar="TONGBAN_BROKER_PASSWORDS",
    show_default=True,
    help="密码文件（0600），缺者新生成 / file of passwords; new ones are added to it",
)
@click.option("--rotate", multiple=True, metavar="CODE", help="换密码并断开旧连接 / new password, old connections end")
@click.option(
    "--known-passwords-only",
    "known_only",
    is_flag=True,
    help="密码文件缺少谁即拒绝，不新生成 / refuse when the file lacks one, make none up",
)
@click.option("--prune", is_flag=True, help="删除名录中没有的部门 / remove departments that the catalogue has not")
def main(source: str, passwords: Path, rotate: tuple[str, ...], known_only: bool, prune: bool) -> None:
    """按部门名录建立消息服务 / Prepare the broker from the catalogue of departments."""
    url = os.environ.get("TONGBAN_RABBITMQ_API", "http://127.0.0.1:15672")
    try:
        user, _, password = str(secret("RABBITMQ_ADMIN", "guest:guest")).partition(":")
        codes = departments_of(source)
        changes = _run(url, (user, password), codes, passwords, rotate, known_only=known_only, prune=prune)
    except (ProvisionError, SettingsError) as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    for change in changes:
        click.echo(str(change))
    click.echo(f"部门 / departments: {len(codes)}; 变更 / changes: {len(changes)}")
    click.echo(f"TONGBAN_DEPARTMENTS={','.join(codes)}")


def _run(
    url: str,
    admin: tuple[str, str],
    codes: Sequence[str],
    path: Path,
    rotate: Sequence[str],
    *,
    known_only: bool,
    prune: bool,
) -> list[Change]:
    """The file is written before the broker is changed: a password that is in force is never one that nobody knows."""
    _require_names(SERVICES, codes)
    with broker_passwords.held(path):
        passwords = broker_passwords.load(path)
        for name in rotate:
            passwords.rotate(name)
        if prune:
            passwords.departments = {code: text for code, text in passwords.departments.items() if code in codes}
        if known_only and (unknown := passwords.missing(SERVICES, codes)):
            raise ProvisionError(f"{path}: 缺少密码 / it has no password for: {', '.join(unknown)}")
        passwords.complete(SERVICES, codes)
        broker_passwords.store(path, passwords)
        departments = {code: passwords.departments[code] for code in codes}
        changes = provision(url, admin, passwords.services, departments, prune=prune)
        api = BrokerApi(url, admin)
        for name in rotate:
            api.close_connections(name)
    return changes


if __name__ == "__main__":
    main()
