"""One virtual environment per peer under ``build/peers``, filled from its own hashed lock (``bench_peers/lock.sh``)."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from pathlib import Path

FOLDER = Path("build/peers")


def python_of(peer: str) -> Path:
    """The peer's own Python; makes the environment when it is missing or its lock has changed."""
    lock = Path(f"requirements/peers-{peer}.txt")
    home = (FOLDER / peer).resolve()
    python, made_from = home / "bin" / "python", home / "lock.txt"
    if made_from.exists() and made_from.read_bytes() == lock.read_bytes():
        return python
    print(f"安装对照 / installing peer: {peer}", file=sys.stderr, flush=True)
    venv.create(home, clear=True, with_pip=True)
    install = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--require-hashes"]
    subprocess.run([*install, "--only-binary", ":all:", "--requirement", str(lock)], check=True)
    shutil.copyfile(lock, made_from)  # last: an interrupted installation is begun anew
    return python
