"""Prometheus metrics of the gateway and its bridge. ``service`` is the one behind the gateway, or ``gateway`` itself."""

from __future__ import annotations

from chassis.metrics import Metrics

GATEWAY = Metrics("gateway")

REQUESTS = GATEWAY.counter(
    "tongban_gateway_requests_total", "Requests through the gateway", "经网关的请求", ["service", "method", "status"],
    by="gateway",
)  # fmt: skip
SECONDS = GATEWAY.histogram(
    "tongban_gateway_request_seconds",
    "Time to the last byte; kind: read, write, wait (may wait for news), stream (a long answer)",
    "到最后一个字节的用时；kind：读、写、等待消息、长应答", ["service", "kind"], by="gateway",
)  # fmt: skip
REFUSED = GATEWAY.counter(
    "tongban_gateway_refused_total", "Requests that the gateway answered itself", "网关自行拒绝的请求",
    ["service", "code"], by="gateway",
)  # fmt: skip
IN_FLIGHT = GATEWAY.gauge("tongban_gateway_in_flight", "Requests being answered", "正在应答的请求", by="gateway")
UPSTREAM_IN_FLIGHT = GATEWAY.gauge(
    "tongban_gateway_upstream_in_flight", "Requests at an instance of a service", "服务实例上正在处理的请求",
    ["service", "instance"], by="gateway",
)  # fmt: skip
EJECTIONS = GATEWAY.counter(
    "tongban_gateway_ejections_total", "Instances left out for a while after failures", "因出错而暂停分发的实例次数",
    ["service"], by="gateway",
)  # fmt: skip
RETRIES = GATEWAY.counter(
    "tongban_gateway_retries_total", "Requests to be sent to another instance: sent, over_budget",
    "需改发其他实例的请求：已发、超出额度", ["service", "outcome"], by="gateway",
)  # fmt: skip
ADAPTIVE_LIMIT = GATEWAY.gauge(
    "tongban_gateway_adaptive_limit", "Requests that a service is given at once", "同时交给一个服务的请求上限",
    ["service"], by="gateway",
)  # fmt: skip
SHED = GATEWAY.counter(
    "tongban_gateway_shed_total", "Requests turned away because there were too many at once", "因同时请求过多而谢绝的请求",
    ["gate"], by="gateway",
)  # fmt: skip
LIMITED = GATEWAY.counter(
    "tongban_gateway_limited_total", "Requests refused by a rate limit", "被限流拒绝的请求", ["policy"], by="gateway"
)
STORAGE_AWAY = GATEWAY.gauge(
    "tongban_gateway_limits_storage_away", "1 while the shared counts cannot be reached and each gateway counts for itself",
    "共用计数不可达、各网关自行计数时为 1", by="gateway",
)  # fmt: skip
SLOW_CLIENTS = GATEWAY.counter(
    "tongban_gateway_slow_clients_total", "Connections ended because their client was too slow or had too many",
    "因客户端过慢或连接过多而切断的连接", ["why"], by="gateway",
)  # fmt: skip
CONNECTIONS = GATEWAY.gauge(
    "tongban_gateway_connections", "Open connections of clients", "客户端的打开连接数", by="gateway"
)

MOVED = GATEWAY.counter(
    "tongban_bridge_messages_total",
    "Messages at the departments' door: in, out, rejected, again (put off), held (no door yet); no_door: let go",
    "部门消息口的消息：送入部门、部门送出、退回、稍后再送、held 暂无消息口；no_door：不走消息口，不再留",
    ["department", "direction", "outcome"], by="bridge",
)  # fmt: skip
BROKER_REFUSALS = GATEWAY.counter(
    "tongban_broker_refusals_total", "Operations and sign-ins that the broker refused", "消息服务器拒绝的操作与登录",
    ["user", "what"], by="bridge",
)  # fmt: skip
BROKER_LOG_READ = GATEWAY.gauge(
    "tongban_broker_log_read", "1 while the broker's own log is read", "正在读取消息服务器日志时为 1", by="bridge"
)
