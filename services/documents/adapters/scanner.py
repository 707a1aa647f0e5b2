"""The virus scanner (恶意代码防范): any that speaks clamd's protocol. Source: clamd(8), INSTREAM."""

from __future__ import annotations

import socket
from collections.abc import Iterable

import structlog

from chassis.errors import Refusal

log = structlog.get_logger()

TIMEOUT_S = 60.0
_LONGEST_ANSWER = 4096


class ScannerFailed(Exception):
    """The scanner did not answer, or could not judge."""


class Scanner:
    """At ``address``: ``host:port``, or the path of a socket."""

    def __init__(self, address: str) -> None:
        self._address = address

    def find(self, chunks: Iterable[bytes]) -> str | None:
        """Name of what was found in the file, None when it is clean. Raises ScannerFailed."""
        try:
            with self._connect() as connection:
                connection.sendall(b"zINSTREAM\0")
                for chunk in chunks:
                    connection.sendall(len(chunk).to_bytes(4) + chunk)
                connection.sendall(bytes(4))
                answer = _answer(connection)
        except OSError as error:
            raise ScannerFailed(repr(error)) from error
        if answer == "stream: OK":
            return None
        if answer.startswith("stream: ") and answer.endswith(" FOUND"):
            return answer.removeprefix("stream: ").removesuffix(" FOUND")
        raise ScannerFailed(answer or "no answer")

    def _connect(self) -> socket.socket:
        if self._address.startswith("/"):
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(TIMEOUT_S)
            connection.connect(self._address)
            return connection
        host, _, port = self._address.rpartition(":")
        return socket.create_connection((host, int(port)), TIMEOUT_S)


def _answer(connection: socket.socket) -> str:
    said = b""
    while b"\0" not in said and len(said) < _LONGEST_ANSWER and (more := connection.recv(_LONGEST_ANSWER)):
        said += more
    return said.partition(b"\0")[0].decode(errors="replace").strip()


def require_clean(scanner: Scanner, chunks: Iterable[bytes]) -> None:
    """Raises Refusal ``material_infected``, or ``scanner_unavailable``: what was not looked at is not taken."""
    try:
        found = scanner.find(chunks)
    except ScannerFailed as error:
        log.warning("scanner_failed", error=str(error))
        raise Refusal(
            "scanner_unavailable", "暂时无法检查文件，请稍后再试 / files cannot be checked at the moment; try again"
        ) from error
    if found is not None:
        log.warning("material_infected", found=found)
        raise Refusal(
            "material_infected", "文件含有恶意代码，未予接收 / the file holds malicious code and was not taken"
        )
