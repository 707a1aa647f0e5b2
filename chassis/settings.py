"""Settings from the environment. What is wrong is said in one sentence at start, all of it at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from environs import Env, EnvValidationError
from marshmallow.validate import OneOf, Range

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
    data_dir: Path
    catalog_dir: Path
    directory_file: Path | None
    clock_file: Path | None
    log_level: str
    web_threads: int
    stop_timeout_s: float
    retry_limit: int
    tls_certificate: Path | None
    tls_key: Path | None

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
        "issuer": env.str("ISSUER", "tongban"),
        "data_dir": env.path("DATA_DIR", Path("build/data")),
        "catalog_dir": env.path("CATALOG_DIR", Path("catalogs")),
        "directory_file": env.path("DIRECTORY_FILE", None),
        "clock_file": env.path("CLOCK_FILE", None),
        "log_level": env.str("LOG_LEVEL", "INFO", validate=OneOf(("DEBUG", "INFO", "WARNING", "ERROR"))),
        "web_threads": env.int("WEB_THREADS", 16, validate=Range(min=1, max=256)),
        "stop_timeout_s": env.float("STOP_TIMEOUT_S", 20.0, validate=Range(min=0.1)),
        "retry_limit": env.int("RETRY_LIMIT", 12, validate=Range(min=1)),
        "tls_certificate": env.path("TLS_CERTIFICATE", None),
        "tls_key": env.path("TLS_KEY", None),
    }
    problems = _problems(env)
    if not problems:
        problems = _contradictions(values)
    if problems:
        raise SettingsError("设置有误 / settings are wrong: " + "; ".join(problems))
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
    for name in ("http_address", "ops_address"):
        host, colon, port = str(values[name]).rpartition(":")
        if not (host and colon and port.isdigit()):
            problems.append(f"{PREFIX}{name.upper()}: must be host:port")
    return problems
