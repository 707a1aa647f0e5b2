"""The channels that this installation has, besides the inbox. Opened once per process, from the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import uuid_utils

from chassis.settings import Settings
from services.identity.adapters import message_templates
from services.identity.adapters.mail import Mail
from services.identity.adapters.sending import Rejected, TryAgain
from services.identity.adapters.sms import SmsGateway
from services.identity.domain.messages import CHANNELS, Channel, Language
from services.identity.domain.sensitive import Sensitive

CONTACT: dict[Channel, str] = {"email": "email", "sms": "mobile"}
"""Which contact of a party a channel needs."""


@dataclass(frozen=True)
class Content:
    """What a template is filled with."""

    kind: str
    language: Language
    facts: Mapping[str, str]


class PostOffice:
    """Closed, it has no channel and the inbox is all there is."""

    def __init__(self) -> None:
        self._mail: Mail | None = None
        self._sms: SmsGateway | None = None

    def open(self, settings: Settings) -> None:
        """Use what the settings name. Raises ValueError for an address that cannot be used."""
        self._mail = (
            Mail(settings.smtp_url, settings.mail_from, ca_file=settings.mail_ca) if settings.smtp_url else None
        )
        self._sms = SmsGateway(settings.sms_url, settings.sms_sign_name) if settings.sms_url else None

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Those that are open."""
        there = {"email": self._mail, "sms": self._sms}
        return tuple(channel for channel in CHANNELS if there[channel] is not None)

    def send(self, channel: Channel, delivery_id: str, address: Sensitive, content: Content) -> str:
        """Render and send; returns the provider's id. Raises TryAgain or Rejected. Call it outside any transaction."""
        what = (content.kind, content.language)
        if channel == "email" and self._mail is not None:
            return self._mail.send(delivery_id, address, message_templates.email(*what, content.facts))
        if channel == "sms" and self._sms is not None:
            return self._sms.send(delivery_id, address, message_templates.sms(*what, content.facts))
        raise Rejected("channel closed")

    def send_code(self, contact: str, address: Sensitive, code: Sensitive) -> bool:
        """The code that proves a contact (``mobile`` or ``email``), in Chinese; whether it was taken, or never will be."""
        channel = next(channel for channel, kind in CONTACT.items() if kind == contact)
        if channel not in self.channels:
            return False
        content = Content(message_templates.CODE, "zh", {"code": code.reveal()})
        try:
            self.send(channel, str(uuid_utils.uuid7()), address, content)
        except TryAgain:
            return False
        except Rejected:
            pass
        return True


POST_OFFICE = PostOffice()
