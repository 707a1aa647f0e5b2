"""The OpenID provider as relying parties and browsers meet it."""

from __future__ import annotations

import atexit
import base64
import hashlib
import json
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from werkzeug.test import TestResponse

from services.identity.adapters.key_ring import VAULT
from services.identity.adapters.machine_clock import machine_now
from services.identity.api.provider_desk import PROVIDER
from services.identity.domain.sensitive import Sensitive
from services.identity.models import accounts, db, sessions
from services.identity.service import SERVICE
from services.identity.use_cases.oauth_clients import ASSERTION_TYPE, secret_hash
from services.identity.use_cases.register_relying_party import RelyingParty, add_relying_party
from tests.services.identity.conftest import ADULT, PASSWORD, Counter
from tests.services.identity.program import register_program
from tests.support import Tokens, bind, make_app, make_runtime

ISSUER = "http://127.0.0.1:8000"
RETURN = "https://shop.example/return"
RETURN_WITH_QUERY = "https://shop.example/return?kept=1"
AFTERWARDS = "https://shop.example/goodbye"
SECRET = "a-long-random-secret-of-a-client"
FORM = re.compile(r'<form method="post" action="([^"]+)"')
FIELD = re.compile(r'name="form_token" value="([^"]+)"')
ID_TOKEN_CLAIMS = {"iss", "sub", "aud", "exp", "iat", "auth_time", "acr", "amr", "at_hash", "sid"}


@dataclass
class Provider:
    """Identity with clients and people: ``shop``, ``other`` (third parties), ``public`` (no secret), ``signs`` (private_key_jwt)
    and ``own``, the platform's.
    """

    app: Flask
    counter: Counter
    key: ECKey
    account_id: str

    def browser(self) -> Browser:
        return Browser(self.app.test_client(), self)

    @property
    def vault(self) -> Any:
        return self.counter.desk.vault

    def at(self, moment: Callable[[], datetime]) -> None:
        """Let the provider's clock say this."""
        parts = self.counter.runtime.parts
        parts[PROVIDER] = replace(parts[PROVIDER], now=moment)

    def later(self, **span: float) -> None:
        self.at(lambda: machine_now() + timedelta(**span))

    def document(self) -> Any:
        return self.app.test_client().get("/.well-known/openid-configuration").json

    def keys(self) -> KeySet:
        return KeySet.import_key_set(self.app.test_client().get("/api/v1/jwks").json)

    def token(self, client: str = "shop", **fields: Any) -> TestResponse:
        """The token endpoint, the client authenticated as it is registered."""
        return self.app.test_client().post("/oauth2/token", data=self.credentials(client) | fields)

    def post(self, path: str, client: str = "shop", **fields: Any) -> TestResponse:
        return self.app.test_client().post(path, data=self.credentials(client) | fields)

    def credentials(self, client: str) -> dict[str, str]:
        if client == "public":
            return {"client_id": client}
        if client == "signs":
            return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self.assertion()}
        return {"client_id": client, "client_secret": SECRET}

    def assertion(self, key: ECKey | None = None, **claims: Any) -> str:
        now = int(time.time())
        said = {
            "iss": "signs", "sub": "signs", "aud": ISSUER, "iat": now, "exp": now + 60, "jti": secrets.token_hex(16),
        } | claims  # fmt: skip
        present = {name: value for name, value in said.items() if value is not None}
        return jwt.encode({"alg": "ES256"}, present, key or self.key, algorithms=["ES256"])

    def userinfo(self, access_token: str) -> TestResponse:
        return self.app.test_client().get("/oauth2/userinfo", headers={"Authorization": f"Bearer {access_token}"})

    def id_token(self, token: str) -> dict[str, Any]:
        """Its claims, verified as a client does it."""
        return dict(jwt.decode(token, self.keys(), algorithms=["ES256"]).claims)


@dataclass
class Flow:
    """One authorization: what the client keeps until the answer comes."""

    client: str = "shop"
    redirect_uri: str = RETURN
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    state: str = field(default_factory=lambda: secrets.token_urlsafe(8))
    nonce: str | None = field(default_factory=lambda: secrets.token_urlsafe(8))
    scope: str = "openid profile"

    def parameters(self, **changed: Any) -> dict[str, Any]:
        asked = {
            "response_type": "code",
            "client_id": self.client,
            "redirect_uri": self.redirect_uri,
            "scope": self.scope,
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": challenge(self.verifier),
            "code_challenge_method": "S256",
        } | changed
        return {name: value for name, value in asked.items() if value is not None}


def challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def answer_of(response: TestResponse) -> dict[str, str]:
    """What the client is told at its address."""
    assert response.status_code == 303, response.text
    parts = urlsplit(response.location)
    return {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}


@dataclass
class Browser:
    """A browser with its cookies, in which somebody follows a client's request."""

    client: FlaskClient
    provider: Provider

    def authorize(self, flow: Flow, **changed: Any) -> TestResponse:
        return self.client.get("/oauth2/authorize", query_string=flow.parameters(**changed))

    def submit(self, page: TestResponse, **fields: str) -> TestResponse:
        """Send the first form of the page."""
        action, token = FORM.search(page.text), FIELD.search(page.text)
        assert action, page.text
        assert token
        return self.client.post(action[1], data={"form_token": token[1], **fields})

    def sign_in(self, page: TestResponse, username: str = "parent", password: str = PASSWORD) -> TestResponse:
        assert 'name="password"' in page.text, page.text
        return self.submit(page, username=username, password=password)

    def finish(self, page: TestResponse) -> TestResponse:
        """Sign in and allow, whichever of the two is asked for."""
        if page.status_code == 200 and 'name="password"' in page.text:
            page = self.sign_in(page)
        if page.status_code == 200 and 'value="allow"' in page.text:
            page = self.submit(page, decision="allow")
        return page

    def code(self, flow: Flow, **changed: Any) -> str:
        return answer_of(self.finish(self.authorize(flow, **changed)))["code"]

    def tokens(self, flow: Flow, **changed: Any) -> dict[str, Any]:
        """From the request to the tokens."""
        answer = self.redeem(flow, self.code(flow, **changed))
        assert answer.status_code == 200, answer.text
        granted: dict[str, Any] = answer.json
        return granted

    def redeem(self, flow: Flow, code: str, **changed: Any) -> TestResponse:
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": flow.redirect_uri,
            "code_verifier": flow.verifier,
        } | changed
        client = asked.pop("client", flow.client)
        return self.provider.token(client, **{name: value for name, value in asked.items() if value is not None})

    def cookie(self, name: str = "tongban-session") -> str | None:
        found = self.client.get_cookie(name)
        return found.value if found else None


@cache
def _prepared() -> tuple[Provider, Path, dict[str, Any]]:
    """A provider whose database, after this, is only copied; and the parts of its process."""
    folder = Path(tempfile.mkdtemp(prefix="tongban-identity-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    provider = start_provider(folder)
    db.engine.dispose()
    return provider, folder / "identity.sqlite", dict(provider.counter.runtime.parts)


def fresh_provider(folder: Path) -> Provider:
    """Like ``start_provider``, for tests that change nothing but rows and parts: it costs a copy of the database."""
    provider, file, parts = _prepared()
    SERVICE.database.bind(f"sqlite:///{shutil.copy(file, folder / 'identity.sqlite')}")
    runtime = provider.counter.runtime
    runtime.parts.clear()
    runtime.parts.update(parts)
    VAULT.hold(provider.vault)
    counter = replace(provider.counter, client=provider.app.test_client())
    return replace(provider, counter=counter)


def start_provider(folder: Path, url: str | None = None, **settings: Any) -> Provider:
    """On a fresh database."""
    tokens = Tokens("identity")
    bind(SERVICE, folder, url)
    runtime = make_runtime(SERVICE, folder, tokens, **({"staff_second_factor": "offered"} | settings))
    app = make_app(SERVICE, runtime)
    counter = Counter(app.test_client(), tokens, runtime, folder)
    counter.department()
    account_id = counter.account(kind="person", person_id=counter.person(ADULT))
    counter.account("officer", kind="officer", name="王经办", department="education")
    key = ECKey.generate_key("P-256")
    provider = Provider(app, counter, key, account_id)
    register_program()
    with db.transaction() as tx:
        for party in clients(key):
            secret = party.authentication == "client_secret"
            hashed = secret_hash(provider.vault, party.client_id, Sensitive(SECRET)) if secret else None
            add_relying_party(tx, party, hashed, by="a-1")
    return provider


def clients(key: ECKey) -> list[RelyingParty]:
    shop = RelyingParty(
        client_id="shop",
        name="书店",
        name_en="Bookshop",
        authentication="client_secret",
        redirect_uris=(RETURN, RETURN_WITH_QUERY),
        post_logout_redirect_uris=(AFTERWARDS,),
        scope=("cases:read",),
    )
    public = {"keys": [key.as_dict(private=False)]}
    return [
        shop,
        replace(shop, client_id="other", name="另一家", name_en="Another"),
        replace(shop, client_id="public", authentication="none"),
        replace(shop, client_id="signs", authentication="private_key_jwt", jwks=public),
        replace(shop, client_id="own", first_party=True, scope=()),
    ]


def payload(token: str) -> dict[str, Any]:
    middle = token.split(".")[1]
    said: dict[str, Any] = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    return said


def session_rows() -> list[Any]:
    with db.read() as connection:
        return list(connection.execute(sa.select(sessions)))


def set_account(username: str, **values: Any) -> None:
    with db.transaction() as tx:
        tx.execute(sa.update(accounts).where(accounts.c.username == username).values(**values))
