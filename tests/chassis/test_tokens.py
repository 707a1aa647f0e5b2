"""Who may come in: forged, expired, misdirected and malformed tokens are refused, and keys may change while running."""

from __future__ import annotations

import base64
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey

from chassis import public_keys
from chassis.auth import ACCESS_TYPE, Actor, TokenVerifier, bearer_token, claims_of
from chassis.errors import Refusal
from chassis.public_keys import PublicKeys
from tests.support import ISSUER, Tokens


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
def verifier(tokens: Tokens) -> TokenVerifier:
    return TokenVerifier(PublicKeys(tokens.jwks), ISSUER)


def refused(verifier: TokenVerifier, token: str) -> str:
    with pytest.raises(Refusal) as caught:
        verifier.principal(token)
    return caught.value.code


def part(content: Any) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_a_good_token_names_the_caller(verifier: TokenVerifier, tokens: Tokens) -> None:
    token = tokens.mint("cases:read tasks:read", sub="c-1", kind="department", dept="police", party="o-1")
    for _ in range(2):
        caller = verifier.principal(token)
    assert (caller.subject, caller.kind, caller.department, caller.party) == ("c-1", "department", "police", "o-1")
    assert caller.scopes == {"cases:read", "tasks:read"}


def test_all_that_a_token_says_of_the_caller_can_be_said_again(verifier: TokenVerifier, tokens: Tokens) -> None:
    acting = {
        "act": {"sub": "a-1", "name": "周敏"},
        "items": ["i-2", "i-1"],
        "level": 4,
        "client_id": "portal",
        "sid": "s-1",
    }
    caller = verifier.principal(tokens.mint("cases:read", party="o-1", **acting))
    assert caller.actor == Actor("a-1", "周敏")
    assert (caller.items, caller.level, caller.client, caller.session) == ({"i-1", "i-2"}, 4, "portal", "s-1")
    assert verifier.principal(tokens.mint("", **claims_of(caller))) == caller
    plain = verifier.principal(tokens.mint("cases:read"))
    assert (plain.actor, plain.items, plain.level) == (None, None, 2)
    assert verifier.principal(tokens.mint("", **claims_of(plain))) == plain


def test_a_token_of_another_kind_and_one_that_brings_its_key_are_refused(
    verifier: TokenVerifier, tokens: Tokens
) -> None:
    claims = json.loads(base64.urlsafe_b64decode(tokens.mint("x").split(".")[1] + "=="))
    good = {"alg": "ES256", "kid": tokens.key.kid, "typ": ACCESS_TYPE}
    brought = [
        {"jwk": tokens.key.as_dict(private=False)},
        {"jku": "https://keys.example"},
        {"x5u": "https://keys.example"},
    ]
    for header in [
        {**good, "typ": "JWT"},
        {**good, "typ": "tongban-internal+jwt"},
        *({**good, **own} for own in brought),
    ]:
        assert refused(verifier, jwt.encode(header, claims, tokens.key, algorithms=["ES256"])) == "token_invalid", (
            header
        )
    assert verifier.principal(jwt.encode(good, claims, tokens.key, algorithms=["ES256"])).subject == "p-1"


def test_remembered_keys_outlive_the_process_and_a_damaged_memory_is_none(tokens: Tokens, tmp_path: Path) -> None:
    def away() -> dict[str, Any]:
        raise OSError("away")

    memory = tmp_path / "audit" / "keys.json"
    assert TokenVerifier(PublicKeys(tokens.jwks, memory), ISSUER).principal(tokens.mint("x")).subject == "p-1"
    assert TokenVerifier(PublicKeys(away, memory), ISSUER).principal(tokens.mint("x")).subject == "p-1"
    assert PublicKeys(away, memory).trouble() is None
    memory.write_text("{")
    assert PublicKeys(away, memory).trouble() is not None
    with pytest.raises(OSError, match="away"):
        TokenVerifier(PublicKeys(away, memory), ISSUER).principal(tokens.mint("x"))


def test_expired_misdirected_and_incomplete_tokens_are_refused(verifier: TokenVerifier, tokens: Tokens) -> None:
    assert refused(verifier, tokens.mint("x", exp=int(time.time()) - 1)) == "token_expired"
    for claims in ({"aud": "other"}, {"iss": "other"}, {"aud": ["tongban", "other"]}, {"sub": None, "exp": None}):
        assert refused(verifier, tokens.mint("x", **claims)) == "token_invalid"


def test_a_token_that_was_good_is_refused_once_it_expires(verifier: TokenVerifier, tokens: Tokens) -> None:
    token = tokens.mint("x", exp=time.time() + 0.5)
    assert verifier.principal(token).subject == "p-1"
    deadline = time.time() + 5
    while time.time() < deadline:
        try:
            verifier.principal(token)
        except Refusal as refusal:
            assert refusal.code == "token_expired"
            return
        time.sleep(0.02)
    pytest.fail("the token never expired")


def test_alg_none_a_symmetric_key_and_an_embedded_key_are_refused(verifier: TokenVerifier, tokens: Tokens) -> None:
    _, payload, signature = tokens.mint("x").split(".")
    assert refused(verifier, f"{part({'alg': 'none'})}.{payload}.") == "token_invalid"
    assert refused(verifier, f"{part({'alg': 'none', 'kid': tokens.key.kid})}.{payload}.{signature}") == "token_invalid"

    public = json.dumps(tokens.jwks()["keys"][0]).encode()
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    symmetric = jwt.encode({"alg": "HS256", "kid": tokens.key.kid}, claims, OctKey.import_key(public))
    assert refused(verifier, symmetric) == "token_invalid"

    mine = ECKey.generate_key("P-256")
    embedded = jwt.encode({"alg": "ES256", "jwk": mine.as_dict(private=False)}, claims, mine, algorithms=["ES256"])
    assert refused(verifier, embedded) == "token_invalid"
    posing = jwt.encode({"alg": "ES256", "kid": tokens.key.kid}, claims, mine, algorithms=["ES256"])
    assert refused(verifier, posing) == "token_invalid"


def test_malformed_tokens_are_refused_and_never_a_fault(verifier: TokenVerifier, tokens: Tokens) -> None:
    header, payload, signature = tokens.mint("x").split(".")
    good = {"alg": "ES256", "kid": tokens.key.kid, "typ": ACCESS_TYPE}
    heads = [
        [], "x", 1, None, {}, {"alg": []}, {"alg": {}}, {"alg": 5}, {"alg": None}, {"alg": "ES256", "kid": []},
        {"alg": "ES256", "kid": {}}, {"alg": "ES256", "kid": 5}, {**good, "crit": ["x"]}, {**good, "crit": 1},
        {**good, "b64": False}, {**good, "typ": []}, {**good, "zip": "DEF"},
    ]  # fmt: skip
    malformed = [f"{part(head)}.{payload}.{signature}" for head in heads]
    malformed += [
        "",
        ".",
        "..",
        "...",
        "a.b",
        "a.b.c.d.e",
        "汉.字.串",
        "\0.\0.\0",
        f"{header}.{payload}",
        f"{header}.{payload}.=",
    ]
    malformed += [
        f"{header}.{payload}.{signature}x",
        f"{header}.{part(b'x')}.{signature}",
        f"{part(b'{')}.{payload}.x",
        "x" * 100_000,
    ]
    for token in malformed:
        assert refused(verifier, token) == "token_invalid", token[:80]
    for claims in ([], "x", 1, None, b"{", b"[" * 50_000):
        content = claims if isinstance(claims, bytes) else json.dumps(claims)
        assert (
            refused(verifier, jws.serialize_compact(good, content, tokens.key, algorithms=["ES256"])) == "token_invalid"
        )
    for claims in ({"exp": "never"}, {"exp": []}, {"sub": None, "exp": {}}):
        assert refused(verifier, tokens.mint("x", **claims)) == "token_invalid"


class Published:
    """What the keys' owner shows, and how often it was asked."""

    def __init__(self, *signers: Tokens) -> None:
        self.signers, self.asked = list(signers), 0

    def __call__(self) -> dict[str, Any]:
        self.asked += 1
        return {"keys": [signer.jwks()["keys"][0] for signer in self.signers]}


def test_a_new_key_is_fetched_when_it_turns_up_but_not_for_every_forgery(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = Tokens(), Tokens()
    published = Published(old)
    verifier = TokenVerifier(PublicKeys(published), ISSUER)
    verifier.principal(old.mint("x"))
    for number in range(20):
        assert refused(verifier, Tokens().mint("x", sub=str(number))) == "token_invalid"
    assert published.asked <= 1 + public_keys._AT_ONCE
    published.signers.append(new)
    monkeypatch.setattr(public_keys, "_REFETCH_S", 0.000_001)
    assert verifier.principal(new.mint("x")).subject == "p-1"


def test_a_forgery_under_a_known_name_or_without_one_asks_nobody(tokens: Tokens) -> None:
    published = Published(tokens)
    verifier = TokenVerifier(PublicKeys(published), ISSUER)
    verifier.principal(tokens.mint("x"))
    claims, mine = tokens.mint("x").split(".")[1], Tokens()
    for header in ({"kid": tokens.key.kid}, {}, {"kid": 5}):
        head = part({"alg": "ES256", "typ": ACCESS_TYPE} | header)
        forged = mine.mint("x").split(".")[2]
        assert refused(verifier, f"{head}.{claims}.{forged}") == "token_invalid"
    assert published.asked == 1


def test_keys_that_change_twice_in_a_moment_lose_no_token() -> None:
    signers = [Tokens() for _ in range(3)]
    published = Published(signers[0])
    verifier = TokenVerifier(PublicKeys(published), ISSUER)
    verifier.principal(signers[0].mint("x"))
    for new in signers[1:]:
        published.signers.append(new)
        assert verifier.principal(new.mint("x")).subject == "p-1"
    assert published.asked == 3


def test_the_first_tokens_of_a_new_key_come_together_and_wait_for_the_same_answer() -> None:
    old, new, rest = Tokens(), Tokens(), threading.Event()
    published = Published(old)

    def slowly() -> dict[str, Any]:
        if published.asked:
            assert rest.wait(20)
        return published()

    verifier = TokenVerifier(PublicKeys(slowly), ISSUER)
    verifier.principal(old.mint("x"))
    published.signers.append(new)
    with ThreadPoolExecutor(8) as pool:
        results = [pool.submit(verifier.principal, new.mint("x", sub=f"p-{number}")) for number in range(8)]
        rest.set()
        assert {result.result(20).subject for result in results} == {f"p-{number}" for number in range(8)}
    assert published.asked <= 3


def test_known_keys_serve_on_while_their_owner_is_away(monkeypatch: pytest.MonkeyPatch, tokens: Tokens) -> None:
    away: list[bool] = []

    def fetch() -> dict[str, Any]:
        if away:
            raise OSError("away")
        return tokens.jwks()

    verifier = TokenVerifier(PublicKeys(fetch), ISSUER)
    verifier.principal(tokens.mint("x"))
    away.append(True)
    monkeypatch.setattr(public_keys, "_REFETCH_S", 0.000_001)
    assert refused(verifier, Tokens().mint("x")) == "token_invalid"
    assert verifier.principal(tokens.mint("y")).scopes == {"y"}


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "bearer"])
def test_no_token_is_said_to_be_missing(header: str | None) -> None:
    with pytest.raises(Refusal, match="token_missing"):
        bearer_token(header)


def test_what_a_revoked_key_signed_is_refused_although_it_was_verified_before() -> None:
    old, new = Tokens(), Tokens()
    published = [old, new]
    keys = PublicKeys(lambda: {"keys": [tokens.jwks()["keys"][0] for tokens in published]})
    verifier = TokenVerifier(keys, ISSUER)
    signed_by_old, signed_by_new = old.mint("x"), new.mint("x")
    assert verifier.principal(signed_by_old).subject == verifier.principal(signed_by_new).subject == "p-1"
    published.remove(old)
    keys.renew()
    assert refused(verifier, signed_by_old) == "token_invalid"
    assert verifier.principal(signed_by_new).subject == "p-1"


def test_keys_are_asked_for_again_in_the_background_and_kept_while_nobody_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokens, asked = Tokens(), threading.Event()
    answers = iter([tokens.jwks()])

    def fetch() -> dict[str, Any]:
        try:
            return next(answers)
        except StopIteration:
            asked.set()
            raise OSError from None

    verifier = TokenVerifier(PublicKeys(fetch), ISSUER)
    token = tokens.mint("x")
    assert verifier.principal(token).subject == "p-1"
    monkeypatch.setattr(public_keys, "_RENEWED_S", -1.0)
    assert verifier.principal(token).subject == "p-1"
    assert asked.wait(20)
    assert verifier.principal(token).subject == "p-1"
