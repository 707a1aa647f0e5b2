"""JSON logs on standard error, each line with service, case number, trace and span id where there is one."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from chassis import trace

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def configure(service: str, level: str = "INFO") -> None:
    """Send structlog and the standard library's logging to standard error as JSON lines."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _say_trace,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.EventRenamer("message"),
                lambda _logger, _name, line: {"service": service, **line},
                structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    set_level(level)


def _say_trace(_logger: Any, _name: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """From a log line to its trace."""
    if found := trace.ids(trace.traceparent.get()):
        line["trace_id"], line["span_id"] = found
    return line


def follow_level(values: Mapping[str, str], usual: str) -> str:
    """Take the level from the settings that change while running: key ``log_level``, else ``usual``. Returns it."""
    level = values.get("log_level", usual).strip().upper()
    if level not in LEVELS:
        structlog.get_logger().error("settings_make_no_sense", log_level=level)
        level = usual
    set_level(level)
    return level


def set_level(level: str) -> None:
    """Write lines of ``level`` and above from now on."""
    logging.getLogger().setLevel(level)
    for noisy in ("amqp", "kombu", "pika", "alembic", "pyhanko", "fontTools"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level)))
