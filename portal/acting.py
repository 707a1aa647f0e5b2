"""办理身份: whom the visitor acts for. The cookie says under which delegation; the token of the one represented is kept in this
process only (two tokens and their like would outgrow a cookie) and is asked for anew when it runs out: then an end of the
delegation shows, and nobody goes on in another's name.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from typing import Any

from flask import session

from portal.api import Api, Problem, path

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
DELEGATION = "urn:tongban:params:token-type:delegation"
MARGIN_S = 5
MOST_KEPT = 2000
_ACTING = "acting"
_kept: OrderedDict[str, tuple[float, str]] = OrderedDict()
_lock = threading.Lock()


def acting_for() -> str:
    """The name of the one represented; empty when the visitor acts for no other."""
    return str(session.get(_ACTING, {}).get("name", ""))


def start_acting(own: Api, delegation: dict[str, Any]) -> None:
    """Act under ``delegation`` from now on. Raises Problem ``delegation_ended`` and others."""
    _token(own, delegation["delegation_id"])
    session[_ACTING] = {"delegation_id": delegation["delegation_id"], "name": delegation["grantor_name"]}


def stop_acting() -> None:
    """Act for oneself again."""
    session.pop(_ACTING, None)


def token_in_use(own: Api) -> str | None:
    """The token for what the visitor does: of the one represented, or their own.

    Raises Problem when the delegation has ended; from the next page on the visitor acts for themselves.
    """
    acting = session.get(_ACTING)
    if acting is None:
        return own.token
    try:
        return _token(own, acting["delegation_id"])
    except Problem as problem:
        if 400 <= problem.status < 500 and problem.status not in (401, 429):
            stop_acting()
        raise


def _token(own: Api, delegation_id: str) -> str:
    """For as long as it is good, the same one: by the visitor's own token, so that a new sign-in asks anew."""
    key = hashlib.sha256(f"{own.token} {delegation_id}".encode()).hexdigest()
    with _lock:
        known = _kept.get(key)
    if known is not None and known[0] > time.time():
        return known[1]
    asked = {"grant_type": GRANT, "subject_token": delegation_id, "subject_token_type": DELEGATION}
    granted = own.call("POST", path("tokens", "representation"), json=asked).json()
    token = str(granted["access_token"])
    with _lock:
        _kept[key] = (time.time() + granted["expires_in"] - MARGIN_S, token)
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return token
