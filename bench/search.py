"""Search of a catalogue of 10,000 items on SQLite and PostgreSQL: how long an answer of the API takes, in this process.

The items are made of words as they stand in real names of items, so that common words are in most of them.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa
from flask import Flask
from stdnum.cn.uscc import calc_check_digit

from bench.figures import quantile
from bench.results import keep, show
from chassis import log
from chassis.auth import internal_tokens
from chassis.discovery import StaticDirectory
from chassis.embedded_bus import EmbeddedBus
from chassis.health import Health
from chassis.migrate import upgrade
from chassis.public_keys import PublicKeys
from chassis.service import Runtime
from chassis.settings import load_settings
from chassis.web import create_web
from localservers.postgresql import PostgreSQL
from services.catalog.adapters.catalog_files import read_entry
from services.catalog.adapters.definition_document import document_of
from services.catalog.models import basic_codes, db, departments, item_versions, items
from services.catalog.service import SERVICE
from services.catalog.use_cases.index_item import index_missing

ITEMS = 10_000
GOAL_MS = 50.0
ROUNDS = 20
AT_ONCE = 200
WHO = (
    "民办幼儿园 中小学校 高等学校 教师 学生 校车 校外培训机构 中外合作办学机构 医疗机构 道路运输企业 食品经营者 建筑施工企业 "
    "社会团体 残疾人 个体工商户 外籍人员子女学校 职业学校 农民专业合作社"
)
WHAT = "设立 变更 终止 分立 合并 资格 使用 筹设 章程 广告 年度报告 收费标准 招生简章 名称 法定代表人 经营场所 安全设施 补助"
HOW = "许可 审批 认定 备案 核准 登记 注册 确认 奖励 给付 检查 公示"
QUERIES = (
    "教师资格认定|校车使用许可|教育|学校|车|许可 教师|jiaoshi|jszg|minban|m|1133999|教师资各认定|幼儿圆设立|school|"
    "民办幼儿园设立审批0042|不存在的事项名|行政许可法|云溪县教育局"
)


def _names() -> Iterator[str]:
    mixed = random.Random(42)
    parts = [words.split() for words in (WHO, WHAT, HOW)]
    for n in range(ITEMS):
        yield "".join(mixed.choice(words) for words in parts) + f"{n:04}"


def _document(n: int, name: str, like: dict[str, Any]) -> dict[str, Any]:
    uscc = f"11339999{n:09}"
    basic = f"0001{n % 99 + 1:02}{n // 1000 + 1:03}{n % 1000:03}"
    code = uscc + calc_check_digit(uscc) + "4" + basic
    return like | {"item_code": code, "basic_code": basic, "name": name, "name_en": f"Item {n} of {name}"}


def fill() -> None:
    """The items, past the door of publishing: validators are not what is measured. Then their terms."""
    like = document_of(read_entry(Path("catalogs/items/school-bus-permit.yaml")).definition)
    now = datetime.now(UTC)
    with db.transaction() as tx:
        tx.insert(
            departments,
            [{"code": "education", "name": "云溪县教育局", "name_en": "Education", "uscc": "11339999YX0000016U"}],
        )
    documents = [_document(n, name, like) for n, name in enumerate(_names())]
    for start in range(0, ITEMS, AT_ONCE):
        some = documents[start : start + AT_ONCE]
        with db.transaction() as tx:
            tx.insert(
                basic_codes,
                [{"basic_code": d["basic_code"], "name": d["name"], "item_type": "01", "basis": ""} for d in some],
            )
            tx.insert(
                items,
                [{"item_code": d["item_code"], "basic_code": d["basic_code"], "first_published_at": now} for d in some],
            )
            tx.insert(
                item_versions,
                [
                    {
                        "item_code": d["item_code"], "version": 1, "effective_from": date(2026, 1, 1),
                        "content_hash": "", "name": d["name"], "name_en": d["name_en"], "item_type": "01",
                        "lead_department": "education", "person_topics": [], "organisation_topics": ["120"],
                        "life_events": [], "definition": d, "published_by": "bench", "published_at": now,
                    }
                    for d in some
                ],
            )  # fmt: skip
    while True:
        with db.transaction() as tx:
            if not index_missing(tx, AT_ONCE):
                break
    with db.writing() as connection:
        connection.execute(sa.text("ANALYZE"))


def _application() -> Flask:
    nobody = internal_tokens(PublicKeys(dict), "catalog")  # search is public
    runtime = Runtime(load_settings("catalog"), EmbeddedBus(), StaticDirectory({}), nobody, Health())
    SERVICE.setup(runtime)
    return create_web(SERVICE, runtime)


def measure(app: Flask) -> dict[str, list[float]]:
    """Query -> seconds of each repetition; all the queries take turns. The first round warms up."""
    client = app.test_client()
    taken: dict[str, list[float]] = {query: [] for query in QUERIES.split("|")}
    for n in range(ROUNDS + 1):
        for query, seconds in taken.items():
            begun = time.perf_counter()
            answer = client.get("/api/v1/items/search", query_string={"q": query})
            if n:
                seconds.append(time.perf_counter() - begun)
            assert answer.status_code == 200, answer.text
    return taken


@click.command("search")
def main() -> None:
    """查找：一万个事项 / search of 10,000 items."""
    log.configure("bench", "ERROR")
    figures: dict[str, float] = {"search_items": ITEMS}
    goals: dict[str, tuple[str, bool]] = {}
    for name in ("sqlite", "postgresql"):
        with tempfile.TemporaryDirectory(prefix="tongban-bench-") as folder, ExitStack() as stack:
            url = f"sqlite:///{folder}/catalog.sqlite"
            if name == "postgresql":
                Path(folder).chmod(0o755)
                server = stack.enter_context(PostgreSQL(Path(folder) / "postgresql"))
                server.create_database("catalog")
                url = server.url("catalog")
            db.bind(url)
            stack.callback(db.engine.dispose)
            upgrade(db, SERVICE.migrations)
            begun = time.perf_counter()
            fill()
            figures[f"search_{name}_fill_s"] = round(time.perf_counter() - begun, 1)
            taken = measure(_application())
        _report(name, taken, figures, goals)
    show(goals, figures)
    sys.exit(0 if keep("search", figures, goals) else 1)


def _report(
    name: str, taken: dict[str, list[float]], figures: dict[str, float], goals: dict[str, tuple[str, bool]]
) -> None:
    print(f"\n{name}: {ITEMS} items, filled in {figures[f'search_{name}_fill_s']} s")
    for query, seconds in taken.items():
        print(f"  {quantile(seconds, 0.5) * 1000:8.1f} {quantile(seconds, 0.95) * 1000:8.1f} ms  {query}")
    every = [one for seconds in taken.values() for one in seconds]
    for q in (50, 95):
        figures[f"search_{name}_p{q}_ms"] = round(quantile(every, q / 100) * 1000, 2)
    met = figures[f"search_{name}_p95_ms"] < GOAL_MS
    goals[f"search_{name}_p95_ms"] = (f"< {GOAL_MS:.0f} ms", met)
