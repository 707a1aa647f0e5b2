"""办件页: where a case stands, live, and what proves it."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

from flask import Response, render_template

from chassis import stopping
from portal.api import Api, Problem, path
from portal.citizen.room import CITIZEN, case_of, for_citizens
from portal.citizen.story import story_of
from portal.forms import answers_of
from portal.language import either
from portal.session import api
from portal.words import departments

LOOK_EVERY_S = 1.5
STREAM_S = 50.0  # a stream ends before proxies lose patience; browsers come back by themselves
STREAMS_AT_ONCE = threading.BoundedSemaphore(6)  # each holds a thread of the server
FINAL = ("closed", "denied", "not_accepted", "withdrawn", "deemed_withdrawn", "revoked", "terminated")


@CITIZEN.get("/cases/<case_no>")
@for_citizens
def case(case_no: str) -> Any:
    """The whole page; its live part is the fragment below."""
    shown = _shown(case_no)
    answers = answers_of(shown["item"]["form_schema"], shown["case"]["form"])
    return render_template("citizen/case.html", answers=answers, **shown)


@CITIZEN.get("/cases/<case_no>/live")
@for_citizens
def live(case_no: str) -> Any:
    """What changes while departments work."""
    return render_template("citizen/_live.html", **_shown(case_no))


def _shown(case_no: str) -> dict[str, Any]:
    found, item = case_of(case_no)
    known = departments()
    return {
        "case": found,
        "item": item,
        "departments": known,
        "story": story_of(found, known),
        "names": {rule["code"]: either(rule) for rule in item["materials"]},
        "final": found["state"] in FINAL,
        "rated": _rated(case_no) if found["state"] in FINAL else None,
    }


def _rated(case_no: str) -> Any:
    try:
        return api().get(path("ratings", case_no))
    except Problem as problem:
        if problem.status in (404, 503):
            return None
        raise


@CITIZEN.get("/cases/<case_no>/events")
@for_citizens
def events(case_no: str) -> Any:
    """Server-sent events: ``changed`` whenever the case looks different. 503 when too many watch: pages then ask instead."""
    caller = api()
    caller.get(path("cases", case_no))
    if not STREAMS_AT_ONCE.acquire(blocking=False):
        return Response(status=503, headers={"Retry-After": "5"})
    stream = Response(_changes(caller, case_no), mimetype="text/event-stream")
    stream.headers["X-Accel-Buffering"] = "no"
    stream.call_on_close(STREAMS_AT_ONCE.release)
    return stream


def _changes(caller: Api, case_no: str) -> Iterator[bytes]:
    seen, until = "", time.monotonic() + STREAM_S
    yield b"retry: 2000\n\n"
    while time.monotonic() < until:
        try:
            found = caller.get(path("cases", case_no))
        except Problem as problem:
            if problem.status < 500:  # signed out meanwhile
                yield b"event: ended\ndata: {}\n\n"
                return
        else:
            now = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
            yield b"event: changed\ndata: {}\n\n" if now != seen and seen else b": still here\n\n"
            seen = now
            if found["state"] in FINAL:
                yield b"event: ended\ndata: {}\n\n"
                return
        if not stopping.pause(LOOK_EVERY_S):
            return


@CITIZEN.get("/cases/<case_no>/receipt")
@for_citizens
def receipt(case_no: str) -> Any:
    """收件凭证: what was handed in and when, with the ledger's signature once the event has got there."""
    found, item = case_of(case_no)
    return render_template("citizen/receipt.html", case=found, item=item, trail=_trail(case_no))


@CITIZEN.get("/cases/<case_no>/proof.json")
@for_citizens
def proof(case_no: str) -> Any:
    """The case's trail as the ledger proves it, for ``python -m verify.ledger``."""
    body = json.dumps(api().get(path("trails", case_no)), ensure_ascii=False, indent=1)
    headers = {"Content-Disposition": f'attachment; filename="{case_no}-proof.json"'}
    return Response(body, mimetype="application/json", headers=headers)


def _trail(case_no: str) -> Any:
    """None for the moment that the ledger has not heard of the case."""
    try:
        return api().get(path("trails", case_no))
    except Problem as problem:
        if problem.status in (404, 503):
            return None
        raise
