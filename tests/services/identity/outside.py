"""Outside providers: a second instance of this very service, and one that lies as it is told."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import msgspec
import yaml
from joserfc import jwt
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from services.identity.adapters.outside_file import read_outside_providers
from services.identity.adapters.outside_web import OutsideAnswer, OutsideAway
from services.identity.api.outside_desk import OUTSIDE, make_providers
from services.identity.domain.sensitive import Sensitive
from services.identity.models import db
from services.identity.use_cases.oauth_clients import secret_hash
from services.identity.use_cases.register_relying_party import RelyingParty, add_relying_party
from tests.services.identity.oidc import FIELD, ISSUER, Browser, Flow, Provider, answer_of, start_provider

NATIONAL, PRETENDER, OTHER_ONE = "https://national.example", "https://pretender.example", "https://other.example"
SECRET = "a-secret-between-two-platforms-1"
ADDRESS = re.compile(r'<a href="([^"]+)" rel="noreferrer">')


class Elsewhere:
    """A second instance of identity, on a database of its own, in this process."""

    def __init__(self, folder: Path) -> None:
        here = db._engine
        db._engine = None  # or it would be closed
        folder.mkdir()
        self.provider = start_provider(folder, public_url=NATIONAL, issuer=NATIONAL)
        party = RelyingParty(
            client_id="tongban",
            name="通办",
            name_en="Tongban",
            authentication="client_secret",
            redirect_uris=(f"{ISSUER}/oauth2/outside/return/national",),
        )
        with db.transaction() as tx:
            add_relying_party(tx, party, secret_hash(self.provider.vault, "tongban", Sensitive(SECRET)), by="directory")
        self._engine, db._engine = db._engine, here

    @contextmanager
    def entered(self) -> Iterator[Provider]:
        """The service goes by its own database meanwhile."""
        here, db._engine = db._engine, self._engine
        try:
            yield self.provider
        finally:
            db._engine = here

    def call(self, method: str, address: str, headers: Mapping[str, str], body: bytes) -> OutsideAnswer:
        """As the web would."""
        with self.entered() as provider:
            parts = urlsplit(address)
            answer = provider.app.test_client().open(
                f"{parts.path}?{parts.query}", method=method, headers=dict(headers), data=body, base_url=NATIONAL
            )
            return OutsideAnswer(answer.status_code, answer.data)


def new_key() -> ECKey:
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"})
    key.ensure_kid()
    return key


@dataclass
class Pretender:
    """A provider that says what it is told to. ``header`` and ``claims`` change its ID tokens; None leaves one out."""

    issuer: str = PRETENDER
    says: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    signs_with: ECKey | None = None
    key: ECKey = field(default_factory=new_key)
    published: list[ECKey] = field(default_factory=list)
    heard: list[tuple[str, str, dict[str, str], dict[str, str]]] = field(default_factory=list)
    away: bool = False
    nonce: str = ""
    token: str | None = None

    def call(self, method: str, address: str, headers: Mapping[str, str], body: bytes) -> OutsideAnswer:
        path = urlsplit(address).path
        self.heard.append((method, path, dict(headers), dict(parse_qsl(body.decode()))))
        if self.away:
            raise OutsideAway("away")
        return OutsideAnswer(200, msgspec.json.encode(self._answer(path)))

    def _answer(self, path: str) -> dict[str, Any]:
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                "authorization_response_iss_parameter_supported": True,
            } | self.metadata
        if path == "/keys":
            return {"keys": [key.as_dict(private=False) for key in (self.key, *self.published)]}
        if path == "/userinfo":
            return {"sub": "u-1"} | self.userinfo
        return {"access_token": "a", "token_type": "Bearer", "id_token": self.token or self._id_token()}

    def _id_token(self) -> str:
        now, key = int(time.time()), self.signs_with or self.key
        said = {
            "iss": self.issuer, "aud": "tongban", "sub": "u-1", "iat": now, "exp": now + 300, "nonce": self.nonce,
        } | self.says | self.claims  # fmt: skip
        present = {name: value for name, value in said.items() if value is not None}
        header = {"alg": "ES256", "kid": key.kid} | self.header
        return jwt.encode({n: v for n, v in header.items() if v is not None}, present, key, algorithms=["ES256"])


@dataclass
class World:
    """Our provider, and those outside by their host."""

    ours: Provider
    outside: dict[str, Any]

    def call(self, method: str, address: str, headers: Mapping[str, str], body: bytes = b"") -> OutsideAnswer:
        """The web."""
        answer: OutsideAnswer = self.outside[urlsplit(address).netloc].call(method, address, headers, body)
        return answer

    @property
    def pretender(self) -> Pretender:
        one: Pretender = self.outside["pretender.example"]
        return one

    def configure(self, folder: Path, **change: Any) -> None:
        """Let people come from all of them."""
        (folder / "secret").write_text(SECRET + "\n")
        numbers = {"number": "id_number", "level": "level", "levels": {"L2": 2, "L3": 3, "L4": 4}}
        common = {"client_id": "tongban", "client_secret_file": "secret"}
        trusted = {"claims": numbers, "highest_level": 3} | change
        providers = [
            {"id": "national", "name": "国家平台", "name_en": "National", "issuer": NATIONAL} | common,
            {"id": "pretender", "name": "某平台", "name_en": "Some", "issuer": PRETENDER} | common | trusted,
            {"id": "other", "name": "别处", "name_en": "Other", "issuer": OTHER_ONE} | common,
        ]
        file = folder / "outside.yaml"
        file.write_text(yaml.safe_dump({"providers": providers}, allow_unicode=True))
        configured = read_outside_providers(file)
        self.ours.counter.runtime.parts[OUTSIDE] = make_providers(configured, ISSUER, self)


@dataclass
class Visitor:
    """A browser at our sign-in page that goes outside."""

    world: World
    browser: Browser
    flow: Flow = field(default_factory=lambda: Flow("own", scope="openid tongban"))

    def leave(self, provider: str = "pretender", **asked: Any) -> str:
        """Go to an outside provider; its address."""
        page = self.browser.authorize(self.flow, **asked)
        token = FIELD.search(page.text)
        assert token, page.text
        answer = self.browser.client.post(f"/oauth2/outside/go/{provider}", data={"form_token": token[1]})
        found = ADDRESS.search(answer.text)
        assert found, answer.text
        address = html.unescape(found[1])
        self.world.pretender.nonce = self.asked(address)["nonce"]
        return address

    @staticmethod
    def asked(address: str) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}

    def come_back(self, address: str, provider: str = "pretender", **said: Any) -> TestResponse:
        """With the provider's answer; None leaves something out."""
        answer = {"code": "c", "state": self.asked(address)["state"], "iss": PRETENDER} | said
        present = {name: value for name, value in answer.items() if value is not None}
        return self.browser.client.get(f"/oauth2/outside/return/{provider}", query_string=present)

    def sign_in(self, **said: Any) -> TestResponse:
        """From our page to the pretender and back."""
        return self.come_back(self.leave(), **said)

    def tokens(self, answer: TestResponse) -> dict[str, Any]:
        """For the code that our provider has sent the browser back with."""
        granted: dict[str, Any] = self.browser.redeem(self.flow, answer_of(answer)["code"]).json
        return granted


def visitor(world: World) -> Visitor:
    return Visitor(world, world.ours.browser())
