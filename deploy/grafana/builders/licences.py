"""Licences: issued, in force, verified."""

from __future__ import annotations

from deploy.grafana.builders.panels import Limits, Page, Query, bars, graph, number


def page() -> Page:
    """The page."""
    rows = [
        graph(
            "签发 / Issued",
            "每小时，按种类。 / An hour, by kind.",
            [Query("sum by (kind) (increase(tongban_licences_issued_total[1h])) or on () vector(0)", "{{kind}}")],
            unit="short",
            alerts=["EventDelayBudget"],
        ),
        bars(
            "证照 / Licences",
            "按状态。 / By state.",
            Query("max by (state) (tongban_licences)", "{{state}}"),
            alerts=["EventDelayBudget"],
        ),
        graph(
            "制证用时 / Time to make one",
            "排版与签名。 / To set and sign it.",
            [
                Query(
                    f"histogram_quantile({share}, sum by (le) (rate(tongban_licence_seconds_bucket[$__rate_interval])))",
                    name,
                )
                for share, name in ((0.5, "p50"), (0.99, "p99"))
            ],
            unit="s",
            alerts=["EventDelayBudget"],
            limits=Limits(2, 10),
        ),
        graph(
            "查验 / Verifications",
            "每小时，按结果。 / An hour, by outcome.",
            [
                Query(
                    "sum by (outcome) (increase(tongban_licence_verifications_total[1h])) or on () vector(0)",
                    "{{outcome}}",
                )
            ],
            unit="short",
            alerts=["ServiceErrors"],
            span=16,
        ),
        number(
            "等待制证的消息落后 / Behind with decisions",
            "材料与证照服务的订阅。 / The subscriptions of documents.",
            'max(tongban_subscription_lag_seconds{subscription=~"documents[.].+"})',
            unit="s",
            alerts=["SubscriptionLag"],
            limits=Limits(60, 300),
            span=8,
        ),
    ]
    return Page(
        "licences",
        "电子证照 / Licences",
        "签发、在用与公开查验。 / Issued, in force, verified by anyone.",
        [("证照 / Licences", rows)],
    )
