"""A token of a session that has ended opens nothing, although nobody is asked per request."""

from __future__ import annotations

from typing import Any

import pytest

from chassis.auth import TokenVerifier, mark_of
from chassis.discovery import Local, StaticDirectory
from chassis.errors import Refusal
from chassis.health import Health
from chassis.public_keys import PublicKeys
from gateway.app import create_gateway
from gateway.ended_sessions import EndedSessions
from gateway.internal_tokens import InternalTokens
from tests.gateway.scripted import EchoService, call
from tests.support import ISSUER, Tokens

access = Tokens()
HEADERS = access.headers("cases:read", sid="s-1", grant="g-1")


class Identity:
    """What identity publishes, while it is there."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.away = False
        self.asked_with: list[str] = []

    def __call__(self, tag: str) -> tuple[str, dict[str, Any]] | None:
        self.asked_with.append(tag)
        if self.away:
            raise ConnectionRefusedError
        new = f'"{len(self.ended)}"'
        return None if tag == new else (new, {"ended": [mark_of(name) for name in self.ended]})


def exchanger(ended: EndedSessions) -> InternalTokens:
    return InternalTokens(TokenVerifier(PublicKeys(access.jwks), ISSUER), access.key, ended)


def refused(tokens: InternalTokens, token: str) -> str:
    with pytest.raises(Refusal) as refusal:
        tokens.exchange(token, "workflow")
    return refusal.value.code


@pytest.mark.parametrize("ended", ["s-1", "g-1"], ids=["session", "what one client was given"])
def test_what_has_ended_is_refused_and_everybody_else_goes_on(ended: str) -> None:
    identity = Identity()
    known = EndedSessions(identity)
    tokens, mine = exchanger(known), access.mint("cases:read", sid="s-1", grant="g-1")
    others = [access.mint("x", sid="s-2", grant="g-2"), access.mint("x")]
    known.step()
    for token in (mine, *others):
        tokens.exchange(token, "workflow")
    identity.ended.append(ended)
    known.step()
    assert refused(tokens, mine) == "session_ended", "although its internal token is still in the cache"
    for token in others:
        tokens.exchange(token, "workflow")


def test_the_last_list_holds_while_identity_is_away() -> None:
    identity = Identity()
    known = EndedSessions(identity)
    tokens = exchanger(known)
    identity.ended.append("s-1")
    known.step()
    identity.away = True
    assert known.step() > 0
    assert refused(tokens, access.mint("x", sid="s-1")) == "session_ended"
    tokens.exchange(access.mint("x", sid="s-2"), "workflow")


def test_a_list_that_is_none_changes_nothing() -> None:
    answers: list[Any] = [("1", {"ended": [mark_of("s-1")]}), ("2", {"other": 1}), ("3", [])]
    known = EndedSessions(lambda _tag: answers.pop(0))
    for _ in range(3):
        known.step()
    assert refused(exchanger(known), access.mint("x", sid="s-1")) == "session_ended"


def test_only_what_has_changed_is_sent() -> None:
    identity = Identity()
    known = EndedSessions(identity)
    known.step()
    known.step()
    identity.ended.append("s-1")
    known.step()
    assert identity.asked_with == ["", '"0"', '"0"']


def test_at_the_door_it_is_401_and_the_service_hears_nothing() -> None:
    identity, echo = Identity(), EchoService()
    known = EndedSessions(identity)
    directory = StaticDirectory({})
    directory.add("workflow", Local(echo))
    gateway = create_gateway(directory, exchanger(known), Health())
    assert call(gateway, "GET", "/api/v1/cases", HEADERS).status == 200
    identity.ended.append("s-1")
    known.step()
    answer = call(gateway, "GET", "/api/v1/cases", HEADERS)
    assert answer.is_problem(401, "session_ended")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert len(echo.seen) == 1


def test_identity_is_found_by_the_directory_and_asked_with_the_tag() -> None:
    tags: list[str | None] = []

    def identity(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        tags.append(environ.get("HTTP_IF_NONE_MATCH"))
        start_response("200 OK", [("Content-Type", "application/json"), ("ETag", '"a"')])
        return [b'{"ended":["%s"]}' % mark_of("s-1").encode()]

    directory = StaticDirectory({})
    known = EndedSessions.of(directory)
    known.step()
    directory.add("identity", Local(identity))
    known.step()
    known.step()
    assert tags == [None, '"a"']
    assert refused(exchanger(known), access.mint("x", sid="s-1")) == "session_ended"
