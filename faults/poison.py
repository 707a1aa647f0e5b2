"""What no retry can mend, planted: exactly this must end among the parked and the dead letters."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pika

from faults.databases import Databases
from faults.ledger import Violation
from localservers.rabbitmq_cluster import Broker

# What documents tells and workflow hears: a licence for a case that does not exist is tried again and again; data that do
# not fit are parked at once. A version that nobody knows would not even leave: the broker refuses its topic.
_LICENCE = {
    "licence_no": "x",
    "case_no": "no-such-case",
    "item_code": "x",
    "holder_id": "x",
    "name": "x",
    "issued_on": "2026-11-02",
    "sha256": "0" * 64,
}
TYPE = "licence.issued.v1"
KINDS: tuple[dict[str, Any], ...] = (_LICENCE, {"case_no": 7})


def plant(databases: Databases) -> list[str]:
    """One event of each kind; returns their ids."""
    ids = []
    for data in KINDS:
        event_id, now = str(uuid.uuid4()), datetime.now(UTC)
        body = json.dumps(_envelope(event_id, data, now), separators=(",", ":")).encode()
        row = {
            "event_id": event_id,
            "type": TYPE,
            "subject": "no-such-case",
            "body": body,
            "created_at": now.isoformat(),
        }
        databases.insert("documents", "outbox", row)
        ids.append(event_id)
    return ids


def _envelope(event_id: str, data: Any, now: datetime) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": "documents",
        "type": TYPE,
        "time": now.isoformat(),
        "datacontenttype": "application/json",
        "data": data,
        "subject": "no-such-case",
        "dataschema": f"urn:tongban:schema:{TYPE}",
    }


class Unreadable:
    """What was put into a queue that no consumer can read, and must be found among the dead letters, nothing else."""

    def __init__(self, broker: Broker, vhost: str) -> None:
        self._parameters = pika.URLParameters(broker.url(vhost, *broker.admin))
        self._planted = 0

    def plant(self) -> None:
        """One of each kind, straight into a queue of workflow."""
        user = self._parameters.credentials.username
        with pika.BlockingConnection(self._parameters) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            for body in _UNREADABLE:
                channel.basic_publish(
                    "", "workflow.licences", body, pika.BasicProperties(delivery_mode=2, user_id=user)
                )
            letter = json.dumps(_envelope(str(uuid.uuid4()), _LICENCE, datetime.now(UTC))).encode()
            channel.basic_publish("", "workflow.licences", letter, pika.BasicProperties(delivery_mode=2))  # from nobody
            self._planted += len(_UNREADABLE) + 1

    def violations(self) -> list[Violation]:
        """I6: the dead letters are these."""
        with pika.BlockingConnection(self._parameters) as connection:
            found = connection.channel().queue_declare("tongban.unreadable", passive=True).method.message_count
        if found == self._planted:
            return []
        kind = "lost" if found < self._planted else "wrong"
        return [Violation("I6", kind, f"{found} dead letters, {self._planted} were planted")]


_UNREADABLE = (b"{", b"\xff\xfe", b"[" * 100_000, b"x" * 1_000_000, b"", b'{"specversion":"1.0"}')
