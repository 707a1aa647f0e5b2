"""Messages: queues, lag, outboxes, what was parked or refused, and the broker itself."""

from __future__ import annotations

from deploy.grafana.builders.panels import Limits, Page, Panel, Query, bars, graph, listing, number


def page() -> Page:
    """The page."""
    return Page(
        "bus",
        "消息 / Messages",
        "队列、落后、发件箱、滞留、被拒绝的操作与消息服务器。 / Queues, lag, outboxes, parked messages, refusals, the broker.",
        [
            ("队列与订阅 / Queues and subscriptions", _queues()),
            ("发件箱 / Outboxes", _outboxes()),
            ("需要人看的 / For a person to see", _refused()),
            ("消息服务器 / The broker", _broker()),
        ],
    )


def _queues() -> list[Panel]:
    return [
        graph(
            "队列里的消息 / Messages in queues",
            "平台自己的队列。 / The platform's own queues.",
            [Query('queue:rabbitmq_messages:max{vhost="tongban"}', "{{queue}}")],
            unit="short",
            alerts=["QueueGrowing"],
            limits=Limits(1000, 10000),
        ),
        graph(
            "落后 / Lag",
            "正在处理的消息已产生多久，清空后为 0。 / How old the message in hand is, 0 once the queue is drained.",
            [Query("max by (subscription) (tongban_subscription_lag_seconds)", "{{subscription}}")],
            unit="s",
            alerts=["SubscriptionLag"],
            limits=Limits(60, 300),
        ),
        graph(
            "从发生到见效 / From event to effect",
            "最慢的百分之一。 / The slowest hundredth.",
            [Query("subscription:tongban_delivery_seconds:p99_5m", "{{subscription}}")],
            unit="s",
            alerts=["EventDelayBudget"],
            limits=Limits(10, 60),
        ),
        graph(
            "处理 / Handled",
            "每秒消息。 / Messages a second.",
            [
                Query(
                    'sum by (subscription) (rate(tongban_consumed_total{outcome="handled"}[$__rate_interval]))',
                    "{{subscription}}",
                )
            ],
            unit="mps",
            alerts=["QueueGrowing"],
        ),
        graph(
            "每个事务的消息 / Messages in a transaction",
            "成批处理的平均大小；积压时变大。 / The mean size of a batch; it grows with the backlog.",
            [
                Query(
                    "sum by (subscription) (rate(tongban_consume_batch_size_sum[$__rate_interval]))"
                    " / (sum by (subscription) (rate(tongban_consume_batch_size_count[$__rate_interval])) > 0)"
                    " or on () vector(0)",
                    "{{subscription}}",
                )
            ],
            unit="short",
            alerts=["QueueGrowing"],
        ),
        listing(
            "无人接收的队列 / Queues and who takes from them",
            "接收者为 0 的队列不会前进（部门的 tasks 除外）。 / Without one a queue stands still, departments' tasks aside.",
            Query("queue:rabbitmq_consumers:max"),
            {"vhost": "虚拟主机 / Virtual host", "queue": "队列 / Queue", "Value": "接收者 / Consumers"},
            alerts=["QueueWithoutConsumer"],
            limits=Limits(1, 0.5, falling=True),
            span=8,
        ),
    ]


def _outboxes() -> list[Panel]:
    return [
        graph(
            "未发出的事件 / Events not sent yet",
            "已提交，等待确认。 / Committed, and waiting to be confirmed.",
            [Query("service:tongban_outbox_waiting:max", "{{service}}")],
            unit="short",
            alerts=["OutboxOld"],
        ),
        graph(
            "最早一件 / The oldest",
            "应在数秒内发出。 / It leaves within seconds.",
            [Query("service:tongban_outbox_oldest_seconds:max", "{{service}}")],
            unit="s",
            alerts=["OutboxOld"],
            limits=Limits(30, 120),
        ),
        graph(
            "发出与出错 / Sent and failed",
            "每秒。 / A second.",
            [
                Query(
                    "sum by (service) (rate(tongban_outbox_published_total[$__rate_interval]))", "{{service}} 发出 sent"
                ),
                Query(
                    "sum by (service) (rate(tongban_relay_failures_total[$__rate_interval])) or on () vector(0)",
                    "{{service}} 出错 failed",
                ),
            ],
            unit="eps",
            alerts=["RelayFailing"],
        ),
    ]


def _refused() -> list[Panel]:
    return [
        bars(
            "滞留 / Parked",
            "以 tongban parked 查看与重放。 / See and replay them with tongban parked.",
            Query("service:tongban_parked_messages:max", "{{service}}"),
            alerts=["MessagesParked", "MessagesRetrying"],
            limits=Limits(1, 10),
        ),
        number(
            "无法读取 / Unreadable",
            "队列 tongban.unreadable。 / The queue of that name.",
            'queue:rabbitmq_messages:max{queue="tongban.unreadable"}',
            alerts=["UnreadableMessages"],
            limits=Limits(1, 10),
        ),
        number(
            "冒名 / Forged",
            "一天内以他人名义发送而被拒收的消息。 / Sent in another's name within a day, and refused.",
            'sum(increase(tongban_consumed_total{outcome="forged"}[1d])) or on () vector(0)',
            alerts=["ForgedMessages"],
            limits=Limits(1, 1),
        ),
        graph(
            "被拒绝的操作 / Refused operations",
            "每小时消息服务器拒绝的操作与登录。 / Operations and sign-ins that the broker refused, an hour.",
            [
                Query(
                    "sum by (user, what) (increase(tongban_broker_refusals_total[1h])) or on () vector(0)",
                    "{{user}} {{what}}",
                )
            ],
            unit="short",
            alerts=["BrokerRefusals", "BrokerLogUnread"],
            limits=Limits(1, 10),
        ),
    ]


def _broker() -> list[Panel]:
    return [
        number(
            "警报 / Alarms",
            "内存、磁盘或文件不足时停止接收。 / It takes nothing more for want of memory, disk or files.",
            "sum(rabbitmq_alarms_memory_used_watermark) + sum(rabbitmq_alarms_free_disk_space_watermark)"
            " + sum(rabbitmq_alarms_file_descriptor_limit)",
            alerts=["RabbitAlarm"],
            limits=Limits(1, 1),
            span=3,
        ),
        number(
            "节点 / Nodes",
            "可抓取的节点数。 / Nodes that can be scraped.",
            "count(count by (rabbitmq_node) (rabbitmq_identity_info))",
            alerts=["TargetDown"],
            span=3,
        ),
        number(
            "连接 / Connections",
            "服务、桥与部门的连接。 / Of services, bridges and departments.",
            "sum(rabbitmq_connections)",
            alerts=["RabbitConnectionsHigh"],
            span=3,
        ),
        number(
            "退回的事件 / Unroutable",
            "一天内没有队列而退回。 / Came back within a day for want of a queue.",
            "sum(increase(rabbitmq_global_messages_unroutable_returned_total[1d])) or on () vector(0)",
            alerts=["UnroutableEvents"],
            limits=Limits(1, 10),
            span=3,
        ),
        graph(
            "进与出 / In and out",
            "整个服务器每秒的消息。 / Messages of the whole broker a second.",
            [
                Query("sum(rate(rabbitmq_global_messages_received_total[$__rate_interval]))", "收 received"),
                Query("sum(rate(rabbitmq_global_messages_delivered_total[$__rate_interval]))", "送 delivered"),
                Query("sum(rate(rabbitmq_global_messages_redelivered_total[$__rate_interval]))", "重送 redelivered"),
            ],
            unit="mps",
            alerts=["QueueGrowing"],
            span=12,
        ),
        graph(
            "内存 / Memory",
            "已用与上限之比；到 1 即停止接收。 / Used of its limit; at 1 it takes nothing more.",
            [Query("rabbitmq_process_resident_memory_bytes / rabbitmq_resident_memory_limit_bytes", "{{instance}}")],
            unit="percentunit",
            alerts=["RabbitAlarm"],
            limits=Limits(0.7, 0.9),
            most=1,
        ),
        graph(
            "磁盘空闲 / Free disk",
            "低于警戒线时停止接收。 / Below its limit the broker takes nothing more.",
            [
                Query("rabbitmq_disk_space_available_bytes", "{{instance}}"),
                Query("max(rabbitmq_disk_space_available_limit_bytes)", "警戒线 limit"),
            ],
            unit="bytes",
            alerts=["RabbitDiskLow"],
        ),
    ]
