"""A mail server that really receives, with STARTTLS if it is given a certificate. It keeps what came."""

from __future__ import annotations

import email
import email.policy
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from localservers.ports import free_port


class MailServer:
    """``answers`` are given instead of taking a message, one each, while there are any."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.received: list[EmailMessage] = []
        self.answers: list[str] = []
        self.encrypted: list[bool] = []
        self.port = free_port()
        options: dict[str, Any] = {"tls_context": tls, "require_starttls": tls is not None}
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port, **options)

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 aiosmtpd's name
        """Take a message."""
        if self.answers:
            return self.answers.pop(0)
        parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.received.append(parsed)
        self.encrypted.append(session.ssl is not None)
        return "250 OK"


@contextmanager
def mail_server(tls: ssl.SSLContext | None = None) -> Iterator[MailServer]:
    """One that serves until the end of the block."""
    made = MailServer(tls)
    made.controller.start()
    try:
        yield made
    finally:
        made.controller.stop()
