"""Sends logout tokens to clients, for the clock's jobs, which are handed nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from services.identity.adapters.outside_web import Web
from services.identity.adapters.tokens import TokenIssuer

LOGOUT_TOKEN = "logout+jwt"  # noqa: S105 - a media type


@dataclass(frozen=True)
class LogoutSender:
    """``tokens`` signs; ``public_url`` stands for ``{public_url}`` in addresses of the platform's own clients."""

    tokens: TokenIssuer
    web: Web
    public_url: str

    def send(self, address: str, claims: Mapping[str, Any]) -> int:
        """The client's answer: a status. Raises OutsideAway."""
        token = self.tokens.sign(claims, LOGOUT_TOKEN)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cache-Control": "no-store"}
        return self.web.call("POST", address, headers, urlencode({"logout_token": token}).encode()).status


class OwnSender:
    """Of this process."""

    def __init__(self) -> None:
        self._sender: LogoutSender | None = None

    def hold(self, sender: LogoutSender) -> None:
        """Set it; an earlier one is forgotten."""
        self._sender = sender

    def get(self) -> LogoutSender:
        """The sender. Raises RuntimeError before ``hold``."""
        if self._sender is None:
            raise RuntimeError("nobody sends logout notices")
        return self._sender


LOGOUT_SENDER = OwnSender()
