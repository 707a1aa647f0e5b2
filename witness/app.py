"""The witness over HTTP: ``POST /add-checkpoint``, ``GET /key``, ``GET /health/ready``. Source: C2SP tlog-witness."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from flask import Flask, Response, request

from witness.book import Book
from witness.rules import Refused, judge, read_request
from witness.signer import Signer

KEY_FILE = "key.pem"
LONGEST_BODY = 64 * 1024
PLAIN = "text/plain; charset=utf-8"
log = logging.getLogger("witness")


def create_app(name: str, folder: Path, logs: dict[str, str]) -> Flask:
    """``folder`` holds key and memory; ``logs``: origin -> verifier key of each log that is watched."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LONGEST_BODY
    signer, book = Signer(name, folder / KEY_FILE), Book(folder / "heads.sqlite")

    @app.post("/add-checkpoint")
    def add_checkpoint() -> Response:
        asked = read_request(request.get_data())
        if asked.origin not in logs:
            raise Refused(404, "a log that is not watched here")
        with book.page(asked.origin) as page:
            judge(asked, logs[asked.origin], page.last)
            page.keep(asked.head)
        log.info("cosigned %s %d", asked.origin, asked.head.size)
        return Response(signer.cosign(asked.text, int(time.time())), content_type=PLAIN)

    @app.get("/key")
    def key() -> Response:
        return Response(signer.vkey, content_type=PLAIN)

    @app.get("/health/ready")
    def ready() -> Response:
        return Response("ready\n", content_type=PLAIN)

    app.register_error_handler(Refused, _refuse)
    return app


def _refuse(refused: Refused) -> Response:
    level = logging.WARNING if refused.status in (409, 422) else logging.INFO
    log.log(level, "refused with %d: %s", refused.status, refused)
    if refused.size is not None:
        return Response(f"{refused.size}\n", status=refused.status, content_type="text/x.tlog.size")
    return Response(f"{refused}\n", status=refused.status, content_type=PLAIN)
