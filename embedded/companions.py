"""A process beside the embedded platform: says when it is ready and runs the simulated departments.

Apart from the server, whose process must have no threads when it forks its worker. It ends when its standard input
does, that is when the platform's process has ended, however that came about.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from types import FrameType
from typing import IO

import click

from chassis.settings import Settings, load_settings
from embedded.departments import Departments
from embedded.measure import measure_run
from embedded.welcome import DEMO_DIRECTORY, wait_until_ready, welcome
from evidence.usage import age_seconds


def start_companions(*, departments: bool, delay_s: float) -> subprocess.Popen[bytes]:
    """Start the process. Its life ends with this one's."""
    command = [sys.executable, "-m", "embedded.companions", "--delay", str(delay_s)]
    return subprocess.Popen([*command, "--departments" if departments else "--no-departments"], stdin=subprocess.PIPE)


def with_directory(settings: Settings) -> Settings:
    """The demo directory unless another one is set. Its accounts have no second factors, and their passwords never age."""
    if settings.directory_file is not None:
        return settings
    return replace(
        settings,
        directory_file=DEMO_DIRECTORY,
        registers_file=settings.registers_file or DEMO_DIRECTORY.with_name("registers.yaml"),
        staff_second_factor="offered",
        password_days=0,
    )


def at_localhost(settings: Settings) -> Settings:
    """People reach it at ``http://localhost`` unless another address is set: browsers know passkeys there, and under no
    address of digits.
    """
    if "TONGBAN_PUBLIC_URL" in os.environ or settings.tls_certificate is not None:
        return settings
    public_url = f"http://localhost:{settings.http_address.rpartition(':')[2]}"
    issuer = settings.issuer if "TONGBAN_ISSUER" in os.environ else public_url
    return replace(settings, public_url=public_url, issuer=issuer)


@click.command()
@click.option("--departments/--no-departments", default=True)
@click.option("--delay", default=2.0)
def main(*, departments: bool, delay: float) -> None:
    """Wait until the platform is ready, then keep it company."""
    settings = at_localhost(with_directory(load_settings("embedded")))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the platform decides when to end
    signal.signal(signal.SIGTERM, _end)
    if not wait_until_ready(settings):
        sys.exit(1)
    ready_s = age_seconds(os.getppid())
    simulated = Departments(settings, delay_s=delay)
    try:
        if departments:
            simulated.start()
        click.echo(welcome(settings, simulated=departments))
        threading.Thread(target=measure_run, args=(ready_s,), daemon=True).start()
        _wait_for_end(sys.stdin)
    finally:
        simulated.stop()


def _end(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _wait_for_end(stream: IO[str]) -> None:
    while stream.read(1):
        pass


if __name__ == "__main__":
    main()
