"""What the broker refused, and to whom: every attempt of a user to do what he may not is counted and logged.

RabbitMQ tells nobody but its own log, which it puts into an exchange as well where ``log.exchange = true`` is configured. The
bridge reads it there. User names of failed sign-ins are whatever a stranger wrote, so only users of ours are told apart.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

import structlog

from department_sdk.link import Delivery
from gateway.metrics import BROKER_REFUSALS

log = structlog.get_logger()

PREFETCH = 64
STRANGER = "other"
_OPERATION = re.compile(
    r"operation (?P<what>[a-z.]+) caused a channel exception access_refused: .* refused for user '(?P<user>[^']*)'"
)
_CHANGED = re.compile(
    r"user: '(?P<user>[^']*)'.*operation (?P<what>[a-z.]+) caused a channel exception precondition_failed", re.DOTALL
)
_VHOST = re.compile(r"access to vhost '[^']*' refused for user '(?P<user>[^']*)'")
_LOGIN = re.compile(r"login refused: user '(?P<user>[^']*)'")
_KINDS = ((_OPERATION, ""), (_CHANGED, ""), (_VHOST, "vhost"), (_LOGIN, "login"))


@dataclass(frozen=True)
class Refused:
    """``what``: an operation of AMQP such as ``exchange.delete``, or ``vhost``, or ``login``."""

    user: str
    what: str


def refused_in(text: str) -> Refused | None:
    """The refusal that an entry of the broker's log tells of; None when it tells of something else."""
    for pattern, what in _KINDS:
        if found := pattern.search(text):
            return Refused(found["user"], what or found["what"])
    return None


class Refusals:
    """Takes the broker's log. ``users``: those that are ours."""

    def __init__(self, users: Collection[str]) -> None:
        self._users = frozenset(users)

    def take(self, delivery: Delivery) -> None:
        """One entry. The queue is a window, not a record: the broker's log file has everything."""
        text = delivery.body.decode(errors="replace")
        if refused := refused_in(text):
            user = refused.user if refused.user in self._users else STRANGER
            BROKER_REFUSALS.labels(user, refused.what).inc()
            log.warning("broker_refused", user=user, what=refused.what, entry=text[:500])
        delivery.ack()
