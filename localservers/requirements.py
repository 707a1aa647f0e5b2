"""Which programs the servers and checks need, and which of them this machine lacks. Debian and Ubuntu names."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from localservers.consul_package import HOW as CONSUL_HOW
from localservers.consul_package import consul_program

RABBITMQ_SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # the one in /usr/sbin does su
CHROMIUM = Path("/usr/bin/chromium")
CHINESE_FONT = Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc")


class ServerMissing(Exception):
    """A program is not installed; the message says what to install."""


def postgresql_bin() -> Path | None:
    """Folder of the newest PostgreSQL's programs, or None."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb") if os.access(path, os.X_OK)]
    return max(found, key=lambda folder: float(folder.parent.name), default=None)


def missing_packages(*, browser: bool = False) -> list[str]:
    """Debian packages to install; empty when everything is here. ``browser``: what the tests of the pages need, too."""
    missing = []
    if not (RABBITMQ_SERVER.exists() and shutil.which("epmd")):
        missing.append("rabbitmq-server")
    if postgresql_bin() is None:
        missing.append("postgresql")
    if shutil.which("redis-server") is None:
        missing.append("redis-server")
    if consul_program() is None:
        missing.append("consul")
    if shutil.which("pdftotext") is None:
        missing.append("poppler-utils")
    if browser and not CHROMIUM.exists():
        missing.append("chromium")
    if browser and not CHINESE_FONT.exists():
        missing.append("fonts-wqy-microhei")
    return missing


def how_to_install(packages: list[str]) -> str:
    """The sentence to show."""
    wanted = [name for name in packages if name != "consul"]
    ways = [f"apt-get install --no-install-recommends {' '.join(wanted)}"] if wanted else []
    if "consul" in packages:
        ways.append(CONSUL_HOW)
    return f"缺少程序，请安装 / programs are missing, install them: {'; '.join(ways)}"


def require(package: str) -> None:
    """Raises ServerMissing when ``package`` is among the missing."""
    if package in missing_packages(browser=True):
        raise ServerMissing(how_to_install([package]))
