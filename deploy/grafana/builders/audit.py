"""Audit: what it appends, judges and reports; ledger and supervision have pages of their own."""

from __future__ import annotations

from deploy.grafana.builders.panels import Limits, Page, Query, graph, number
from deploy.grafana.builders.services import service_page


def page() -> Page:
    """The page."""
    own = [
        number(
            "台账条目 / Ledger entries",
            "上次签名时的条目数。 / Entries at the last signature.",
            "max(tongban_ledger_entries)",
            alerts=["LedgerCheckpointOld"],
        ),
        number(
            "未签名 / Unsigned",
            "已追加而尚无签名覆盖。 / Appended, and under no signature yet.",
            "max(tongban_ledger_unsigned_entries)",
            alerts=["LedgerCheckpointOld"],
            limits=Limits(1000, 10000),
        ),
        number(
            "未结监察牌 / Open cards",
            "黄牌与红牌。 / Yellow and red cards.",
            "sum(max by (level) (tongban_cards_open))",
            alerts=["DeadlinesWaiting"],
        ),
        graph(
            "上报 / Reports to hubs",
            "每小时的批次，按结果。 / Batches an hour, by outcome.",
            [
                Query(
                    "sum by (connector, outcome) (increase(tongban_exchange_batches_total[1h])) or on () vector(0)",
                    "{{connector}} {{outcome}}",
                )
            ],
            unit="short",
            alerts=["ExchangeBatchesFail"],
            span=12,
        ),
    ]
    return service_page(
        "audit",
        "监察与台账服务 / Audit",
        "台账、电子监察、数据上报。 / The ledger, supervision, reports to hubs.",
        ("台账、监察与上报 / Ledger, supervision and reports", own),
    )
