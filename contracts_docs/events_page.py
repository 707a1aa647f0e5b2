"""``docs/events.md``: every event on one page, in Chinese and English."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.registry import EVENTS, EventSpec
from contracts_docs.asyncapi import says
from contracts_docs.parties import Party

HEAD = """\
<!-- Written by `make contracts`. -->
# 事件一览 / Events

事件是已经发生的事实，用 CloudEvents 1.0 结构化 JSON 表达，在任何传输方式上字节相同。\
增加可选字段不改变版本；删除、改名或改变含义要发布新的主版本，\
并由升级函数把旧版本转换为新版本。消费者忽略不认识的字段，\
生产者不得发送未声明的字段。台账（audit）记录全部事件。

An event is a past fact in CloudEvents 1.0 structured JSON, the same bytes on every transport. A new optional field keeps the
version; removing, renaming or changing a meaning makes a new major version, and an upcaster lifts the old one. Consumers ignore
unknown fields; producers may not send undeclared ones. The ledger (audit) keeps every event.

| 事件 Event | 版本 Version | 谁发布 Told by | 谁收听 Heard by | 说明 Says | 个人信息 Personal data |
|---|---|---|---|---|---|
"""

FOOT = """
AsyncAPI 3.0: [`contracts/asyncapi.yaml`](../contracts/asyncapi.yaml) · \
JSON Schema: [`contracts/schemas/`](../contracts/schemas) · 样例 samples: [`contracts/samples/`](../contracts/samples)
"""


def events_page(parties: Sequence[Party]) -> str:
    """The page as Markdown."""
    return HEAD + "".join(_row(name, spec, parties) for name, spec in EVENTS.items()) + _parties(parties) + FOOT


def listeners(name: str, parties: Sequence[Party]) -> list[str]:
    """Who handles the event for its meaning; the ledger, which keeps all of them, aside."""
    return [party.name for party in parties if name in party.hears]


def _row(name: str, spec: EventSpec, parties: Sequence[Party]) -> str:
    family, _, version = name.rpartition(".v")
    heard = ", ".join(listeners(name, parties)) or "仅台账 ledger only"
    newer = any(other.rpartition(".v")[0] == family and other > name for other in EVENTS)
    told = f"{spec.owner}（旧版 old）" if newer else spec.owner
    cells = (
        f"[`{family}`](../contracts/schemas/{name}.json)",
        f"v{version}",
        told,
        heard,
        says(spec).replace("|", "\\|"),
        "是 yes" if spec.personal else "否 no",
    )
    return "| " + " | ".join(cells) + " |\n"


def _parties(parties: Sequence[Party]) -> str:
    rows = "".join(f"| {p.name} | {p.title} | {_queues(p)} |\n" for p in parties)
    return "\n## 参与者 / Parties\n\n| 名称 Name | 标题 Title | 队列 Queues |\n|---|---|---|\n" + rows


def _queues(party: Party) -> str:
    queues = sorted({*party.hears.values(), *([party.everything] if party.everything else [])})
    return ", ".join(f"`{queue}`" for queue in queues) or "—"
