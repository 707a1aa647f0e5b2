"""A hub that cases are reported to, to the letter of the exchange format: for tests, and for who builds against it.

``python -m localservers.exchange_hub --port 9100 --key-file key`` serves one requester. Routes, all POST with JSON:
``/key`` (the signing key, sealed under the requester's own), ``/batches``, ``/reconciliation``. Answers are
``{"code": "0", "msg": …, "data": {…}}``; any other code is a refusal. One batch is kept under a number, the last. It shares no
code with the platform: what both agree on is the format.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import click
import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

REQUESTER, SERVICE = "tongban", "case-report"
HEADER = "gjgxjhpt_"
WINDOW_MS = 5 * 60 * 1000
KEY_LIFE_S = 3600
LARGEST_BODY_BYTES = 16 << 20


class Refused(Exception):
    """Why the hub does not take a request."""


class ExchangeHub:
    """Serves on a loopback port (0: any free one) while the ``with`` block runs. ``batches``: number -> records;
    ``taken``: the numbers as they came.
    """

    def __init__(self, key: bytes, port: int = 0) -> None:
        self.batches: dict[str, list[dict[str, Any]]] = {}
        self.taken: list[str] = []
        self.away = False
        self._own_key, self._signing = key, secrets.token_bytes(24)
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        """``data`` of the answer. Raises Refused."""
        routes: dict[str, tuple[tuple[bytes, ...], Callable[[Any], dict[str, Any]]]] = {
            "/key": ((self._own_key,), self._key),
            "/batches": ((self._own_key, self._signing), self._take),
            "/reconciliation": ((self._own_key, self._signing), self._compare),
        }
        if self.away or path not in routes:
            raise Refused("away" if self.away else "no such route")
        keys, act = routes[path]
        self._check(headers, keys)
        try:
            return act(msgspec.json.decode(body))
        except (msgspec.DecodeError, KeyError, TypeError, AttributeError) as error:
            raise Refused(f"malformed: {error!r}") from error

    @staticmethod
    def _check(headers: Mapping[str, str], keys: tuple[bytes, ...]) -> None:
        """Names of headers are in lower case."""
        rid, sid, rtime, sign = (headers.get(HEADER + name, "") for name in ("rid", "sid", "rtime", "sign"))
        if (rid, sid) != (REQUESTER, SERVICE):
            raise Refused("unknown requester or service")
        if not rtime.isdecimal() or abs(int(rtime) - time.time() * 1000) > WINDOW_MS:
            raise Refused("outside the time window")
        said = (sid + rid + rtime).encode()
        right = [base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode() for key in keys]
        if sign not in right:
            raise Refused("wrong signature")

    def _key(self, _: Any) -> dict[str, Any]:
        ends_ms = int((time.time() + KEY_LIFE_S) * 1000)
        return {"secret": _sealed(self._own_key, self._signing), "secretEndTime": ends_ms}

    def _take(self, body: Any) -> dict[str, Any]:
        number, records = str(body["batch_no"]), list(body["records"])
        if not records or _digest(records) != body["digest"]:
            raise Refused("the records do not have this digest")
        with self._lock:
            self.batches[number] = records
            self.taken.append(number)
        return {"received": len(records)}

    def _compare(self, body: Any) -> dict[str, Any]:
        with self._lock:
            held = {number: self.batches[number] for number in body["batch_nos"] if number in self.batches}
        return {"batches": {n: {"records": len(records), "digest": _digest(records)} for n, records in held.items()}}


def _handler(hub: ExchangeHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            """Every route is a POST."""
            length = min(int(self.headers.get("Content-Length", "0")), LARGEST_BODY_BYTES)
            body = self.rfile.read(length)
            said = {name.lower(): value for name, value in self.headers.items()}
            try:
                answer = {"code": "0", "msg": "成功 / taken", "data": hub.answer(self.path, said, body)}
            except Refused as refused:
                answer = {"code": "1", "msg": str(refused), "data": {}}
            content = msgspec.json.encode(answer)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    return Handler


def _digest(records: list[Any]) -> str:
    """SHA-256 of compact JSON with sorted keys."""
    text = json.dumps(records, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _sealed(key: bytes, secret: bytes) -> str:
    """Base64(AES-ECB(PKCS#7)), the format of the national gateway."""
    padding = 16 - len(secret) % 16
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305
    return base64.b64encode(encryptor.update(secret + bytes([padding]) * padding) + encryptor.finalize()).decode()


@click.command(help="数据上报接收端 / a hub to report to")
@click.option("--port", default=9100, show_default=True)
@click.option("--key-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
def main(port: int, key_file: Path) -> None:
    """Serve until interrupted."""
    with ExchangeHub(key_file.read_bytes().strip(), port) as hub:
        click.echo(f"{hub.url}  requester {REQUESTER}, service {SERVICE}")
        threading.Event().wait()


if __name__ == "__main__":
    main()
