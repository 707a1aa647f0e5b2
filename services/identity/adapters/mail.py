"""E-mail over SMTP. ``smtps://user:password@host:465`` is TLS from the start; ``smtp://…:587`` insists on STARTTLS, but for
``?starttls=never``, which is for a relay on the same machine.
"""

from __future__ import annotations

import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from urllib.parse import parse_qs, unquote, urlsplit

from services.identity.adapters.message_templates import Text
from services.identity.adapters.sending import Rejected, TryAgain
from services.identity.domain.sensitive import Sensitive

TIMEOUT_S = 10.0
PERMANENT = 500


class Mail:
    """An account on a mail server. ``sender`` is the address in From."""

    def __init__(self, url: str, sender: str, *, ca_file: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("smtp://host or smtps://host")
        self._host, self._tls = parts.hostname, parts.scheme == "smtps"
        self._port = parts.port or (465 if self._tls else 587)
        self._user, self._password = unquote(parts.username or ""), Sensitive(unquote(parts.password or ""))
        self._starttls = not self._tls and parse_qs(parts.query).get("starttls") != ["never"]
        self._sender, self._domain = sender, sender.rpartition("@")[2]
        self._context = ssl.create_default_context(cafile=ca_file)

    def send(self, delivery_id: str, address: Sensitive, text: Text) -> str:
        """Send; returns the Message-ID, which is the same for the same delivery. Raises TryAgain or Rejected."""
        message = EmailMessage()
        message["From"] = Address("通办 Tongban", addr_spec=self._sender)
        message["To"] = address.reveal()
        message["Subject"] = text.title
        message["Message-ID"] = message_id = f"<{delivery_id}@{self._domain}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday note answers it
        message.set_content(text.body)
        try:
            with self._connect() as server:
                if self._starttls:
                    server.starttls(context=self._context)
                if self._user:
                    server.login(self._user, self._password.reveal())
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as refused:
            code = next(iter(refused.recipients.values()))[0]
            raise _failure(code, f"recipient refused: {code}") from None  # the text would repeat the address
        except smtplib.SMTPResponseException as error:
            raise _failure(error.smtp_code, f"{type(error).__name__}: {error.smtp_code}") from None
        except (OSError, smtplib.SMTPException) as error:
            raise TryAgain(type(error).__name__) from None
        return message_id

    def _connect(self) -> smtplib.SMTP:
        if self._tls:
            return smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT_S, context=self._context)
        return smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_S)


def _failure(code: int, detail: str) -> Exception:
    """A wrong password (535) is the operator's to mend and not the message's fault."""
    return Rejected(detail) if code >= PERMANENT and code not in (530, 534, 535) else TryAgain(detail)
