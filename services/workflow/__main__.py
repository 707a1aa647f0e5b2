"""``python -m services.workflow --role web|worker|jobs|all|migrate``; ``python -m services.workflow rotate-master-key``."""

from __future__ import annotations

import sys

import click

from chassis import log
from chassis.run import main, settings_or_exit
from services.workflow.adapters.addresses import ADDRESSES
from services.workflow.service import SERVICE
from services.workflow.use_cases.rotate_master_key import rotate_master_key

ROTATE = "rotate-master-key"


def rotate() -> None:
    """轮换主密钥. Services may run meanwhile; a new key's file has to reach every machine that runs workflow."""
    settings = settings_or_exit(SERVICE.name)
    log.configure(SERVICE.name, settings.log_level)
    SERVICE.database.bind(settings.database_url)
    ADDRESSES.load(settings)
    click.echo(f"已重新包裹的地址密钥 / keys of addresses wrapped anew: {rotate_master_key()}")


if __name__ == "__main__":
    rotate() if sys.argv[1:] == [ROTATE] else main(SERVICE)
