"""``python -m embedded``: the whole platform on the embedded default, with simulated departments, until stopped."""

from __future__ import annotations

import socket
import sys
from dataclasses import replace
from typing import Any

import click

from chassis import log
from chassis.run import serve, settings_or_exit
from chassis.settings import Settings
from embedded.companions import at_localhost, start_companions, with_directory


@click.command()
@click.option("--departments/--no-departments", default=True, help="start simulated departments / 启动模拟部门")
@click.option(
    "--delay", default=2.0, show_default=True, help="seconds that a simulated department takes / 模拟部门用时（秒）"
)
def main(*, departments: bool, delay: float) -> None:
    """一个进程运行整个平台 / the whole platform in one process."""
    settings = at_localhost(with_directory(settings_or_exit("embedded")))
    log.configure("embedded", settings.log_level)
    if not _free(settings.http_address):
        click.echo(f"端口被占用 / the address is taken: {settings.http_address} (TONGBAN_HTTP_ADDRESS)", err=True)
        sys.exit(1)
    companions = start_companions(departments=departments, delay_s=delay)
    try:
        threads = replace(settings, web_threads=2 * settings.web_threads)
        serve(lambda: _load(settings), threads, settings.http_address, public=True)
    finally:
        companions.terminate()
        companions.wait()


def _load(settings: Settings) -> Any:
    from embedded.platform import load  # the process that only watches does without the services

    return load(settings)


def _free(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError:
            return False
    return True


if __name__ == "__main__":
    main()
