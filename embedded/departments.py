"""Simulated departments beside the embedded platform: each a process of its own that uses the department SDK."""

from __future__ import annotations

import subprocess
import sys

import yaml

from chassis.settings import Settings
from embedded.welcome import base_url

STOP_TIMEOUT_S = 10.0


class Departments:
    """Starts and stops one ``tongban-department simulate`` per client of the directory."""

    def __init__(self, settings: Settings, *, delay_s: float) -> None:
        self._settings, self._delay_s = settings, delay_s
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start them; they reconnect on their own."""
        assert self._settings.directory_file is not None
        directory = yaml.safe_load(self._settings.directory_file.read_text(encoding="utf-8"))
        for client in directory.get("clients", []):
            self._processes.append(self._one(client))

    def _one(self, client: dict[str, str]) -> subprocess.Popen[bytes]:
        journal = self._settings.data_dir / f"department-{client['department']}.sqlite"
        command = [
            sys.executable, "-m", "department_sdk.cli", "simulate", "--department", client["department"],
            "--https", base_url(self._settings), "--client-id", client["client_id"], "--client-secret", client["client_secret"],
            "--delay", str(self._delay_s), "--journal", str(journal),
        ]  # fmt: skip
        if self._settings.tls_certificate:
            command += ["--ca-file", str(self._settings.tls_certificate)]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def stop(self) -> None:
        """End them and wait."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
