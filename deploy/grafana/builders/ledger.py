"""The ledger: entries, signatures, the witness, and whether it was tampered with."""

from __future__ import annotations

from deploy.grafana.builders.panels import Limits, Page, Query, graph, number


def page() -> Page:
    """The page."""
    state = [
        number(
            "被改动 / Tampered",
            "非 0：存储的内容与已签名的不符，立即处理。 / Unless 0, what is stored is not what was signed: see to it at once.",
            "max(tongban_ledger_tampered)",
            alerts=["LedgerTampered"],
            limits=Limits(1, 1),
        ),
        number(
            "条目 / Entries",
            "上次签名时。 / At the last checkpoint.",
            "max(tongban_ledger_entries)",
            alerts=["LedgerCheckpointOld"],
        ),
        number(
            "未签名 / Unsigned",
            "已追加而无签名覆盖。 / Appended, under no checkpoint yet.",
            "max(tongban_ledger_unsigned_entries)",
            alerts=["LedgerCheckpointOld"],
            limits=Limits(1000, 10000),
        ),
        number(
            "距上次签名 / Since the last checkpoint",
            "没有新记录时不签名。 / None is made while there is nothing new.",
            "max(tongban_ledger_checkpoint_age_seconds)",
            unit="s",
            alerts=["LedgerCheckpointOld"],
        ),
        number(
            "距上次副署 / Since the witness cosigned",
            "未配置见证人时为空。 / Empty where no witness is configured.",
            "max(tongban_witness_age_seconds)",
            unit="s",
            alerts=["WitnessOld"],
            limits=Limits(300, 900),
        ),
        number(
            "见证人拒绝 / The witness refused",
            "一天内。 / Within a day.",
            "sum(increase(tongban_witness_refusals_total[1d])) or on () vector(0)",
            alerts=["WitnessRefuses"],
            limits=Limits(1, 1),
        ),
    ]
    growth = [
        graph(
            "增长 / Growth",
            "每小时新增条目。 / New entries an hour.",
            [Query("max(delta(tongban_ledger_entries[1h]))", "条目 entries")],
            unit="short",
            alerts=["LedgerCheckpointOld"],
        ),
        graph(
            "未签名 / Unsigned",
            "追加快于签名时升高。 / Rises when entries come faster than they are signed.",
            [Query("max(tongban_ledger_unsigned_entries)", "条目 entries")],
            unit="short",
            alerts=["LedgerCheckpointOld"],
            limits=Limits(1000, 10000),
        ),
        graph(
            "追加落后 / Behind with appending",
            "台账订阅落后多久。 / How far the ledger's subscription is behind.",
            [Query('max(tongban_subscription_lag_seconds{subscription="audit.ledger"})', "落后 lag")],
            unit="s",
            alerts=["SubscriptionLag"],
            limits=Limits(60, 300),
        ),
    ]
    return Page(
        "ledger",
        "台账 / Ledger",
        "条目、签名、见证与完整性。 / Entries, signatures, the witness, integrity.",
        [("状态 / State", state), ("增长 / Growth", growth)],
    )
