"""The planted bugs of ``make mutants``: where each is made, and the small fault that must bring it to light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Trial = tuple[str, ...]


@dataclass(frozen=True)
class Mutant:
    """A bug: ``edits`` are (file, text that stands there once, text instead); ``trial`` is what must notice."""

    name: str
    edits: Sequence[tuple[str, str, str]]
    trial: Trial


PLAIN: Trial = ("embedded",)
POISON: Trial = ("embedded", "--poison")
EMBEDDED_RELAY: Trial = ("embedded", "--kill", "embedded=relay.before_publish:2")
OPINIONS: Trial = ("servers", "--kill", "workflow-worker=consumer.after_commit:3")
INSIDE: Trial = ("servers", "--kill", "workflow-worker=consumer.inside:3")
SUBMISSION: Trial = ("servers", "--kill", "workflow-web=transaction.after_commit:2")
SUBMISSION_TOLD: Trial = ("servers", "--kill", "workflow-web=transaction.after_outbox_insert:2")
RELAY: Trial = ("servers", "--kill", "workflow-web=relay.before_publish:2")
BRIDGE_ACK: Trial = ("servers", "--kill", "bridge=bridge.before_ack:4")
BRIDGE_PUBLISH: Trial = ("servers", "--kill", "bridge=bridge.before_publish:4")

MUTANTS = (
    Mutant(
        "inbox key dropped / 去重键缺失",
        [
            (
                "chassis/inbox.py",
                "fresh, keeping = self._claim(tx, messages)",
                "fresh, keeping = {m.envelope.id for m in messages}",
            )
        ],
        OPINIONS,
    ),
    Mutant(
        "unique key of the inbox missing / 唯一键缺失",
        [
            (
                "services/workflow/migrations/versions/0001_initial.py",
                """        sa.Column("handled_at", chassis.db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "subscription"),
""",
                """        sa.Column("handled_at", chassis.db.UtcDateTime(timezone=True), nullable=False),
""",
            )
        ],
        OPINIONS,
    ),
    Mutant(
        "acknowledged before the commit / 提交前确认",
        [
            (
                "chassis/rabbit_consumer.py",
                "        genuine = [message for message in batch if self._genuine(message)]\n",
                (
                    "        genuine = [message for message in batch if self._genuine(message)]\n"
                    "        channel.basic_ack(batch[-1].delivery_tag, multiple=True)\n"
                ),
            ),
            (
                "chassis/rabbit_consumer.py",
                "            channel.basic_ack(max(good), multiple=True)\n",
                "            pass\n",
            ),
        ],
        INSIDE,
    ),
    Mutant(
        "told before the commit / 提交前告知",
        [
            (
                "chassis/db.py",
                "            told = tx.write_outbox()\n",
                (
                    "            with self.engine.begin() as early:\n"
                    "                tx.connection = early\n"
                    "                told = tx.write_outbox()\n"
                ),
            )
        ],
        SUBMISSION_TOLD,
    ),
    Mutant(
        "told in a second transaction / 另一事务告知",
        [
            (
                "chassis/db.py",
                """            told = tx.write_outbox()
            failpoint("transaction.after_outbox_insert")
        failpoint("transaction.after_commit")
""",
                """        failpoint("transaction.after_outbox_insert")
        with self.engine.begin() as late:
            tx.connection = late
            told = tx.write_outbox()
        failpoint("transaction.after_commit")
""",
            )
        ],
        SUBMISSION_TOLD,
    ),
    Mutant(
        "marked before the confirm / 确认前标记",
        [
            (
                "chassis/outbox.py",
                "                self._mark(connection, self._publish(rows))\n",
                "                self._mark(connection, [row.position for row in rows])\n            self._publish(rows)\n",
            )
        ],
        RELAY,
    ),
    Mutant(
        "embedded: marked before every subscriber has committed / 订阅者提交前标记",
        [
            (
                "chassis/outbox.py",
                (
                    "        if sent := self._publish(rows):\n            with self._database.writing() as connection:\n"
                    "                self._mark(connection, sent)\n"
                ),
                (
                    "        with self._database.writing() as connection:\n"
                    "            self._mark(connection, [row.position for row in rows])\n        self._publish(rows)\n"
                ),
            )
        ],
        EMBEDDED_RELAY,
    ),
    Mutant(
        "join count off by one / 会签少等一个部门",
        [
            (
                "services/workflow/domain/plan.py",
                "finished.issuperset(step.after)",
                "len(finished.intersection(step.after)) >= len(step.after) - (len(step.after) > 1)",
            )
        ],
        PLAIN,
    ),
    Mutant(
        "retry without limit / 无限重试",
        [("chassis/inbox.py", "        parked = attempt >= self._retry_limit\n", "        parked = False\n")],
        POISON,
    ),
    Mutant(
        "failed message not written down / 失败消息未留存",
        [
            (
                "chassis/inbox.py",
                "return [] if self._write_down(messages[0], error) else [messages[0]]",
                "return []",
            )
        ],
        POISON,
    ),
    Mutant(
        "Idempotency-Key not kept / 幂等键未保存",
        [("chassis/idempotency.py", "if tx.insert_new(table, [row], [table.c.key]):", "if tx:")],
        SUBMISSION,
    ),
    Mutant(
        "bridge gives a new id each time / 桥每次换新编号",
        [
            (
                "gateway/bridge_check.py",
                "        id=stamped_id(department, envelope.id),\n",
                "        id=str(uuid4()),\n",
            ),
            ("gateway/bridge_check.py", "import re\n", "import re\nfrom uuid import uuid4\n"),
        ],
        BRIDGE_ACK,
    ),
    Mutant(
        "bridge acknowledges before the confirm / 桥在确认前应答",
        [
            (
                "gateway/bridge.py",
                '            failpoint("bridge.before_publish")\n            link.send(letter, done)\n',
                "            delivery.ack()\n            self._later(lambda: _late(link, letter, done))\n",
            ),
            (
                "gateway/bridge.py",
                '                failpoint("bridge.before_ack")\n                delivery.ack()\n',
                "                pass\n",
            ),
            (
                "gateway/bridge.py",
                "def declare_queue(",
                (
                    "def _late(link, letter, done):\n    failpoint('bridge.before_publish')\n    link.send(letter, done)\n\n\n"
                    "def declare_queue("
                ),
            ),
            ("gateway/bridge.py", "RETRY_S = 2.0", "RETRY_S = 0.1"),
        ],
        BRIDGE_PUBLISH,
    ),
    Mutant(
        "tree hashes nodes like leaves / 树节点哈希前缀有误",
        [("services/audit/domain/merkle.py", 'sha256(b"\\x01" + left + right)', 'sha256(b"\\x00" + left + right)')],
        PLAIN,
    ),
    Mutant(
        "the citizen is shown no licence / 公民看不到证照",
        [("services/workflow/queries/case_list.py", '"licence_no": row.licence_no,', '"licence_no": None,')],
        PLAIN,
    ),
)
