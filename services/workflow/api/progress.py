"""办件进度: a case's moves as server-sent events, as they happen. A stream is short and its client comes again by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import msgspec
from flask import Response, current_app, request
from flask_smorest import Blueprint

from chassis import stopping
from chassis.auth import principal, requires
from chassis.errors import Refusal
from services.workflow import queries

PROGRESS = Blueprint("progress", __name__, url_prefix="/api/v1/cases", description="办件进度 / progress of a case")

STREAMS = 6
"""At once in one process: each has a request thread to itself while it lasts."""
LONGEST_S = 30.0
FROM_THE_START = -1
LOOK_EVERY_S = 1.0
COME_AGAIN = "retry: 1000\n\n"
STILL_HERE = ":\n\n"
"""A comment. Only by writing does the server see that the client has gone, and that its place is free."""
_free = threading.BoundedSemaphore(STREAMS)


@PROGRESS.get("/<case_no>/events")
@requires("cases:read")
@PROGRESS.response(200, content_type="text/event-stream")
def follow(case_no: str) -> Response:
    """办件进度: every move of the case from the start, or after ``Last-Event-ID``, as server-sent events named ``move``.

    The stream ends after half a minute at most; an EventSource comes again and goes on where it was.
    """
    queries.require_readable(principal(), case_no)
    stated = request.headers.get("Last-Event-ID", "")
    after = int(stated) if stated.isascii() and stated.isdigit() and len(stated) < 10 else FROM_THE_START
    if not _free.acquire(blocking=False):
        raise Refusal("too_many_streams", "同时关注的人过多 / too many streams are open", retry_after_s=5)
    # A stream must not hold up the end of the process.
    life_s = min(LONGEST_S, current_app.extensions["tongban"].settings.stop_timeout_s / 2)
    leave = ExitStack()  # once, whether the stream came to its end or was closed before it began
    leave.callback(_free.release)
    response = Response(_moves(case_no, after, life_s, leave), content_type="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.call_on_close(leave.close)
    return response


def _moves(case_no: str, after: int, life_s: float, leave: ExitStack) -> Iterator[str]:
    until = time.monotonic() + life_s
    with leave:
        yield COME_AGAIN
        while True:
            told = after
            for move in queries.moves_after(case_no, after):
                after = move["seq"]
                yield f"id: {after}\nevent: move\ndata: {msgspec.json.encode(move).decode()}\n\n"
            if told == after:
                yield STILL_HERE
            if time.monotonic() + LOOK_EVERY_S > until or not stopping.pause(LOOK_EVERY_S):
                return
