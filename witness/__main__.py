"""``python -m witness``: watches that ledgers only grow, and cosigns what did.

Run it elsewhere than the platform: another machine, another user, another organisation. It keeps no entry of a ledger.
"""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Sequence
from pathlib import Path

import click
from granian.constants import Interfaces
from granian.server import MPServer

from witness.app import KEY_FILE, create_app
from witness.signer import Signer

PATH = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.option("--address", default="127.0.0.1:8090", show_default=True, help="监听 / where to listen")
@click.option("--name", default="witness", show_default=True, help="名称，由核验者固定 / its name, which verifiers pin")
@click.option("--folder", type=PATH, default="build/witness", show_default=True, help="密钥与记忆 / its key and memory")
@click.option(
    "--log", "logs", multiple=True, metavar="VKEY",
    help="受见证的台账公钥（GET /api/v1/ledger/key），可多次给出 / verifier key of a ledger; may be repeated",
)  # fmt: skip
@click.option("--show-key", is_flag=True, help="打印自己的核验公钥后退出 / print its own verifier key and end")
def main(address: str, name: str, folder: Path, logs: Sequence[str], *, show_key: bool) -> None:
    """独立见证人：台账只增不改方予副署 / an independent witness: cosigns a ledger that has only grown."""
    if show_key:
        click.echo(Signer(name, folder / KEY_FILE).vkey)
        return
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    watched = {vkey.partition("+")[0]: vkey for vkey in logs}
    if not logs or any(vkey.count("+") < 2 for vkey in logs):
        raise click.BadParameter("请给出台账的核验公钥 / give verifier keys of ledgers", param_hint="--log")
    host, _, port = address.rpartition(":")
    multiprocessing.set_start_method("fork", force=True)  # for the lambda
    server = MPServer("witness", address=host, port=int(port), interface=Interfaces.WSGI, workers=1, log_enabled=False)
    server.serve(target_loader=lambda *_: create_app(name, folder, watched), wrap_loader=False)


if __name__ == "__main__":
    main()
