"""``python -m gateway.bus_urls``: for each of the broker's users a file with its AMQP URL, for ``TONGBAN_BUS_URL_FILE``."""

from __future__ import annotations

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
        broker_passwords.replace_private(folder / name, url + (f"?{parts.query}" if parts.query else "") + "\n")
    click.echo(f"{folder}: {len(users)}")


if __name__ == "__main__":
    main()
