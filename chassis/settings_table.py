"""Every setting: its type, default, bounds and meaning. To add one, add a field to ``Settings`` and run ``make contracts``,
which writes it into docs/operations.md; its variable is ``TONGBAN_`` and the field's name in capitals.
"""
# ruff: noqa: RUF009 - ``told`` makes a field of a dataclass, as ``field`` does

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chassis.log import LEVELS
from chassis.setting import PERSONS, Setting, declared_in, told

EMBEDDED_BUS = "embedded"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one process is told. Addresses are ``host:port``; times are seconds."""

    service: str

    # Where it keeps and finds what it needs
    database_url: str = told(
        "数据库，`{service}` 代表服务名：`postgresql+psycopg://…` 或 `sqlite:///…`；内嵌平台总在 DATA_DIR 中",
        "database, `{service}` stands for the service's name; the embedded platform's are always in DATA_DIR",
        "sqlite:///{data_dir}/{service}.sqlite",
        by="services",
        secret=True,
    )
    bus_url: str = told(
        "消息服务器：`amqp://<服务>:<密码>@host:5672/tongban`（或 `amqps`）",
        "message broker, or `embedded`",
        EMBEDDED_BUS,
        by="services bridge",
        secret=True,
    )
    data_dir: Path = told(
        "材料、证照、密钥，权限 700；谁与谁共用见“备份”",
        "blobs and keys, mode 700; who shares what: see Backup",
        Path("build/data"),
    )
    catalog_dir: Path = told("事项 YAML", "items", Path("catalogs"), by="catalog")
    catalog_items: Sequence[str] = told(
        "随产品导入的事项和一件事文件名（不含 .yaml），逗号分隔；空为全部",
        "names of the shipped item and package files to import; empty: all",
        (),
        by="catalog",
    )
    directory_file: Path | None = told("部门、账号、客户端 YAML，导入是幂等的", "imported idempotently", by="identity")
    registers_file: Path | None = told(
        "人口库、法人库替代登记 YAML；未设则在线核验不可用",
        "stands in for the state's registers; without it nobody is verified online",
        by="identity",
    )
    outside_providers_file: Path | None = told(
        "外部身份提供方 YAML（国家平台等），格式见“统一身份认证”",
        "outside OpenID providers whom people may come in from, see OpenID provider",
        by="identity",
    )
    connectors_file: Path | None = told(
        "数据上报的对接平台 YAML，见决策 0019", "hubs that cases are reported to, see decision 0019", by="audit"
    )
    witness_url: str | None = told(
        "台账的独立见证人（`python -m witness`）", "independent witness of the ledger", by="audit"
    )
    witness_key: str | None = told(
        "见证人的核验公钥，由其 `GET /key` 给出", "its verifier key, as its `GET /key` says", by="audit"
    )
    calendar_file: Path | None = told(
        "节假日与调休 YAML，补充或替代随产品的日历，见“节假日”",
        "public holidays and make-up workdays, besides those shipped with the product, see Holidays",
        by="services",
    )

    # Where it listens, and how others find it
    http_address: str = told("HTTP 监听", "where to listen", "127.0.0.1:8000")
    ops_address: str = told(
        "worker、jobs、bridge 的健康与指标",
        "health and metrics of processes without an API",
        "127.0.0.1:0",
        by="services bridge",
    )
    services: Mapping[str, str] = told(
        "`identity=http://host:port,catalog=…,gateway=…`，多个实例以 `|` 分开；各服务向网关取内部令牌公钥",
        "where the others are, several instances with `|`; services fetch the public key of internal tokens from the gateway",
        {},
    )
    consul: str | None = told(
        "`http://127.0.0.1:8500`：服务注册与发现；`TONGBAN_SERVICES` 中写明的不再询问",
        "registry; what `TONGBAN_SERVICES` names is not asked of it",
    )
    consul_token: str | None = told("其访问令牌", "its access token", secret=True)
    advertise: str | None = told(
        "注册时给出的 `host:port`，默认即 HTTP_ADDRESS", "where others reach this process, else HTTP_ADDRESS"
    )
    public_url: str = told(
        "公众访问平台的地址：登录、二维码、通行密钥；各进程须一致。内嵌平台默认 `http://localhost:<port>`",
        "where people reach the platform, for sign-in, QR codes and passkeys (which need a name, not digits); the same for"
        " every process",
        "http://127.0.0.1:8000",
    )
    issuer: str = told(
        "令牌签发者，须与发现文档一致；默认即 PUBLIC_URL", "token issuer, as clients know it; else PUBLIC_URL", ""
    )
    ledger_name: str = told(
        "台账名称，由核验者固定，启用后不可更改",
        "name of the ledger, which verifiers pin: never change it",
        "tongban",
        by="audit",
    )
    tls_certificate: Path | None = told("与 TLS_KEY 一起：启用 HTTPS", "with TLS_KEY: serve HTTPS")
    tls_key: Path | None = told("证书的私钥文件", "the certificate's private key")

    # How it runs
    log_level: str = told("日志级别", "level of logging", "INFO", among=LEVELS)
    web_threads: int = told("每进程请求线程", "request threads of a process", 16, low=1, high=256)
    drain_s: float = told(
        "停止前继续服务的秒数：就绪检查已答 503，等待各方不再送来请求；0 为立即停止",
        "served on for so many seconds before a stop, readiness being 503, until nobody sends requests any more; 0: not at all",
        5.0,
        by="services gateway portal",
        low=0,
    )
    stop_timeout_s: float = told("停止时限，秒", "limit for stopping, in seconds", 20.0, low=0.1)
    retry_limit: int = told("失败多少次后滞留", "attempts before a message is parked", 12, by="services", low=1)
    private_hosts: Sequence[str] = told(
        "允许对外访问的内网或 http 主机名，仅供单机试用",
        "hosts that may be called over http or in private networks: for trials on one machine",
        (),
        by="identity",
    )
    traces_url: str | None = told(
        "链路跟踪：采集端 OTLP/HTTP 地址，如 `http://127.0.0.1:4318/v1/traces`；未设则不产生跨度",
        "collector of traces (OTLP over HTTP); without it no spans are made",
    )
    traces_share: float = told("保留的链路比例", "share of all traces that is kept", 1.0, low=0.0, high=1.0)
    clock_file: Path | None = told("仅演示与测试：偏移秒数", "demonstrations and tests only: an offset in seconds")

    # What the law leaves to the operator
    data_request_days: int = told(
        "更正、删除请求的答复期限（工作日）",
        "working days for an answer to a request about personal data",
        15,
        by="identity",
        low=1,
        high=60,
    )
    correction_window_days: int = told(
        "部门提出补正后最多再等其他部门几个工作日，即一次性告知；受理前不超过五日",
        "working days for which a correction waits for other departments before the one notice goes out",
        3,
        by="workflow",
        low=1,
        high=5,
    )
    correction_days: int = told(
        "申请人补正的工作日，逾期视为撤回",
        "working days to correct; afterwards the application is deemed withdrawn",
        15,
        by="workflow",
        low=1,
        high=60,
    )
    open_data_k: int = told(
        "匿名数据集每一行至少代表多少名申请人",
        "a row of the open data stands for at least so many applicants",
        5,
        by="audit",
        low=2,
        high=1000,
    )

    # Who may come in
    staff_second_factor: str = told(
        "工作人员须双因素登录；`offered`：自愿（演示）",
        "staff need two factors; `offered`: may have (demonstrations)",
        "required",
        by="identity",
        among=("required", "offered"),
    )
    staff_idle_s: int = told(
        "工作人员会话闲置上限，秒", "a staff session may be idle so many seconds", 600, by="identity", low=60
    )
    password_length: int = told(
        "新密码的最小长度", "least length of a new password", 12, by="identity", low=8, high=128
    )
    password_classes: int = told(
        "新密码的字符种类（四类中）", "kinds of characters, of four", 3, by="identity", low=1, high=4
    )
    password_days: int = told(
        "密码有效天数（0 为不限）", "days a password is good for (0: no limit)", 90, by="identity", low=0
    )
    password_history: int = told(
        "新密码不得与最近几个相同", "a new password is none of the last so many", 5, by="identity", low=1, high=24
    )
    sign_in_failures: int = told(
        "第几次失败起须等待", "the failure that brings the first delay", 5, by="identity", low=1
    )
    sign_in_longest_delay_s: int = told("最长等待秒数", "the longest delay, seconds", 300, by="identity", low=1)
    sign_in_address_failures: int = told(
        "同一网络地址失败多少次后须等待",
        "failures from one address before it has to wait",
        20,
        by="identity",
        low=1,
    )

    # The door
    gateway_threads: int = told("网关的请求线程", "request threads of the gateway", 64, by="gateway", low=4, high=512)
    gateway: Mapping[str, str] = told(
        "网关的并发、剔除、重试：`in_flight=48,…`，见“网关”",
        "of the gateway: concurrency, ejection, retries, see The gateway",
        {},
        by="gateway",
    )
    limits: Mapping[str, str] = told(
        "限流，默认 `address=3000/minute,account=1200/minute,client=60000/minute,tokens=60/minute`；`off` 为不限；内嵌模式不限",
        "limits; `off`: none; embedded has none",
        {},
        by="gateway",
    )
    limits_url: str = told(
        "多个网关共用计数：`redis://host:6379/0`（Redis 或 Valkey）",
        "where several gateways count together",
        "memory://",
        by="gateway",
        secret=True,
    )
    trusted_proxies: Sequence[str] = told(
        "前置代理的地址或网段，其 X-Forwarded-For 可信",
        "proxies in front whose X-Forwarded-For is believed",
        (),
        by="gateway",
    )
    departments: Sequence[str] = told(
        "走消息口（AMQP）的部门，逗号分隔；其余部门经 HTTPS 或页面办理",
        "departments that work over AMQP, which the bridge serves; the others use HTTPS or the pages",
        (),
        by="bridge",
    )

    # What it calls outside
    smtp_url: str | None = told(
        "邮件：`smtps://user:password@host`，或 `smtp://` 加 STARTTLS（本机中继 `?starttls=never`）",
        "e-mail; `smtp://` with STARTTLS (`?starttls=never` for a local relay)",
        by="identity",
        secret=True,
    )
    mail_from: str = told("发件人", "sender", "tongban@localhost", by="identity")
    mail_ca: str | None = told("邮件服务器的私有 CA 证书文件", "private CA of the mail server", by="identity")
    scanner: str | None = told(
        "查毒服务（clamd 协议）：`host:port` 或套接字路径；设后未经查毒的材料一律不收",
        "virus scanner that speaks clamd's protocol, `host:port` or the path of a socket; then nothing is taken unchecked",
        by="documents",
    )
    sms_url: str | None = told(
        "短信网关：`https://<key id>:<secret>@host/path`", "SMS gateway", by="identity", secret=True
    )
    sms_sign_name: str = told("登记的短信签名", "registered signature", "通办", by="identity")
    courier_url: str | None = told(
        "快递接口：`https://<key id>:<secret>@host/path`；未设则由窗口登记运单号和送达",
        "courier; without it the counter notes tracking numbers and delivery",
        by="workflow",
        secret=True,
    )
    courier_name: str = told("快递公司名称", "its name", "快递", by="workflow")

    @property
    def embedded(self) -> bool:
        """True when every service lives in this process and the outbox row is the queue."""
        return self.bus_url == EMBEDDED_BUS


DECLARED = declared_in(Settings)

# Read by commands and by the tests' machinery themselves; no process is told them through ``Settings``.
COMMANDS = (
    Setting(
        name="broker_passwords",
        kind="path",
        zh="消息服务器用户的密码文件",
        en="file with the passwords of the broker's users",
        default="build/data/broker-passwords.yaml",
        by=("gateway.provision",),
    ),
    Setting(
        name="rabbitmq_api",
        zh="RabbitMQ 管理接口",
        en="RabbitMQ's management API",
        default="http://127.0.0.1:15672",
        by=("gateway.provision",),
    ),
    Setting(
        name="rabbitmq_admin",
        zh="其管理员 `用户:密码`",
        en="its administrator, `user:password`",
        default="guest:guest",
        by=("gateway.provision",),
        secret=True,
    ),
    Setting(
        name="token",
        zh="`tongban catalog` 写入时的访问令牌",
        en="access token with which `tongban catalog` writes",
        default=None,
        by=PERSONS,
        secret=True,
    ),
    Setting(
        name="client_secret",
        zh="`tongban-department`：部门系统的客户端密钥",
        en="of the department's client",
        default=None,
        by=PERSONS,
        secret=True,
    ),
    Setting(name="failpoint", zh="仅测试", en="tests only", default=None, by=("tests",)),
)
