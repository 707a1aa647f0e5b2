"""``python -m services.identity --role web|worker|jobs|all|migrate``; ``python -m services.identity rotate-master-key``."""

from __future__ import annotations

import sys

import click

from chassis import log
from chassis.run import main, settings_or_exit
from services.identity.adapters.vault import load_or_create_vault
from services.identity.service import SERVICE, data_key_file
from services.identity.use_cases.rotate_master_key import rotate_master_key

ROTATE = "rotate-master-key"


def rotate() -> None:
    """轮换主密钥. Services may run meanwhile; a new key's file has to reach every machine that runs identity."""
    settings = settings_or_exit(SERVICE.name)
    log.configure(SERVICE.name, settings.log_level)
    SERVICE.database.bind(settings.database_url)
    wrapped = rotate_master_key(load_or_create_vault(data_key_file(settings)))
    click.echo(f"已重新包裹的个人密钥 / keys of parties wrapped anew: {wrapped}")


if __name__ == "__main__":
    rotate() if sys.argv[1:] == [ROTATE] else main(SERVICE)
