"""docs/metrics.md: every metric for people to read, from the declarations themselves."""

from __future__ import annotations

from importlib import import_module

from chassis.metrics import DEFINED, Definition
from contracts_docs.parties import all_services

HEAD = """# 指标 / Metrics

由 `make contracts` 按各模块中的声明生成：机制在 [`chassis/metrics.py`](../chassis/metrics.py)，网关在
[`gateway/metrics.py`](../gateway/metrics.py)，各服务在 `services/<name>/adapters/metrics.py`。
每个进程在 `/metrics` 给出自己的指标。标签不含个人、办件编号和自由文字；未知的路由记为 `none`，未知的方法记为 `other`。
来自数据库的数由 jobs 进程设置，多个实例给出同一个数：查询时用 `max by`，不要相加。
Written by `make contracts` from the declarations. Every process shows its own at `/metrics`. No label holds a person, a case
number or free text; routes that are not known count as `none`, methods as `other`. What comes from a database is set by jobs
processes, and each says the same: take `max by`, do not add.
"""
COLUMNS = "| 名称 Name | 类型 Type | 标签 Labels | 含义 Meaning | 由谁设置 Set by |\n|---|---|---|---|---|\n"
MECHANISM = "机制，各进程共有 / The mechanism, of every process"
TITLES = {"gateway": "网关与部门桥 / The gateway and its bridge"}
KINDS = {"counter": "计数 counter", "gauge": "数值 gauge", "histogram": "分布 histogram"}


def definitions() -> list[Definition]:
    """Every metric of the platform, by whose it is and by name."""
    for module in (
        "chassis.metrics",
        "gateway.metrics",
        *(f"services.{s.name}.adapters.metrics" for s in all_services()),
    ):
        import_module(module)
    return sorted(DEFINED.values(), key=lambda one: (one.of, one.name))


def metrics_page() -> str:
    """The page: a table for the mechanism, for the gateway, and for each service."""
    all_of = definitions()
    titles = {"": MECHANISM} | TITLES | {s.name: s.title for s in all_services()}
    return HEAD + "".join(
        f"\n## {title}\n\n{COLUMNS}" + "".join(map(_row, (one for one in all_of if one.of == of)))
        for of, title in titles.items()
    )


def _row(one: Definition) -> str:
    labels = "、".join(f"`{label}`" for label in one.labels) or "—"
    roles = "、".join(one.by.split())
    return f"| `{one.name}` | {KINDS[one.kind]} | {labels} | {one.zh} / {one.en} | {roles} |\n"
