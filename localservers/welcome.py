"""What ``make up`` says and writes down: a line per part, then where everything is."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from localservers.platform import directory
from localservers.whole import WholePlatform

ADDRESSES = "up.json"


def ready_line(name: str, address: str, seconds: float) -> str:
    """One part that is ready."""
    return f"  {seconds:6.1f} s  就绪 / ready  {name:<30} {address}"


def welcome(whole: WholePlatform, *, rate: float) -> str:
    """The text, Chinese first."""
    public, (user, password) = whole.platform.public_url, whole.rabbitmq.admin
    gateways = " ".join(whole.platform.addresses("gateway"))
    lines = [
        "",
        f"通办已就绪 / Tongban is ready: {public}",
        f"  各网关 / gateways                {gateways}",
        f"  接口文档 / API documentation     {public}/docs",
        f"  指标 / Prometheus                {whole.prometheus.url}",
        f"  告警 / Alertmanager              {whole.alertmanager.url}",
        f"  消息服务 / RabbitMQ management   {whole.rabbitmq.management_url}   {user}   {password}",
        f"  服务发现 / Consul                {whole.consul.url}/ui/",
        f"  调用链 / traces                  {whole.traces_url}/traces",
        f"  日志 / logs                      {whole.folder / 'logs'}   {whole.folder / '<server>'}",
        f"  地址簿 / addresses as JSON       {whole.folder / ADDRESSES}",
        f"  模拟部门 / simulated departments {' '.join(whole.departments)}",
        f"  演示流量 / demo traffic          {f'每分钟 {rate:g} 件 / {rate:g} applications a minute' if rate else '无 / none'}",
        "",
        "演示账号（虚构）/ demo accounts (fictitious):",
        *(f"  {a['username']:<28} {a['password']:<28} {a['kind']}" for a in directory()["accounts"]),
        "",
        "停止 / stop: Ctrl-C",
        "",
    ]
    return "\n".join(lines)


def write_addresses(whole: WholePlatform) -> None:
    """``up.json`` in the folder, for programs; it holds a password, so only its owner may read it."""
    user, password = whole.rabbitmq.admin
    processes = whole.platform.processes
    content: dict[str, Any] = {
        "public": whole.platform.public_url,
        "gateways": whole.platform.addresses("gateway"),
        "addresses": whole.addresses(),
        "rabbitmq": {"user": user, "password": password},
        "departments": whole.departments,
        "logs": str((whole.folder / "logs").resolve()),
        "pids": {name: server.pid for name, server in whole.servers.items()}
        | {name: processes.pid(name) for name in processes.names()},
    }
    draft = whole.folder / f"{ADDRESSES}.new"
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    os.replace(draft, whole.folder / ADDRESSES)


def read_addresses(folder: Path) -> dict[str, Any]:
    """What ``write_addresses`` wrote."""
    content: dict[str, Any] = json.loads((folder / ADDRESSES).read_text(encoding="utf-8"))
    return content
