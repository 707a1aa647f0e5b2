"""A service on granian, as its own process: ``serve_echo.py PORT JWKS_FILE``. Tells what reached it."""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from granian.constants import Interfaces
from granian.server import Server

CHUNK = b"y" * 65536


def application(jwks: bytes) -> Any:
    def echo(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/api/v1/jwks":
            body = jwks
        elif path == "/api/v1/materials/big":
            start_response("200 OK", [("Content-Length", str(320 * len(CHUNK)))])
            return iter([CHUNK] * 320)
        elif path == "/api/v1/materials/broken":
            start_response("200 OK", [("Content-Length", str(320 * len(CHUNK)))])
            return break_off()
        else:
            body = json.dumps(tell(environ)).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return echo


def tell(environ: dict[str, Any]) -> dict[str, Any]:
    size = 0
    while piece := environ["wsgi.input"].read(65536):
        size += len(piece)
    kept = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "CONTENT_LENGTH", "CONTENT_TYPE")
    headers = {name: value for name, value in environ.items() if name.startswith("HTTP_")}
    return headers | {name: environ.get(name) for name in kept} | {"body_bytes": size}


def break_off() -> Iterator[bytes]:
    yield CHUNK
    yield CHUNK
    raise ConnectionError


def main() -> None:
    app = application(Path(sys.argv[2]).read_bytes())
    server = Server(
        "echo", address="127.0.0.1", port=int(sys.argv[1]), interface=Interfaces.WSGI, workers=1, blocking_threads=8,
        backpressure=64, log_enabled=False, websockets=False,
    )  # fmt: skip
    server.serve(target_loader=lambda *_: app, wrap_loader=False)


if __name__ == "__main__":
    main()
