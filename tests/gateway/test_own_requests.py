"""What the gateway asks in its own name: with a token that gives it one right, over a socket, from whoever answers."""

from __future__ import annotations

import socket

import pytest

from chassis.auth import internal_tokens
from chassis.discovery import Remote, StaticDirectory
from chassis.public_keys import PublicKeys
from contracts.rights import scopes_of
from gateway.own_requests import own_requests
from tests.gateway.scripted import SocketService, Talk, response, socket_service
from tests.support import Tokens, exchanger

own = exchanger(Tokens())
NOBODY = Remote("127.0.0.1", 1)


def directory(*remotes: Remote) -> StaticDirectory:
    made = StaticDirectory({})
    made.add("identity", *remotes)
    return made


def answering(answer: bytes) -> Talk:
    def talk(connection: socket.socket, service: SocketService) -> None:
        if service.read_request(connection) is not None:
            connection.sendall(answer)

    return talk


def test_the_token_is_for_one_service_and_says_that_the_gateway_itself_asks() -> None:
    verifier = internal_tokens(PublicKeys(own.jwks), "identity")
    caller = verifier.principal(own.own("identity"))
    assert (caller.kind, caller.scopes) == ("gateway", frozenset(scopes_of("gateway").split()))
    assert own.own("identity") == own.own("identity"), "kept while it is fresh"
    assert own.own("audit") != own.own("identity")


def test_an_instance_that_does_not_answer_is_passed_over() -> None:
    with socket_service(answering(response(b'{"keys": null}'))) as service:
        ask = own_requests(directory(NOBODY, service.remote), own, "identity")
        assert ask("POST", "/usage", {"used": []}, "report-1") == {"keys": None}
    head = service.requests[-1].decode().lower()
    assert head.startswith("post /usage ")
    assert "authorization: bearer " in head
    assert "idempotency-key: report-1" in head


@pytest.mark.parametrize("answer", [response(b"{}", status="500 No"), response(b"not json"), b"nonsense\r\n\r\n"])
def test_what_is_no_answer_is_an_error_that_is_waited_out(answer: bytes) -> None:
    with socket_service(answering(answer)) as service, pytest.raises(OSError, match=r"."):
        own_requests(directory(service.remote), own, "identity")("GET", "/keys", None, None)


def test_without_an_instance_it_is_an_error() -> None:
    with pytest.raises(OSError, match="no instance"):
        own_requests(directory(), own, "identity")("GET", "/keys", None, None)
