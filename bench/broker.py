"""A virtual host for W(4): a user for each side, rights as narrow as the platform's, and a sink for what nobody needs."""

from __future__ import annotations

import secrets

import pika

from localservers.rabbitmq import RabbitMQ

VHOST = "bench"
SINK = "bench.elsewhere"
# Workflow tells these to services that have no part in W(4). They are published and confirmed like the rest, so each
# needs a queue that takes it; this one keeps nothing.
UNHEARD = ("case.#", "task.opinion_recorded.#", "task.opinion_refused.#")
EVENTS = "tongban.events"


def prepare_vhost(rabbitmq: RabbitMQ) -> dict[str, str]:
    """Make virtual host, users and sink; returns user -> AMQP URL for ``floor``, ``workflow`` and ``gateway``, in
    whose name departments speak.
    """
    management = rabbitmq.management
    management.create_vhost(VHOST)
    urls = {}
    for user, own in (("floor", r"floor\..+"), ("workflow", r"workflow\..+"), ("gateway", r"bench\.departments")):
        password = secrets.token_urlsafe(16)
        management.create_user(user, password)
        mine = rf"^({own}|amq\.default|tongban\.(events|unreadable))$"
        management.set_permissions(VHOST, user, configure=mine, write=mine, read=mine)
        urls[user] = rabbitmq.url(VHOST, user, password)
    _make_sink(rabbitmq.url(VHOST, *rabbitmq.admin))
    return urls


def _make_sink(url: str) -> None:
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        channel.exchange_declare(EVENTS, "topic", durable=True)
        channel.queue_declare(SINK, durable=True, arguments={"x-max-length": 0})
        for key in UNHEARD:
            channel.queue_bind(SINK, EVENTS, key)
