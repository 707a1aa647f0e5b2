"""Messages with pika in batches of W4_BATCH: what waits is handled as one, what is told is confirmed as one."""

import json
import os
import threading
from functools import partial

import pika

BATCH = int(os.environ["W4_BATCH"])
PREFETCH = 128
PERSISTENT = pika.BasicProperties(delivery_mode=2)


def connect(broker):
    return pika.BlockingConnection(pika.URLParameters(broker))


def consume(broker, queue, handle):
    """Handle what waits, up to a batch, then acknowledge it. Does not return."""
    channel = connect(broker).channel()
    channel.basic_qos(prefetch_count=PREFETCH)
    waiting = []
    channel.basic_consume(
        queue, lambda _channel, method, _properties, body: waiting.append((method.delivery_tag, body))
    )
    while True:
        channel.connection.process_data_events(time_limit=0 if waiting else 0.5)
        if waiting:
            batch, waiting[:] = waiting[:BATCH], waiting[BATCH:]
            handle([json.loads(body) for _, body in batch])
            channel.basic_ack(batch[-1][0], multiple=True)


class Publisher:
    """A channel in confirm mode on a thread of its own, so that a whole batch is on the way before it waits."""

    def __init__(self, broker):
        self._sent, self._pending = 0, set()
        self._changed = threading.Condition()
        self._channel = None
        self._connection = pika.SelectConnection(
            pika.URLParameters(broker),
            on_open_callback=lambda connection: connection.channel(on_open_callback=self._opened),
        )
        threading.Thread(target=self._connection.ioloop.start, daemon=True).start()
        with self._changed:
            assert self._changed.wait_for(lambda: self._channel, 30), "no channel"

    def publish(self, messages):
        """Send ``(queue, body)`` to the default exchange; returns when all are confirmed."""
        with self._changed:
            self._pending.update(range(self._sent + 1, self._sent + 1 + len(messages)))
            self._sent += len(messages)
            self._connection.ioloop.add_callback_threadsafe(partial(self._send, messages))
            assert self._changed.wait_for(lambda: not self._pending, 30), "not confirmed"

    def _opened(self, channel):
        channel.confirm_delivery(self._on_confirm, callback=lambda _frame: self._ready(channel))

    def _ready(self, channel):
        with self._changed:
            self._channel = channel
            self._changed.notify_all()

    def _send(self, messages):
        for queue, body in messages:
            self._channel.basic_publish("", queue, body, PERSISTENT)

    def _on_confirm(self, frame):
        tag = frame.method.delivery_tag
        with self._changed:
            self._pending -= {one for one in self._pending if one <= tag} if frame.method.multiple else {tag}
            self._changed.notify_all()
