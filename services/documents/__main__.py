"""``python -m services.documents --role web|worker|jobs|all|migrate``; ``python -m services.documents rotate-master-key``."""

from __future__ import annotations

import sys

import click

from chassis import log
from chassis.run import main, settings_or_exit
from services.documents.adapters.holder_keys import HolderKeys
from services.documents.service import SERVICE
from services.documents.use_cases.rotate_master_key import rotate_master_key

ROTATE = "rotate-master-key"


def rotate() -> None:
    """轮换主密钥. Services may run meanwhile; a new key's file has to reach every machine that runs documents."""
    settings = settings_or_exit(SERVICE.name)
    log.configure(SERVICE.name, settings.log_level)
    SERVICE.database.bind(settings.database_url)
    wrapped = rotate_master_key(HolderKeys(settings.data_dir / "documents"))
    click.echo(f"已重新包裹的持有人密钥 / keys of holders wrapped anew: {wrapped}")


if __name__ == "__main__":
    rotate() if sys.argv[1:] == [ROTATE] else main(SERVICE)
