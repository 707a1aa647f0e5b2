"""Identity: sign-ins, accounts, messages to people."""

from __future__ import annotations

from deploy.grafana.builders.panels import Limits, Page, Query, bars, graph
from deploy.grafana.builders.services import service_page


def page() -> Page:
    """The page."""
    own = [
        graph(
            "登录 / Sign-ins",
            "每秒登录，按结果。 / Sign-ins a second, by outcome.",
            [
                Query(
                    "sum by (kind, outcome) (rate(tongban_sign_ins_total[$__rate_interval])) or on () vector(0)",
                    "{{kind}} {{outcome}}",
                )
            ],
            unit="reqps",
            alerts=["SignInsFail"],
        ),
        graph(
            "登录失败比例 / Share of sign-ins that fail",
            "猜口令或登录出错时升高。 / Rises when somebody guesses passwords, or when sign-in is broken.",
            [
                Query(
                    '(sum(rate(tongban_sign_ins_total{outcome!="ok"}[$__rate_interval])) or on () vector(0))'
                    " / (sum(rate(tongban_sign_ins_total[$__rate_interval])) > 0) or on () vector(0)",
                    "失败 failed",
                )
            ],
            unit="percentunit",
            alerts=["SignInsFail"],
            limits=Limits(0.3, 0.5),
            most=1,
        ),
        bars(
            "账号 / Accounts",
            "按种类。 / By kind.",
            Query("max by (kind) (tongban_accounts)", "{{kind}}"),
        ),
        graph(
            "口令计算 / Password hashes",
            "每秒 Argon2id 计算；每次占 19 MiB 内存。 / Argon2id computations a second, each with 19 MiB of memory.",
            [Query("sum(rate(tongban_identity_password_hashes_total[$__rate_interval]))", "次 hashes")],
            unit="ops",
            alerts=["SignInsFail"],
        ),
        graph(
            "发出的消息 / Messages sent",
            "每小时服务商收下与放弃的消息。 / Messages that a provider took, and those given up, an hour.",
            [
                Query(
                    "sum by (channel) (increase(tongban_messages_sent_total[1h])) or on () vector(0)",
                    "{{channel}} 收下 sent",
                ),
                Query(
                    "sum by (channel) (increase(tongban_messages_failed_total[1h])) or on () vector(0)",
                    "{{channel}} 放弃 given up",
                ),
            ],
            unit="short",
            alerts=["MessagesNotTaken"],
        ),
        graph(
            "待发的消息 / Messages that wait",
            "到期而未发出，或将重试。 / Due, or to be tried again.",
            [Query("max by (channel) (tongban_messages_waiting)", "{{channel}}")],
            unit="short",
            alerts=["MessagesWait"],
            limits=Limits(50, 200),
        ),
    ]
    return service_page(
        "identity",
        "身份服务 / Identity",
        "登录、账号与告知申请人的消息。 / Sign-ins, accounts and messages to people.",
        ("登录与消息 / Sign-ins and messages", own),
    )
