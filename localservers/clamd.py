"""A clamd of one's own that knows one signature: the EICAR test file, which every scanner takes for a virus by agreement."""

from __future__ import annotations

import os
import shutil
from hashlib import md5
from pathlib import Path

from localservers.ports import free_port, listens
from localservers.server import Server

# In two parts, so that no scanner takes this file for it.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-" + rb"ANTIVIRUS-TEST-FILE!$H+H*"
CONFIGURATION = """\
Foreground yes
LogFile {folder}/clamd.out
DatabaseDirectory {folder}/signatures
LocalSocket {folder}/socket
TCPSocket {port}
TCPAddr 127.0.0.1
StreamMaxLength 1M
"""


class Clamd(Server):
    """On a free port of 127.0.0.1 and on a socket; takes streams of up to 1 MiB."""

    package = "clamav-daemon"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._port = free_port()
        self.address, self.socket = f"127.0.0.1:{self._port}", str(self.folder / "socket")

    def _prepare(self) -> None:
        signatures = self.folder / "signatures"
        signatures.mkdir(exist_ok=True)
        (signatures / "eicar.hdb").write_text(
            f"{md5(EICAR, usedforsecurity=False).hexdigest()}:{len(EICAR)}:Eicar-Test\n"
        )
        # As a part of a larger file, too: type any, offset any.
        (signatures / "eicar.ndb").write_text(f"Eicar-Part:0:*:{EICAR.hex()}\n")
        (self.folder / "clamd.conf").write_text(CONFIGURATION.format(folder=self.folder, port=self._port))

    def _command(self) -> list[str]:
        return [shutil.which("clamd") or "clamd", "--config-file", str(self.folder / "clamd.conf")]

    def _environment(self) -> dict[str, str]:
        return dict(os.environ)

    def _ready(self) -> bool:
        return listens(self._port)
