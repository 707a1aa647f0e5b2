"""What tests of one service share: a bound database, a web client, tokens, and a look at what was told."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import uuid_utils
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey
from prometheus_client import REGISTRY

from chassis import clock
from chassis.auth import (
    ACCESS_TYPE,
    AUDIENCE,
    INTERNAL_ISSUER,
    INTERNAL_LIFE_S,
    INTERNAL_TYPE,
    TokenVerifier,
    internal_tokens,
)
from chassis.background import Background
from chassis.db import Database
from chassis.discovery import StaticDirectory
from chassis.embedded_bus import EmbeddedBus
from chassis.health import Health
from chassis.inbox import Inbox
from chassis.migrate import upgrade
from chassis.public_keys import PublicKeys
from chassis.service import Runtime, Service
from chassis.settings import load_settings
from chassis.web import create_web
from contracts.envelope import Event, decode_envelope, encode, seal
from contracts.registry import read
from gateway.ended_sessions import EndedSessions
from gateway.internal_tokens import InternalTokens

ISSUER = "http://127.0.0.1:8000"
TOKEN_LIFE_S = 86_400  # headers are made when a module is imported, which may be long before its tests run


class Tokens:
    """Mints access tokens as identity would, or internal tokens for ``service`` as the gateway would, with a key of its own."""

    def __init__(self, service: str | None = None) -> None:
        self.service = service
        self.key = ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"})
        self.key.ensure_kid()

    def jwks(self) -> dict[str, Any]:
        return {"keys": [self.key.as_dict(private=False)]}

    def mint(self, scope: str, /, **claims: Any) -> str:
        """A token; override any claim, for example ``sub``, ``kind``, ``dept``, ``party``, ``exp``."""
        now = int(time.time())
        internal = self.service is not None
        base = {
            "iss": INTERNAL_ISSUER if internal else ISSUER,
            "aud": self.service if internal else AUDIENCE,
            "sub": "p-1",
            "name": "测试",
            "kind": "person",
            "scope": scope,
            "iat": now,
        }
        header = {"alg": "ES256", "kid": self.key.kid, "typ": INTERNAL_TYPE if internal else ACCESS_TYPE}
        until = {"exp": now + (INTERNAL_LIFE_S if internal else TOKEN_LIFE_S)}
        return jwt.encode(header, base | until | claims, self.key, algorithms=["ES256"])

    def headers(self, scope: str, /, **claims: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.mint(scope, **claims)}"}


def bind(service: Service, folder: Path, url: str | None = None) -> Database:
    """Bind the service's database to a fresh file (or ``url``) and migrate it, as a deployment does."""
    service.database.bind(url or f"sqlite:///{folder}/{service.name}.sqlite")
    upgrade(service.database, service.migrations)
    return service.database


def make_runtime(service: Service, folder: Path, tokens: Tokens, **environment: Any) -> Runtime:
    """A runtime on the embedded bus that takes internal tokens of ``tokens``; ``environment`` overrides settings fields."""
    from dataclasses import replace

    settings = replace(load_settings(service.name), data_dir=folder, **environment)
    verifier = internal_tokens(PublicKeys(tokens.jwks), service.name)
    return Runtime(settings, EmbeddedBus(), StaticDirectory({}), verifier, Health())


def exchanger(tokens: Tokens) -> InternalTokens:
    """What a gateway has that trusts ``tokens`` and signs with a fresh key."""
    key = ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"})
    key.ensure_kid()
    return InternalTokens(TokenVerifier(PublicKeys(tokens.jwks), ISSUER), key, EndedSessions(lambda _tag: None))


def make_app(service: Service, runtime: Runtime) -> Flask:
    """Set up the service and build its web application."""
    service.setup(runtime)
    return create_web(service, runtime)


def make_client(service: Service, folder: Path, tokens: Tokens, **environment: Any) -> FlaskClient:
    """Bind, migrate, set up; returns a test client."""
    bind(service, folder)
    return make_app(service, make_runtime(service, folder, tokens, **environment)).test_client()


def told(database: Database, event: type[Event] | None = None) -> list[Any]:
    """Events in the outbox in order, sent or not, decoded; only those of class ``event`` if given."""
    with database.read() as connection:
        bodies = (
            connection.execute(sa.select(database.outbox.c.body).order_by(database.outbox.c.position)).scalars().all()
        )
    events = [read(decode_envelope(body)) for body in bodies]
    return [e for e in events if event is None or isinstance(e, event)]


def metric(name: str, **labels: str) -> float:
    """What ``/metrics`` of this process says; 0 while it says nothing."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


def show_gauges(service: Service) -> None:
    """Have the service's gauges set, as its jobs role does now and then."""
    assert service.gauges is not None
    with service.database.read() as connection:
        service.gauges(connection)


def envelope_bytes(event: Event, *, source: str, event_id: str | None = None, caseseq: int | None = None) -> bytes:
    """``event`` as it is on the wire."""
    sealed = seal(event, event_id=event_id or str(uuid_utils.uuid7()), source=source, time=clock.now(), caseseq=caseseq)
    return encode(sealed)


def deliver(service: Service, subscription: str, *bodies: bytes, retry_limit: int = 3) -> Inbox:
    """Hand messages to one subscription of the service, as a bus would."""
    [found] = [s for s in service.subscriptions if s.name == subscription]
    inbox = Inbox(service.database, found, retry_limit=retry_limit)
    assert all(inbox.receive(list(bodies)))
    return inbox


__all__ = [
    "Background",
    "Tokens",
    "bind",
    "deliver",
    "envelope_bytes",
    "exchanger",
    "make_app",
    "make_client",
    "make_runtime",
    "metric",
    "show_gauges",
    "told",
]
