"""What ``make run`` prints: the address, where things are, the demo accounts."""

from __future__ import annotations

import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path

import yaml

from chassis.settings import Settings

READY_TIMEOUT_S = 60.0
DEMO_DIRECTORY = Path("catalogs/directory/demo.yaml")


def base_url(settings: Settings) -> str:
    """Address of the gateway in this process."""
    return f"{'https' if settings.tls_certificate else 'http'}://{settings.http_address}"


def wait_until_ready(settings: Settings) -> bool:
    """Poll ``/health/ready``; False when it does not come."""
    context = ssl.create_default_context(cafile=str(settings.tls_certificate)) if settings.tls_certificate else None
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{base_url(settings)}/health/ready", timeout=5, context=context):  # noqa: S310
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False


def welcome(settings: Settings, *, simulated: bool) -> str:
    """The text, Chinese first."""
    base = settings.public_url.rstrip("/")
    lines = [
        "",
        f"通办已就绪 / Tongban is ready: {base}",
        f"  接口文档 / API documentation   {base}/docs   {base}/openapi.json",
        f"  健康与指标 / health and metrics {base}/health/ready   {base}/metrics",
        f"  数据目录 / data folder          {settings.data_dir}",
        f"  模拟部门 / simulated departments: {'已启动 / running' if simulated else '未启动 / none'}",
        "",
        "演示账号（虚构）/ demo accounts (fictitious):",
        *_accounts(settings),
        "",
        "停止 / stop: Ctrl-C",
        "",
    ]
    return "\n".join(lines)


def _accounts(settings: Settings) -> list[str]:
    assert settings.directory_file is not None
    directory = yaml.safe_load(settings.directory_file.read_text(encoding="utf-8"))
    return [f"  {a['username']:<28} {a['password']:<28} {a['kind']}" for a in directory.get("accounts", [])]
