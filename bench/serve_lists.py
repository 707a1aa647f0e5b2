"""Workflow's web in this process behind a port, and a client of it with tokens as the gateway would give."""

from __future__ import annotations

import http.client
import logging
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import ECKey
from werkzeug.serving import make_server

from chassis.auth import INTERNAL_ISSUER, INTERNAL_LIFE_S, INTERNAL_TYPE, Principal, internal_tokens
from chassis.discovery import StaticDirectory
from chassis.embedded_bus import EmbeddedBus
from chassis.health import Health
from chassis.public_keys import PublicKeys
from chassis.service import Runtime
from chassis.settings import load_settings
from chassis.web import create_web
from services.workflow.service import SERVICE


class Door:
    """One kept-alive connection."""

    def __init__(self, folder: Path) -> None:
        self._key = ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"})
        self._key.ensure_kid()
        jwks = {"keys": [self._key.as_dict(private=False)]}
        tokens = internal_tokens(PublicKeys(lambda: jwks), SERVICE.name)
        settings = replace(load_settings(SERVICE.name), data_dir=folder)
        runtime = Runtime(settings, EmbeddedBus(), StaticDirectory({}), tokens, Health())
        SERVICE.setup(runtime)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request
        self._server = make_server("127.0.0.1", 0, create_web(SERVICE, runtime), threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._connection = http.client.HTTPConnection("127.0.0.1", self._server.server_port, timeout=60)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        self._server.shutdown()
        self._thread.join()

    def token(self, caller: Principal) -> str:
        """A minute's token of the gateway."""
        now = int(time.time())
        claims = {
            "iss": INTERNAL_ISSUER, "aud": SERVICE.name, "sub": caller.subject, "name": caller.name, "kind": caller.kind,
            "scope": " ".join(sorted(caller.scopes)), "iat": now, "exp": now + INTERNAL_LIFE_S, "party": caller.party,
        }  # fmt: skip
        if caller.department is not None:
            claims["dept"] = caller.department
        header = {"alg": "ES256", "kid": self._key.kid, "typ": INTERNAL_TYPE}
        return jwt.encode(header, claims, self._key, algorithms=["ES256"])

    def get(self, path: str, values: dict[str, object], token: str) -> bytes:
        """The body of a GET. Raises RuntimeError when it is refused."""
        target = f"{path}?{urlencode(values)}" if values else path
        self._connection.request("GET", target, headers={"Authorization": f"Bearer {token}"})
        response = self._connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"{target}: {response.status} {body.decode(errors='replace')[:300]}")
        return body
