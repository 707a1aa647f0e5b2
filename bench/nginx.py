"""nginx as a plain proxy in front of a service: one worker, keep-alive to the service, everything in its own folder."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.tools import tool
from localservers.child import Child
from localservers.ports import free_port, listens

_CONFIG = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream service {{ server {service}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://service;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }}
  }}
}}
"""


@contextmanager
def nginx(folder: Path, service: str) -> Iterator[tuple[str, int]]:
    """Started in front of ``service`` (``host:port``); yields its address and process id."""
    folder.mkdir()
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(_CONFIG.format(folder=folder, service=service, port=port), encoding="utf-8")
    command = [tool("nginx"), "-p", str(folder), "-c", str(config), "-e", str(folder / "error.log")]
    child = Child(command, folder / "nginx.log", environment={"PATH": os.environ.get("PATH", "/usr/bin:/bin")})
    try:
        child.wait_until(lambda: listens(port), timeout_s=10)
        yield f"http://127.0.0.1:{port}", child.pid
    finally:
        child.stop(signal.SIGTERM, timeout_s=10)
