"""What the services' own edge must hold to for the gateway's promises to be true."""

import io
from pathlib import Path

import pytest
from flask import request
from flask_smorest import Blueprint

from chassis.auth import TokenVerifier, public
from chassis.db import Database
from chassis.discovery import Local
from chassis.errors import Refusal
from chassis.public_keys import PublicKeys
from chassis.service import Service
from chassis.web import create_web
from tests.gateway.scripted import call, environ, make_gateway
from tests.support import ISSUER, Tokens, make_runtime

tokens = Tokens()


def taking_service(taken: list[bytes]) -> Service:
    routes = Blueprint("taking", __name__)

    @routes.post("/oauth2/token")
    @public
    def take() -> dict[str, int]:
        request.max_content_length = 10_000_000
        body = b"".join(iter(lambda: request.stream.read(65536), b""))
        taken.append(body)
        return {"bytes": len(body)}

    return Service(name="taking", title="t", database=Database("taking"), migrations=Path("none"), blueprints=[routes])


@pytest.mark.parametrize("stated", [0, 5, 200_000, 2_000_000])
def test_a_service_takes_a_whole_body_and_refuses_one_that_broke_off(stated: int, tmp_path: Path) -> None:
    taken: list[bytes] = []
    service = taking_service(taken)
    app = create_web(service, make_runtime(service, tmp_path, tokens))
    for sent in {stated, stated // 2}:
        made = environ("POST", "/oauth2/token", body=io.BytesIO(b"x" * sent), CONTENT_LENGTH=str(stated))
        status: list[str] = []
        b"".join(app(made, lambda line, _headers, _exc=None, told=status: told.append(line)))
        assert status[0].startswith("200" if sent == stated else "400")
    assert [len(body) for body in taken] == [stated]


def test_a_service_in_this_process_takes_a_body_through_the_gateway(tmp_path: Path) -> None:
    taken: list[bytes] = []
    service = taking_service(taken)
    app = create_web(service, make_runtime(service, tmp_path, tokens))
    gateway = make_gateway(tokens, identity=Local(app))
    assert call(gateway, "POST", "/oauth2/token", body=b"x" * 500_000).json == {"bytes": 500_000}
    assert call(gateway, "GET", "/health/ready").json["parts"]["identity"] != ""


def test_a_forged_token_is_refused_and_good_ones_pass_while_the_keys_owner_is_away() -> None:
    fetched: list[int] = []

    def fetch() -> dict[str, object]:
        fetched.append(1)
        if len(fetched) > 1:
            raise ConnectionRefusedError
        return tokens.jwks()

    keys = PublicKeys(fetch)
    verifier = TokenVerifier(keys, ISSUER)
    assert verifier.principal(tokens.mint("a")).subject == "p-1"
    forger = Tokens()
    for _ in range(200):
        with pytest.raises(Refusal, match="token_invalid"):
            verifier.principal(forger.mint("a"))
    assert verifier.principal(tokens.mint("b")).subject == "p-1"
    assert len(fetched) < 50, "a few questions at once and then one a second, however many forgeries come"
