"""What an outside provider, or somebody between, may send: nobody comes in by it, and nothing is linked. And the web outside."""

from __future__ import annotations

import base64
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from services.identity.adapters.outside_web import OutsideAway, OutsideWeb, is_public
from services.identity.domain.outside import ClaimNames, OutsideError, OutsideProvider, require_answerer
from tests.gateway.scripted import SocketService, socket_service
from tests.services.identity.conftest import ADULT
from tests.services.identity.oidc import FIELD, challenge, fresh_provider, session_rows, set_account
from tests.services.identity.outside import OTHER_ONE, PRETENDER, SECRET, Pretender, World, new_key, visitor
from tests.services.identity.test_outside_sign_in import links


@pytest.fixture
def world(tmp_path: Path) -> World:
    """The pretender speaks of somebody whom we know well: whoever is believed is in."""
    ours = fresh_provider(tmp_path)
    says = {"name": "林晓芸", "id_number": ADULT, "level": "L3"}
    others = {"pretender.example": Pretender(says=says), "other.example": Pretender(OTHER_ONE)}
    made = World(ours, others)
    made.configure(tmp_path)
    set_account("parent", level=4)
    return made


def nobody_is_in() -> bool:
    return session_rows() == [] and links() == []


def test_what_we_send_is_code_with_pkce_a_nonce_and_our_secret_to_the_provider_alone(world: World) -> None:
    guest = visitor(world)
    address = guest.leave()
    asked = guest.asked(address)
    assert address.startswith(f"{PRETENDER}/authorize?")
    assert (asked["response_type"], asked["code_challenge_method"], asked["client_id"]) == ("code", "S256", "tongban")
    assert asked["redirect_uri"].endswith("/oauth2/outside/return/pretender")
    assert guest.come_back(address).status_code == 303
    [sent] = [fields for method, path, _, fields in world.pretender.heard if (method, path) == ("POST", "/token")]
    assert challenge(sent["code_verifier"]) == asked["code_challenge"]
    assert sent["redirect_uri"] == asked["redirect_uri"]
    [basic] = [headers["Authorization"] for _, path, headers, _ in world.pretender.heard if path == "/token"]
    assert base64.b64decode(basic.removeprefix("Basic ")).decode() == f"tongban:{SECRET}"
    assert sent["code_verifier"] not in address
    assert len({asked["state"], asked["nonce"], sent["code_verifier"]}) == 3


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": OTHER_ONE},
        {"iss": PRETENDER + "/"},
        {"iss": None},
        {"aud": "somebody-else"},
        {"aud": ["tongban", "somebody-else"]},
        {"aud": ["tongban", "somebody-else"], "azp": "somebody-else"},
        {"azp": "somebody-else"},
        {"aud": None},
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"iat": 32_000_000_000},
        {"iat": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 5},
        {"sub": "x" * 256},
        {"sub": "u\n1"},
    ],
    ids=str,
)
def test_an_id_token_that_is_not_for_this_sign_in_lets_nobody_in(world: World, claims: dict[str, Any]) -> None:
    world.pretender.claims = claims
    assert visitor(world).sign_in().status_code == 400
    assert nobody_is_in()


def unsigned(world: World, alg: str) -> str:
    _, payload, _ = world.pretender._id_token().split(".")
    head = base64.urlsafe_b64encode(json.dumps({"alg": alg}).encode()).rstrip(b"=").decode()
    return f"{head}.{payload}."


@pytest.mark.parametrize("how", ["none", "None", "HS256", "another key", "another key that it brings", "no token"])
def test_an_id_token_without_the_providers_signature_lets_nobody_in(world: World, how: str) -> None:
    guest, pretender = visitor(world), world.pretender
    address, mine = guest.leave(), new_key()
    if how.startswith("another key"):
        pretender.signs_with, pretender.header = mine, {"kid": pretender.key.kid}
        if how.endswith("brings"):
            pretender.header = {"kid": mine.kid, "jwk": mine.as_dict(private=False)}
    else:
        pretender.token = "x" if how == "no token" else unsigned(world, how)
    assert guest.come_back(address).status_code == 400
    assert nobody_is_in()


def test_a_key_that_brings_itself_is_not_believed_even_when_it_is_published(world: World) -> None:
    world.pretender.header = {"jwk": world.pretender.key.as_dict(private=False)}
    assert visitor(world).sign_in().status_code == 400
    assert nobody_is_in()


@pytest.mark.parametrize("iss", [OTHER_ONE, PRETENDER + "/", "", None], ids=str)
def test_an_answer_of_another_provider_is_refused_before_its_code_goes_anywhere(world: World, iss: str | None) -> None:
    guest = visitor(world)
    assert guest.sign_in(iss=iss).status_code == 400
    assert "/token" not in [path for _, path, _, _ in world.pretender.heard]
    assert nobody_is_in()


def test_a_provider_that_never_says_who_it_is_may_leave_it_out_but_not_lie() -> None:
    provider = OutsideProvider(
        provider_id="a", name="甲", name_en="A", issuer=PRETENDER, client_id="c", authentication="client_secret_basic",
        scope=("openid",), claims=ClaimNames(levels={}), highest_level=2, default_level=2, opens_accounts=False,
    )  # fmt: skip
    require_answerer(provider, None, always_says=False)
    require_answerer(provider, PRETENDER, always_says=False)
    for said, always in ((OTHER_ONE, False), (None, True), ("", True)):
        with pytest.raises(OutsideError, match="issuer_mismatch"):
            require_answerer(provider, said, always_says=always)


def test_an_answer_at_the_address_of_another_provider_is_refused(world: World) -> None:
    guest = visitor(world)
    assert guest.come_back(guest.leave(), "other", iss=OTHER_ONE).status_code == 400
    assert world.outside["other.example"].heard == []
    assert nobody_is_in()


def test_a_state_is_taken_once(world: World) -> None:
    guest = visitor(world)
    address = guest.leave()
    assert guest.come_back(address).status_code == 303
    sessions = session_rows()
    guest.browser.client.delete_cookie("tongban-session")
    assert guest.come_back(address).status_code == 400
    assert session_rows() == sessions


@pytest.mark.parametrize("how", ["another browser", "made up", "missing", "twice", "too late"])
def test_a_state_is_for_the_browser_that_began_and_for_a_while(world: World, how: str) -> None:
    guest, thief = visitor(world), visitor(world)
    address = guest.leave()
    state = guest.asked(address)["state"]
    answer: dict[str, Any] = {"code": "c", "iss": PRETENDER, "state": state}
    who = guest
    if how == "another browser":
        thief.leave()
        who = thief
    elif how == "made up":
        answer["state"] = "x" * 43
    elif how == "missing":
        del answer["state"]
    elif how == "twice":
        answer["code"] = ["c", "d"]
    else:
        world.ours.later(minutes=16)
    got = who.browser.client.get("/oauth2/outside/return/pretender", query_string=answer)
    assert got.status_code == 400
    assert nobody_is_in()


def test_a_form_of_another_browser_begins_nothing(world: World) -> None:
    guest, thief = visitor(world), visitor(world)
    page = guest.browser.authorize(guest.flow)
    token = FIELD.search(page.text)
    assert token
    thief.browser.authorize(thief.flow)
    got = thief.browser.client.post("/oauth2/outside/go/pretender", data={"form_token": token[1]})
    assert got.status_code == 400
    unknown = guest.browser.client.post("/oauth2/outside/go/nowhere", data={"form_token": token[1]})
    assert unknown.status_code == 400


def test_who_cancels_outside_is_back_at_the_sign_in_page(world: World) -> None:
    guest = visitor(world)
    page = guest.sign_in(code=None, error="access_denied")
    assert page.status_code == 200
    assert 'name="password"' in page.text
    assert "access_token" in guest.tokens(guest.browser.sign_in(page))
    assert links() == []


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": OTHER_ONE},
        {"token_endpoint": None},
        {"jwks_uri": 5},
        {"authorization_endpoint": []},
    ],
    ids=str,
)
def test_a_provider_that_describes_another_is_not_gone_to(world: World, metadata: dict[str, Any]) -> None:
    world.pretender.metadata = metadata
    page = visitor(world).browser
    shown = page.authorize(visitor(world).flow)
    token = FIELD.search(shown.text)
    assert token
    answer = page.client.post("/oauth2/outside/go/pretender", data={"form_token": token[1]})
    assert answer.status_code == 400
    assert PRETENDER not in answer.text


def test_a_provider_that_is_away_leaves_the_password(world: World) -> None:
    guest = visitor(world)
    address = guest.leave()
    world.pretender.away = True
    page = guest.come_back(address)
    assert page.status_code == 400
    assert "access_token" in guest.tokens(guest.browser.sign_in(page))
    assert links() == []


def test_userinfo_of_somebody_else_is_not_mixed_in(world: World) -> None:
    world.pretender.says = {}
    world.pretender.userinfo = {"sub": "u-2", "name": "林晓芸", "id_number": ADULT, "level": "L3"}
    assert visitor(world).sign_in().status_code == 400
    assert nobody_is_in()


# 对外访问 the web outside


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:7f00:1::", False),
        ("no address", False),
    ],
)
def test_only_addresses_of_the_public_internet_are_called(address: str, public: bool) -> None:
    assert is_public(address) == public


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://shop.example/out", "not https"),
        ("https://127.0.0.1/out", "private"),
        ("https://localhost/out", "private"),
        ("https://[::1]/out", "private"),
        ("https://user@shop.example/", "not an address"),
        ("ftp://shop.example/out", "not an address"),
        ("https://[", "not an address"),
        ("https://2130706433/", "private"),
    ],
)
def test_what_may_not_be_called_is_not_called(address: str, why: str) -> None:
    with pytest.raises(OutsideAway, match=why):
        OutsideWeb().call("GET", address, {})


def test_a_name_with_one_private_address_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("93.184.215.14", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: found)
    with pytest.raises(OutsideAway, match="private"):
        OutsideWeb().call("GET", "https://shop.example/", {})


def test_on_one_machine_it_may_be_allowed_and_redirects_are_not_followed() -> None:
    def talk(connection: socket.socket, service: SocketService) -> None:
        service.read_request(connection)
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\nno")

    with socket_service(talk) as service:
        address = f"http://127.0.0.1:{service.remote.port}/out?a=1"
        with pytest.raises(OutsideAway, match="not https"):
            OutsideWeb().call("POST", address, {}, b"x=1")
        answer = OutsideWeb(["127.0.0.1"]).call("POST", address, {}, b"x=1")
    assert (answer.status, answer.body) == (302, b"no")
    assert [head.split(b"\r\n")[0] for head in service.requests] == [b"POST /out?a=1 HTTP/1.1"]


def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    def talk(connection: socket.socket, service: SocketService) -> None:
        service.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    with socket_service(talk) as service, pytest.raises(OutsideAway, match="too long"):
        OutsideWeb(["127.0.0.1"]).call("GET", f"http://127.0.0.1:{service.remote.port}/", {})
    assert service.gone.wait(20)
