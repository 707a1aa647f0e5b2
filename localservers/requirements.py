"""Which programs the servers and checks need, and which of them this machine lacks. Debian and Ubuntu names."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from localservers.consul_package import HOW as CONSUL_HOW
from localservers.consul_package import consul_program
from localservers.kubectl_package import HOW as KUBECTL_HOW
from localservers.kubectl_package import kubectl_program

RABBITMQ_SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # the one in /usr/sbin does su
PROMETHEUS, ALERTMANAGER = "prometheus", "prometheus-alertmanager"  # each package and its program have one name
POSTGRES_EXPORTER = "prometheus-postgres-exporter"
ELSEWHERE = {"consul": CONSUL_HOW, "kubectl": KUBECTL_HOW}  # what Debian has not, or has too old, and how to get it
CHROMIUM = Path("/usr/bin/chromium")
CHINESE_FONT = Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc")


class ServerMissing(Exception):
    """A program is not installed; the message says what to install."""


def postgresql_bin() -> Path | None:
    """Folder of the newest PostgreSQL's programs, or None."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb") if os.access(path, os.X_OK)]
    return max(found, key=lambda folder: float(folder.parent.name), default=None)


def missing_packages(*, browser: bool = False) -> list[str]:
    """Debian packages to install; empty when everything is here. ``browser``: what only tests need, too."""
    here: dict[str, object] = {
        "rabbitmq-server": RABBITMQ_SERVER.exists() and shutil.which("epmd"),
        "postgresql": postgresql_bin(),
        "redis-server": shutil.which("redis-server"),
        "consul": consul_program(),
        **{name: shutil.which(name) for name in (PROMETHEUS, ALERTMANAGER, POSTGRES_EXPORTER)},
        "poppler-utils": shutil.which("pdftotext"),
    }
    if browser:
        here |= {
            "chromium": CHROMIUM.exists(),
            "clamav-daemon": shutil.which("clamd"),
            "fonts-wqy-microhei": CHINESE_FONT.exists(),
            "kubectl": kubectl_program(),
        }
    return [package for package, found in here.items() if not found]


def how_to_install(packages: list[str]) -> str:
    """The sentence to show."""
    wanted = [name for name in packages if name not in ELSEWHERE]
    ways = [f"apt-get install --no-install-recommends {' '.join(wanted)}"] if wanted else []
    ways += [how for name, how in ELSEWHERE.items() if name in packages]
    return f"缺少程序，请安装 / programs are missing, install them: {'; '.join(ways)}"


def require(package: str) -> None:
    """Raises ServerMissing when ``package`` is among the missing."""
    if package in missing_packages(browser=True):
        raise ServerMissing(how_to_install([package]))
