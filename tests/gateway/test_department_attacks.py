"""Every department against every other, on a real broker, with its own credentials: nothing is read, forged or lost, the
attempt can be seen afterwards, and the victim's work goes on meanwhile.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pika
import pytest
import urllib3
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPConnectionError, ChannelClosedByBroker, NackError
from prometheus_client import REGISTRY

from contracts.envelope import encode
from contracts.task import TaskReceived
from department_sdk.answers import stamped_id
from gateway.broker_plan import CORE_VHOST, POLICIES, USER_LIMITS, door_vhost
from tests.department_sdk.broker_door import task, wait_until
from tests.gateway.besieged import (
    DEPARTMENTS,
    UNATTENDED,
    Siege,
    answer_to,
    fresh,
    pairs,
    siege,
    task_of,
    wire,
)

pytestmark = pytest.mark.servers

each_pair = pytest.mark.parametrize(("attacker", "victim"), pairs(DEPARTMENTS))
CANARY = "CANARY-7f3a"

REFUSED, NOT_FOUND, NOT_TRUE = 403, 404, 406
Act = Callable[[BlockingChannel, str], object]


@pytest.fixture(scope="module")
def besieged(rabbitmq: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    with siege(rabbitmq, tmp_path_factory.mktemp("siege")) as made:
        yield made


@pytest.fixture(autouse=True)
def at_rest(besieged: Siege) -> None:
    besieged.clear()


def publish(exchange: str, key: str = "", **properties: Any) -> Act:
    def act(channel: BlockingChannel, _victim: str) -> None:
        channel.basic_publish(exchange, key, b"{}", pika.BasicProperties(**properties), mandatory=True)

    return act


def _nothing(*_arguments: Any) -> None:
    raise AssertionError("a message was delivered")


OPERATIONS: dict[str, tuple[int, Act]] = {
    "get from own answers": (REFUSED, lambda ch, _v: ch.basic_get("answers")),
    "consume own answers": (REFUSED, lambda ch, _v: ch.basic_consume("answers", _nothing)),
    "get from the victim's queue by name": (REFUSED, lambda ch, v: ch.basic_get(f"d.{v}.tasks")),
    "consume the victim's queue by path": (REFUSED, lambda ch, v: ch.basic_consume(f"d.{v}/tasks", _nothing)),
    "consume the core's opinions": (REFUSED, lambda ch, _v: ch.basic_consume("workflow.opinions", _nothing)),
    "look at the victim's queue": (NOT_FOUND, lambda ch, v: ch.queue_declare(f"d.{v}/tasks", passive=True)),
    "look at the core's queue": (NOT_FOUND, lambda ch, _v: ch.queue_declare("workflow.opinions", passive=True)),
    "look at the bridge's queue": (NOT_FOUND, lambda ch, _v: ch.queue_declare("gateway.bridge", passive=True)),
    "look at the core's exchange": (NOT_FOUND, lambda ch, _v: ch.exchange_declare("tongban.events", passive=True)),
    "declare a queue": (REFUSED, lambda ch, v: ch.queue_declare(v, durable=True)),
    "declare a nameless queue": (REFUSED, lambda ch, _v: ch.queue_declare("", exclusive=True)),
    "declare own tasks otherwise": (REFUSED, lambda ch, _v: ch.queue_declare("tasks", durable=False)),
    "declare an exchange": (REFUSED, lambda ch, _v: ch.exchange_declare("tongban.events", "topic")),
    "declare the way out otherwise": (REFUSED, lambda ch, _v: ch.exchange_declare("out", "topic", durable=True)),
    "delete own tasks": (REFUSED, lambda ch, _v: ch.queue_delete("tasks")),
    "delete own answers": (REFUSED, lambda ch, _v: ch.queue_delete("answers")),
    "delete the victim's queue": (REFUSED, lambda ch, v: ch.queue_delete(f"d.{v}/tasks")),
    "delete the way out": (REFUSED, lambda ch, _v: ch.exchange_delete("out")),
    "purge own answers": (REFUSED, lambda ch, _v: ch.queue_purge("answers")),
    "purge the victim's queue": (REFUSED, lambda ch, v: ch.queue_purge(f"d.{v}/tasks")),
    "bind own tasks": (REFUSED, lambda ch, _v: ch.queue_bind("tasks", "out")),
    "bind to the core's exchange": (REFUSED, lambda ch, _v: ch.queue_bind("tasks", "tongban.events", "#")),
    "unbind the answers": (REFUSED, lambda ch, _v: ch.queue_unbind("answers", "out")),
    "an exchange into the way out": (REFUSED, lambda ch, _v: ch.exchange_bind("out", "amq.topic", "#")),
    "the way out into an exchange": (REFUSED, lambda ch, _v: ch.exchange_bind("amq.fanout", "out")),
    "default exchange to own tasks": (REFUSED, publish("", "tasks")),
    "default exchange to own rejected": (REFUSED, publish("", "rejected")),
    "default exchange to the victim": (REFUSED, lambda ch, v: ch.basic_publish("", f"d.{v}/tasks", b"{}")),
    "amq.direct": (REFUSED, publish("amq.direct", "tasks")),
    "amq.topic": (REFUSED, publish("amq.topic", "task.opinion_given.v2")),
    "amq.fanout": (REFUSED, publish("amq.fanout")),
    "the core's exchange": (REFUSED, publish("tongban.events", "task.opinion_given.v2")),
    "the victim's name": (
        NOT_TRUE,
        lambda ch, v: ch.basic_publish("out", "", b"{}", pika.BasicProperties(user_id=v), mandatory=True),
    ),
    "the gateway's name": (NOT_TRUE, publish("out", user_id="gateway")),
    "workflow's name": (NOT_TRUE, publish("out", user_id="workflow")),
}  # fmt: skip


def refusal(channel: BlockingChannel, act: Act, victim: str) -> int:
    """The code with which the broker closes the channel; 0 when it does not."""
    try:
        act(channel, victim)
        channel.queue_declare("tasks", passive=True)  # what is refused without an answer shows here
    except ChannelClosedByBroker as closed:
        return int(closed.reply_code)
    return 0


@each_pair
def test_the_broker_refuses_every_other_operation(besieged: Siege, attacker: str, victim: str) -> None:
    besieged.tell(task(f"{CANARY}{attacker}", victim))
    besieged.at_rest()
    depths, logged = besieged.depths(), besieged.logged_refusals(attacker)
    channel = besieged.door.connect(attacker, door_vhost(attacker))
    codes: dict[str, int] = {}
    for name, (_expected, act) in OPERATIONS.items():
        channel = fresh(channel)
        codes[name] = refusal(channel, act, victim)
    assert codes == {name: expected for name, (expected, _act) in OPERATIONS.items()}
    assert besieged.depths() == depths
    refused = sum(code == REFUSED for code in codes.values())
    wait_until(lambda: besieged.logged_refusals(attacker) >= logged + refused, "the broker's log shows each refusal")
    besieged.work_goes_on(victim)
    channel.connection.close()


@each_pair
def test_no_other_virtual_host_opens(besieged: Siege, attacker: str, victim: str) -> None:
    depths = besieged.depths()
    for vhost in (door_vhost(victim), CORE_VHOST, "/"):
        with pytest.raises(AMQPConnectionError):
            besieged.door.connect(attacker, vhost)
    stolen = f"amqp://{victim}:{attacker}-pw@127.0.0.1:{besieged.broker.port}/{door_vhost(victim)}"
    with pytest.raises(AMQPConnectionError):
        pika.BlockingConnection(pika.URLParameters(stolen))
    assert besieged.depths() == depths
    besieged.work_goes_on(victim)


@each_pair
def test_own_queues_tell_of_own_work_only(besieged: Siege, attacker: str, victim: str) -> None:
    """Anybody may look at queues of a virtual host that he may enter; so there is nothing of others in his."""
    besieged.tell(*(task(f"{CANARY}{number}", victim) for number in range(5)))
    channel = besieged.door.connect(attacker, door_vhost(attacker))
    assert channel.queue_declare("tasks", passive=True).method.message_count == 0
    case_no = besieged.work_goes_on(victim)
    mine = besieged.take_task(attacker, task_of(case_no, attacker))
    assert CANARY.encode() not in encode(mine)
    left = besieged.drain(door_vhost(attacker), "tasks") + besieged.drain(door_vhost(attacker), "rejected")
    assert not any(CANARY.encode() in body or task_of(case_no, victim).encode() in body for body in left)
    channel.connection.close()


def headers(victim: str) -> dict[str, Any]:
    """CC and BCC pass topic permissions on RabbitMQ 3.10."""
    keys = ["tasks", "rejected", f"d.{victim}", victim, "task.opinion_given.v2", "workflow.opinions", "gateway.bridge"]
    return {"CC": keys, "BCC": keys, "x-department": victim}


@each_pair
def test_another_departments_task_cannot_be_answered_in_any_disguise(
    besieged: Siege, attacker: str, victim: str
) -> None:
    case_no = besieged.new_case()
    task_id = task_of(case_no, victim)
    forged = answer_to(task_id, victim, "disagree", reason="伪造")
    channel = besieged.door.connect(attacker, door_vhost(attacker))
    for key in (victim, f"d.{victim}", "task.opinion_given.v2", "tasks", "workflow.opinions"):
        disguise = pika.BasicProperties(
            user_id=attacker, headers=headers(victim), reply_to=f"d.{victim}", app_id=victim
        )
        besieged.publish(channel, key, forged, disguise)
    channel.connection.close()
    besieged.take_task(victim, task_id)
    genuine = answer_to(task_id, victim)
    besieged.send(attacker, genuine)  # intercepted and sent first: the same bytes, the same id
    besieged.send(victim, genuine)
    wait_until(lambda: besieged.opinion(task_id) == "agree", "the victim's own answer counts")
    besieged.send(attacker, genuine)  # and again afterwards
    rejections = returned(besieged, attacker)
    assert {(r["code"], r["task_id"]) for r in rejections} == {("task_of_another_department", task_id)}
    given = [e for e in besieged.heard() if e.type == "task.opinion_given.v2"]
    assert {e.source for e in given} == {f"department/{attacker}", f"department/{victim}"}
    assert {e.id for e in given if e.source.endswith(victim)} == {stamped_id(victim, id_of(genuine))}
    assert not {e.id for e in given if e.source.endswith(attacker)} & {
        id_of(genuine),
        stamped_id(victim, id_of(genuine)),
    }
    assert besieged.opinion(task_of(case_no, attacker)) is None
    assert besieged.drain(door_vhost(victim), "rejected") == []


def id_of(body: bytes) -> str:
    return str(json.loads(body)["id"])


def returned(besieged: Siege, department: str) -> list[dict[str, Any]]:
    """What has come back to a department, when everything has arrived."""
    besieged.at_rest()
    return [json.loads(body) for body in besieged.drain(door_vhost(department), "rejected")]


@each_pair
def test_what_no_department_may_say_comes_back_and_is_counted(besieged: Siege, attacker: str, victim: str) -> None:
    case_no = besieged.new_case()
    task_id = task_of(case_no, victim)
    besieged.take_task(victim, task_id)
    bad: dict[str, tuple[bytes, dict[str, Any]]] = {
        "type_forbidden": (wire(task("forged", victim), "workflow"), {}),
        "too_large": (answer_to(task_id, victim, reason="x" * 300_000), {}),
        "sender_missing": (answer_to(task_id, victim), {"user_id": None}),
        "not_cloudevents": (b"[" * 100_000, {}),
        "type_unknown": (answer_to(task_id, victim).replace(b"opinion_given.v2", b"opinion_given.v9"), {}),
        "schema_mismatch": (answer_to(task_id, victim).replace(b'"agree"', b'"maybe"'), {}),
    }
    before = counted(attacker)
    for body, properties in bad.values():
        besieged.send(attacker, body, **properties)
    besieged.send(attacker, b"x" * 5_000_000)
    besieged.send(victim, answer_to(task_id, victim))
    wait_until(lambda: besieged.opinion(task_id) == "agree", "the victim's answer counts meanwhile")
    rejections = returned(besieged, attacker)
    assert sorted(r["code"] for r in rejections) == sorted([*bad, "too_large"])
    assert counted(attacker) == before + len(bad) + 1
    assert {e.source for e in besieged.heard() if e.source.startswith("department/")} == {f"department/{victim}"}
    assert besieged.drain(door_vhost(victim), "rejected") == []


def counted(department: str) -> float:
    """Of the bridge's metric: rejections of a department."""
    labels = {"department": department, "direction": "rejected", "outcome": "moved"}
    return REGISTRY.get_sample_value("tongban_bridge_messages_total", labels) or 0.0


@each_pair
def test_a_receipt_for_anothers_task_does_not_silence_its_bell(besieged: Siege, attacker: str, victim: str) -> None:
    case_no = besieged.new_case()
    task_id = task_of(case_no, victim)
    besieged.take_task(victim, task_id)
    besieged.send(attacker, wire(TaskReceived(task_id=task_id), f"department/{victim}"))
    besieged.send(attacker, wire(TaskReceived(task_id=task_of(case_no, attacker)), f"department/{attacker}"))
    besieged.at_rest()
    assert acknowledged(besieged, attacker, case_no), "the attacker's own receipt counts"
    assert not acknowledged(besieged, victim, case_no)
    sources = [e.source for e in besieged.heard() if e.type == TaskReceived.TYPE]
    assert sources == [f"department/{attacker}"] * 2


def acknowledged(besieged: Siege, department: str, case_no: str) -> bool:
    """Whether workflow has a receipt from the department for its task."""
    return besieged.task(task_of(case_no, department)).acknowledged_at is not None


@each_pair
def test_a_flood_of_rubbish_delays_nobody_for_good(besieged: Siege, attacker: str, victim: str) -> None:
    count, body = 200, b"x" * 20_000
    before = counted(attacker)

    def flood() -> None:
        channel = besieged.door.connect(attacker, door_vhost(attacker))
        for _ in range(count):
            channel.basic_publish("out", "", body, pika.BasicProperties(user_id=attacker))
        besieged.sent += count
        channel.connection.close()

    flooder = threading.Thread(target=flood)
    flooder.start()
    besieged.work_goes_on(victim)
    flooder.join()
    besieged.work_goes_on(victim)
    assert len(returned(besieged, attacker)) == count
    assert counted(attacker) == before + count
    assert besieged.drain(door_vhost(victim), "rejected") == []


def connect_without_end(parameters: pika.URLParameters, opened: list[pika.BlockingConnection]) -> None:
    while len(opened) < 2 * USER_LIMITS["max-connections"]:
        opened.append(pika.BlockingConnection(parameters))


def open_channels(connection: pika.BlockingConnection, count: int) -> None:
    for _ in range(count):
        connection.channel()


@each_pair
def test_whoever_takes_all_connections_and_channels_takes_his_own_only(
    besieged: Siege, attacker: str, victim: str
) -> None:
    parameters = pika.URLParameters(besieged.door.url(attacker, door_vhost(attacker)))
    opened: list[pika.BlockingConnection] = []
    try:
        with pytest.raises(AMQPConnectionError):
            connect_without_end(parameters, opened)
        assert len(opened) == USER_LIMITS["max-connections"]
        besieged.work_goes_on(victim)
        with pytest.raises(AMQPConnectionError):
            open_channels(opened[0], USER_LIMITS["max-channels"] + 1)
    finally:
        for connection in opened:
            if connection.is_open:
                connection.close()
    besieged.send(attacker, b"not the bridge's connection")
    assert returned(besieged, attacker)[0]["code"] == "not_cloudevents", "the bridge kept its place in that room"


def publish_often(channel: BlockingChannel, body: bytes, count: int) -> None:
    for _ in range(count):
        channel.basic_publish("out", "", body, pika.BasicProperties(user_id=UNATTENDED))


@pytest.mark.parametrize("victim", DEPARTMENTS)
def test_answers_that_nobody_takes_are_refused_at_the_limit(besieged: Siege, victim: str) -> None:
    vhost = door_vhost(UNATTENDED)
    body = b"x" * (8 << 20)
    limit = POLICIES["answers"]["max-length-bytes"]
    channel = besieged.door.connect(UNATTENDED, vhost)
    with pytest.raises(NackError):
        publish_often(channel, body, 2 * limit // len(body))
    held = besieged.depth(vhost, "answers")
    assert limit <= held * len(body) <= limit + len(body), "what was accepted before the limit is kept"
    besieged.work_goes_on(victim)
    channel.connection.close()
    assert len(besieged.drain(vhost, "answers")) == held


@each_pair
def test_the_management_api_knows_no_department(besieged: Siege, attacker: str, victim: str) -> None:
    api = urllib3.PoolManager(headers=urllib3.make_headers(basic_auth=f"{attacker}:{attacker}-pw"))
    vhost = door_vhost(victim)
    attempts = [
        ("GET", "whoami"),
        ("GET", "overview"),
        ("GET", "definitions"),
        ("GET", f"queues/{vhost}/tasks"),
        ("GET", f"queues/{door_vhost(attacker)}/tasks"),
        ("POST", f"queues/{vhost}/tasks/get"),
        ("DELETE", f"queues/{vhost}/tasks/contents"),
        ("POST", f"exchanges/{CORE_VHOST}/tongban.events/publish"),
        ("PUT", f"users/{victim}"),
        ("PUT", f"permissions/{vhost}/{attacker}"),
        ("DELETE", f"vhosts/{vhost}"),
    ]
    depths = besieged.depths()
    for method, path in attempts:
        answer = api.request(method, f"{besieged.broker.management_url}/api/{path}", body=b"{}")
        assert answer.status == 401, (method, path, answer.data)
    assert besieged.depths() == depths
    besieged.work_goes_on(victim)


def test_a_purged_doorbell_loses_nothing(besieged: Siege) -> None:
    """A department may purge what it may read: its own tasks. Workflow rings again (tests of its jobs)."""
    case_no = besieged.new_case()
    wait_until(lambda: besieged.depth("d.police", "tasks") > 0, "the task waits")
    channel = besieged.door.connect("police", "d.police")
    channel.queue_purge("tasks")
    channel.connection.close()
    assert [t["task_id"] for t in besieged.desk.open_tasks("police") if t["case_no"] == case_no] == [
        task_of(case_no, "police")
    ]
