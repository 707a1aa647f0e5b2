"""Programs that only measurements need; no test asks for them. Debian and Ubuntu names."""

from __future__ import annotations

import shutil

from localservers.requirements import ServerMissing, how_to_install

PACKAGES = {"nginx": "nginx-light", "wrk": "wrk"}


def tool(name: str) -> str:
    """Path of a program. Raises ServerMissing, saying what to install for all that are missing."""
    missing = [package for program, package in PACKAGES.items() if shutil.which(program) is None]
    if missing:
        raise ServerMissing(how_to_install(missing))
    return str(shutil.which(name))
