"""Consul from Debian's bullseye suite, unpacked into the user's cache: later suites do not carry it, and no root is needed.

The package lists of the system are left alone: apt-get is given folders and a source of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
SOURCE = f"deb [signed-by={KEYRING}] http://deb.debian.org/debian bullseye main\n"
HOW = "consul (1.8+; https://developer.hashicorp.com/consul/install, in PATH)"


def consul_program() -> Path | None:
    """The program: the system's own, else the unpacked one; None when there is none."""
    found = shutil.which("consul")
    unpacked = _cache() / "usr" / "bin" / "consul"
    if found is not None:
        return Path(found)
    return unpacked if os.access(unpacked, os.X_OK) else None


def fetch_consul() -> None:
    """Download and unpack it. Leaves nothing behind when that fails."""
    if not KEYRING.exists() or shutil.which("apt-get") is None:
        return
    with tempfile.TemporaryDirectory(prefix="tongban-consul-") as name:
        folder = Path(name)
        (folder / "lists" / "partial").mkdir(parents=True)
        (folder / "archives" / "partial").mkdir(parents=True)
        (folder / "sources.list").write_text(SOURCE)
        options = [
            f"Dir::State::Lists={folder}/lists", f"Dir::Cache={folder}", f"Dir::Cache::Archives={folder}/archives",
            f"Dir::Etc::SourceList={folder}/sources.list", "Dir::Etc::SourceParts=-", "APT::Sandbox::User=",
            "Acquire::Languages=none",
        ]  # fmt: skip
        apt = ["apt-get", "--quiet", *(f"-o{option}" for option in options)]
        for command in ([*apt, "update"], [*apt, "download", "consul"]):
            if subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, check=False).returncode != 0:
                return
        [package] = folder.glob("consul_*.deb")
        unpacked = folder / "unpacked"
        subprocess.run(["dpkg", "-x", package, unpacked], check=True)
        _cache().parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(_cache(), ignore_errors=True)
        shutil.move(unpacked, _cache())


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tongban" / "consul"
