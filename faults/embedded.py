"""The embedded platform as a program whose departments are played from outside."""

from __future__ import annotations

from pathlib import Path

from localservers.ports import free_port
from localservers.processes import READY_PATH, Program

NAME = "embedded"


def embedded_program(folder: Path) -> Program:
    """One data folder, one address."""
    address = f"127.0.0.1:{free_port()}"
    environment = {
        "TONGBAN_HTTP_ADDRESS": address,
        "TONGBAN_DATA_DIR": str(folder),
        "TONGBAN_LOG_LEVEL": "WARNING",
    }
    return Program(NAME, "embedded", ("--no-departments",), environment, f"http://{address}{READY_PATH}")
