"""W(4) with SpiffWorkflow: the engine beside RabbitMQ and PostgreSQL, with departments and plumbing like the bare floor's.

SpiffWorkflow says nothing about messages or storage. What differs from the floor is the engine alone: a process model with
a parallel gateway, a workflow's state stored when it starts and after its answers, the join decided by the engine. With a
batch of one a workflow is loaded, run and saved per answer, as in the documentation's application; with a larger one, per
batch.
"""

import json
import sys
from collections import defaultdict

import psycopg
from batches import Publisher, connect, consume
from common import BROKER, DATABASE, DECIDE, DEPARTMENTS, NEW_CASE, RECORD_REVIEW, serve_starts
from lxml import etree
from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.serializer import DEFAULT_CONFIG, BpmnWorkflowSerializer
from SpiffWorkflow.bpmn.serializer.helpers import BpmnConverter
from SpiffWorkflow.bpmn.specs import BpmnProcessSpec

BRANCHES = "".join(
    f'<userTask id="{d}"/><sequenceFlow id="to_{d}" sourceRef="split" targetRef="{d}"/>'
    f'<sequenceFlow id="from_{d}" sourceRef="{d}" targetRef="join"/>'
    for d in DEPARTMENTS
)
MODEL = f"""
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="w4">
  <process id="w4" isExecutable="true">
    <startEvent id="start"/><sequenceFlow id="begin" sourceRef="start" targetRef="split"/>
    <parallelGateway id="split"/>{BRANCHES}<parallelGateway id="join"/>
    <sequenceFlow id="finish" sourceRef="join" targetRef="end"/><endEvent id="end"/>
  </process>
</definitions>
"""
SAVE = "UPDATE workflows SET state = %s WHERE id = %s"


def _specification():
    parser = BpmnParser()
    parser.add_bpmn_xml(etree.fromstring(MODEL))
    return parser.get_spec("w4")


SPECIFICATION = _specification()


class ByName(BpmnConverter):
    """Keeps the process model out of every workflow's stored state, as the documentation's example application does."""

    def to_dict(self, specification):
        return {"name": specification.name}

    def from_dict(self, _stored):
        return SPECIFICATION


SERIALIZER = BpmnWorkflowSerializer(BpmnWorkflowSerializer.configure(DEFAULT_CONFIG | {BpmnProcessSpec: ByName}))


def prepare():
    with psycopg.connect(DATABASE, autocommit=True) as connection:
        connection.execute("CREATE TABLE workflows (id text PRIMARY KEY, state text NOT NULL)")
    with connect(BROKER) as connection:
        channel = connection.channel()
        for name in (*DEPARTMENTS, "answers"):
            channel.queue_declare(name, durable=True, arguments={"x-queue-type": "quorum"})


def department(name):
    publisher, connection = Publisher(BROKER), psycopg.connect(DATABASE)

    def handle(tasks):
        with connection.cursor() as cursor:
            cursor.executemany(RECORD_REVIEW, [(task["id"], name) for task in tasks])
        connection.commit()
        publisher.publish([("answers", json.dumps(task | {"department": name}).encode()) for task in tasks])

    consume(BROKER, name, handle)


def joiner():
    """Complete the answered tasks; a workflow that has come to its end is decided."""
    connection = psycopg.connect(DATABASE)

    def handle(answers):
        answered = defaultdict(list)
        for answer in answers:
            answered[answer["id"]].append(answer["department"])
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, state FROM workflows WHERE id = ANY(%s) FOR UPDATE", [list(answered)])
            saved, decided = [], []
            for case, state in cursor.fetchall():
                workflow = SERIALIZER.deserialize_json(state)
                for department in answered[case]:  # repeated: no longer ready, nothing to do
                    for task in workflow.get_tasks(state=TaskState.READY, spec_name=department):
                        task.run()
                workflow.do_engine_steps()
                saved.append((SERIALIZER.serialize_json(workflow), case))
                if workflow.is_completed():
                    decided.append((case,))
            cursor.executemany(SAVE, saved)
            cursor.executemany(DECIDE, decided)
        connection.commit()

    consume(BROKER, "answers", handle)


def starter():
    publisher, connection = Publisher(BROKER), psycopg.connect(DATABASE)

    def start(ids):
        messages, states = [], []
        for case in ids:
            workflow = BpmnWorkflow(SPECIFICATION)
            workflow.do_engine_steps()
            states.append((case, SERIALIZER.serialize_json(workflow)))
            tasks = workflow.get_tasks(state=TaskState.READY, manual=True)
            body = json.dumps({"id": case}).encode()
            messages += [(task.task_spec.bpmn_id, body) for task in tasks]
        with connection.cursor() as cursor:
            cursor.executemany(NEW_CASE, [(case,) for case in ids])
            cursor.executemany("INSERT INTO workflows VALUES (%s, %s)", states)
        connection.commit()
        publisher.publish(messages)

    serve_starts(start)


if __name__ == "__main__":
    role = sys.argv[1]
    if role == "prepare":
        prepare()
    elif role == "starter":
        starter()
    elif role == "joiner":
        joiner()
    elif role in DEPARTMENTS:
        department(role)
