"""``python -m services.identity --role web|worker|jobs|all|migrate``; the commands are in COMMANDS."""

from __future__ import annotations

import sys

import click

from chassis import log
from chassis.run import main, settings_or_exit
from services.identity.adapters.vault import Vault, load_or_create_vault
from services.identity.service import SERVICE, data_key_file
from services.identity.use_cases.retell_parties import retell_parties
from services.identity.use_cases.rotate_master_key import rotate_master_key

ROTATE, RETELL = "rotate-master-key", "retell-parties"


def _vault() -> Vault:
    settings = settings_or_exit(SERVICE.name)
    log.configure(SERVICE.name, settings.log_level)
    SERVICE.database.bind(settings.database_url)
    return load_or_create_vault(data_key_file(settings))


def rotate() -> None:
    """轮换主密钥. Services may run meanwhile; a new key's file has to reach every machine that runs identity."""
    wrapped = rotate_master_key(_vault())
    click.echo(f"已重新包裹的个人密钥 / keys of parties wrapped anew: {wrapped}")


def retell() -> None:
    """重发当事人: for services that have come to keep a copy since. Those that know a party already change nothing."""
    click.echo(f"已重发的当事人 / parties told again: {retell_parties(_vault())}")


COMMANDS = {ROTATE: rotate, RETELL: retell}

if __name__ == "__main__":
    COMMANDS.get(" ".join(sys.argv[1:]), lambda: main(SERVICE))()
