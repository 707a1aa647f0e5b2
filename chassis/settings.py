"""Settings from the environment. What is wrong is said in one sentence at start, all of it at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from environs import Env, EnvValidationError
from marshmallow.validate import OneOf, Range

from chassis.log import LEVELS

PREFIX = "TONGBAN_"
EMBEDDED_BUS = "embedded"


class SettingsError(Exception):
    """The environment does not make sense; the message names each variable and what is wrong with it."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one process is told. Addresses are ``host:port``; times are seconds.

    ``{service}`` in DATABASE_URL stands for the service's name, so that one environment may serve them all.
    """

    service: str
    database_url: str
    bus_url: str
    http_address: str
    ops_address: str
    services: Mapping[str, str]
    public_url: str
    issuer: str
    ledger_name: str
    data_dir: Path
    catalog_dir: Path
    catalog_items: Sequence[str]
    directory_file: Path | None
    registers_file: Path | None
    outside_providers_file: Path | None
    private_hosts: Sequence[str]
    data_request_days: int
    correction_window_days: int
    correction_days: int
    clock_file: Path | None
    connectors_file: Path | None
    open_data_k: int
    log_level: str
    web_threads: int
    stop_timeout_s: float
    retry_limit: int
    tls_certificate: Path | None
    tls_key: Path | None
    staff_second_factor: str
    staff_idle_s: int
    password_length: int
    password_classes: int
    password_days: int
    password_history: int
    sign_in_failures: int
    sign_in_longest_delay_s: int
    sign_in_address_failures: int
    consul: str | None
    consul_token: str | None
    advertise: str | None
    gateway_threads: int
    gateway: Mapping[str, str]
    limits: Mapping[str, str]
    limits_url: str
    trusted_proxies: Sequence[str]
    smtp_url: str | None
    mail_from: str
    mail_ca: str | None
    sms_url: str | None
    sms_sign_name: str
    courier_url: str | None
    courier_name: str

    @property
    def embedded(self) -> bool:
        """True when every service lives in this process and the outbox row is the queue."""
        return self.bus_url == EMBEDDED_BUS


def load_settings(service: str) -> Settings:
    """Read ``TONGBAN_*``. Raises SettingsError naming every variable that is missing or wrong."""
    env = Env(prefix=PREFIX, eager=False)
    values = {
        "database_url": env.str("DATABASE_URL", "sqlite:///build/data/{service}.sqlite").replace("{service}", service),
        "bus_url": env.str("BUS_URL", EMBEDDED_BUS),
        "http_address": env.str("HTTP_ADDRESS", "127.0.0.1:8000"),
        "ops_address": env.str("OPS_ADDRESS", "127.0.0.1:0"),
        "services": env.dict("SERVICES", {}),
        "public_url": env.str("PUBLIC_URL", "http://127.0.0.1:8000"),
        "issuer": env.str("ISSUER", ""),
        "ledger_name": env.str("LEDGER_NAME", "tongban"),
        "data_dir": env.path("DATA_DIR", Path("build/data")),
        "catalog_dir": env.path("CATALOG_DIR", Path("catalogs")),
        "catalog_items": env.list("CATALOG_ITEMS", []),
        "directory_file": env.path("DIRECTORY_FILE", None),
        "registers_file": env.path("REGISTERS_FILE", None),
        "outside_providers_file": env.path("OUTSIDE_PROVIDERS_FILE", None),
        "private_hosts": env.list("PRIVATE_HOSTS", []),
        "data_request_days": env.int("DATA_REQUEST_DAYS", 15, validate=Range(min=1, max=60)),
        "correction_window_days": env.int("CORRECTION_WINDOW_DAYS", 3, validate=Range(min=1, max=5)),
        "correction_days": env.int("CORRECTION_DAYS", 15, validate=Range(min=1, max=60)),
        "clock_file": env.path("CLOCK_FILE", None),
        "connectors_file": env.path("CONNECTORS_FILE", None),
        "open_data_k": env.int("OPEN_DATA_K", 5, validate=Range(min=2, max=1000)),
        "log_level": env.str("LOG_LEVEL", "INFO", validate=OneOf(LEVELS)),
        "web_threads": env.int("WEB_THREADS", 16, validate=Range(min=1, max=256)),
        "stop_timeout_s": env.float("STOP_TIMEOUT_S", 20.0, validate=Range(min=0.1)),
        "retry_limit": env.int("RETRY_LIMIT", 12, validate=Range(min=1)),
        "tls_certificate": env.path("TLS_CERTIFICATE", None),
        "tls_key": env.path("TLS_KEY", None),
        "staff_second_factor": env.str("STAFF_SECOND_FACTOR", "required", validate=OneOf(("required", "offered"))),
        "staff_idle_s": env.int("STAFF_IDLE_S", 600, validate=Range(min=60)),
        "password_length": env.int("PASSWORD_LENGTH", 12, validate=Range(min=8, max=128)),
        "password_classes": env.int("PASSWORD_CLASSES", 3, validate=Range(min=1, max=4)),
        "password_days": env.int("PASSWORD_DAYS", 90, validate=Range(min=0)),
        "password_history": env.int("PASSWORD_HISTORY", 5, validate=Range(min=1, max=24)),
        "sign_in_failures": env.int("SIGN_IN_FAILURES", 5, validate=Range(min=1)),
        "sign_in_longest_delay_s": env.int("SIGN_IN_LONGEST_DELAY_S", 300, validate=Range(min=1)),
        "sign_in_address_failures": env.int("SIGN_IN_ADDRESS_FAILURES", 20, validate=Range(min=1)),
        "consul": env.str("CONSUL", None),
        "consul_token": env.str("CONSUL_TOKEN", None),
        "advertise": env.str("ADVERTISE", None),
        "gateway_threads": env.int("GATEWAY_THREADS", 64, validate=Range(min=4, max=512)),
        "gateway": env.dict("GATEWAY", {}),
        "limits": env.dict("LIMITS", {}),
        "limits_url": env.str("LIMITS_URL", "memory://"),
        "trusted_proxies": env.list("TRUSTED_PROXIES", []),
        "smtp_url": env.str("SMTP_URL", None),
        "mail_from": env.str("MAIL_FROM", "tongban@localhost"),
        "mail_ca": env.str("MAIL_CA", None),
        "sms_url": env.str("SMS_URL", None),
        "sms_sign_name": env.str("SMS_SIGN_NAME", "通办"),
        "courier_url": env.str("COURIER_URL", None),
        "courier_name": env.str("COURIER_NAME", "快递"),
    }
    problems = _problems(env)
    if not problems:
        problems = _contradictions(values)
    if problems:
        raise SettingsError("设置有误 / settings are wrong: " + "; ".join(problems))
    values["issuer"] = values["issuer"] or str(values["public_url"]).rstrip("/")
    return Settings(service=service, **values)  # type: ignore[arg-type]


def _problems(env: Env) -> list[str]:
    try:
        env.seal()
    except EnvValidationError as error:
        assert isinstance(error.error_messages, Mapping)
        return [f"{name}: {' '.join(map(str, texts))}" for name, texts in error.error_messages.items()]
    return []


def _contradictions(values: Mapping[str, object]) -> list[str]:
    problems = []
    if not str(values["database_url"]).startswith(("sqlite://", "postgresql+psycopg://")):
        problems.append(f"{PREFIX}DATABASE_URL: must start with sqlite:// or postgresql+psycopg://")
    if values["bus_url"] != EMBEDDED_BUS and not str(values["bus_url"]).startswith(("amqp://", "amqps://")):
        problems.append(f"{PREFIX}BUS_URL: must be '{EMBEDDED_BUS}' or start with amqp:// or amqps://")
    if (values["tls_certificate"] is None) != (values["tls_key"] is None):
        problems.append(f"{PREFIX}TLS_CERTIFICATE and {PREFIX}TLS_KEY: give both or none")
    for name in ("http_address", "ops_address", "advertise"):
        host, colon, port = str(values[name]).rpartition(":")
        if values[name] is not None and not (host and colon and port.isdigit()):
            problems.append(f"{PREFIX}{name.upper()}: must be host:port")
    return problems + _registry_contradictions(values)


def _registry_contradictions(values: Mapping[str, object]) -> list[str]:
    if values["consul"] is None:
        return []
    problems = []
    if not str(values["consul"]).startswith(("http://", "https://")):
        problems.append(f"{PREFIX}CONSUL: must start with http:// or https://")
    if values["advertise"] is None and str(values["http_address"]).startswith(("0.0.0.0:", "[::]:")):
        problems.append(f"{PREFIX}ADVERTISE: must say where others reach this process, for it listens on every address")
    return problems
