"""``python -m gateway.bus_urls``: for each of the broker's users a file with its AMQP URL, for ``TONGBAN_BUS_URL_FILE``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import quote, urlsplit

import click

from gateway import broker_passwords
from gateway.broker_api import ProvisionError
from gateway.broker_plan import CORE_VHOST, door_vhost


@click.command()
@click.option("--broker", required=True, metavar="URL", help="amqp(s)://host:port")
@click.option(
    "--passwords",
    type=click.Path(path_type=Path, dir_okay=False),
    default="build/data/broker-passwords.yaml",
    envvar="TONGBAN_BROKER_PASSWORDS",
    show_default=True,
    help="gateway.provision 的密码文件 / its file of passwords",
)
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="文件夹 / folder")
def main(broker: str, passwords: Path, folder: Path) -> None:
    """为每个服务和部门写一个连接地址文件 / Write a file with the address for each service and department."""
    parts = urlsplit(broker)
    if parts.scheme not in {"amqp", "amqps"} or not parts.hostname or "@" in parts.netloc:
        raise click.UsageError("--broker: amqp://host:port，或 / or amqps://…，不带账号 / without an account")
    try:
        known = broker_passwords.load(passwords)
    except ProvisionError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    users = [(name, text, CORE_VHOST) for name, text in known.services.items()]
    users += [(code, text, door_vhost(code)) for code, text in known.departments.items()]
    for name, password, vhost in users:
        url = f"{parts.scheme}://{name}:{quote(password, safe='')}@{parts.netloc}/{quote(vhost, safe='')}"
        _write(folder / name, url + (f"?{parts.query}" if parts.query else ""))
    click.echo(f"{folder}: {len(users)}")


def _write(file: Path, text: str) -> None:
    """Whole or not at all, and for its owner only."""
    draft = file.with_name(f".{file.name}.next")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        stream.write(f"{text}\n")
    draft.replace(file)


if __name__ == "__main__":
    main()
