"""``python -m localservers.install [--browser]``: install what is missing, or say what to install and exit with status 1.

Installs with apt-get as root or through sudo that asks no password. No service is started: while packages are being set
up a policy that forbids it stands in /usr/sbin/policy-rc.d, unless the machine has one of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from localservers.consul_package import fetch_consul
from localservers.kubectl_package import fetch_kubectl
from localservers.requirements import ELSEWHERE, how_to_install, missing_packages

# Run by sh -e as root with the packages as arguments. 101: action forbidden by policy (Debian policy-rc.d).
_INSTALL = """
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\\nexit 101\\n' > $policy
  chmod 755 $policy
  trap "rm -f $policy" EXIT
fi
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install --yes --quiet --no-install-recommends "$@"; }
install "$@" || { apt-get update --quiet; install "$@"; }
"""


def main(*, browser: bool = False) -> None:
    """Servers and tools, and with ``browser`` what only tests need."""
    missing = missing_packages(browser=browser)
    for name, fetch in (("consul", fetch_consul), ("kubectl", fetch_kubectl)):
        if name in missing:
            fetch()
    missing = missing_packages(browser=browser)
    if not missing:
        return
    if packages := [name for name in missing if name not in ELSEWHERE]:
        prefix = _as_root()
        if prefix is None or shutil.which("apt-get") is None:
            sys.exit(how_to_install(missing))
        print(f"安装 / installing: {' '.join(packages)}", flush=True)
        subprocess.run([*prefix, "sh", "-ec", _INSTALL, "sh", *packages], stdin=subprocess.DEVNULL, check=False)
    if still := missing_packages(browser=browser):
        sys.exit(how_to_install(still))


def _as_root() -> list[str] | None:
    """The command prefix that gives root without a question, or None."""
    if os.geteuid() == 0:
        return []
    sudo = ["sudo", "--non-interactive"]
    if shutil.which("sudo") and subprocess.run([*sudo, "true"], capture_output=True, check=False).returncode == 0:
        return sudo
    return None


if __name__ == "__main__":
    main(browser="--browser" in sys.argv[1:])
