"""An Alertmanager of one's own. It routes and inhibits as an installation's would, and keeps alerts where its page shows them."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from localservers.ports import free_port
from localservers.requirements import ALERTMANAGER
from localservers.server import Server, answers
from localservers.watching import AlertmanagerApi


class Alertmanager(Server, AlertmanagerApi):
    """A server on a free port of 127.0.0.1, alone, with the ``routes`` and inhibitions of a configuration whose receivers are
    left out: nobody is told, who wants to know looks at its page.
    """

    package = ALERTMANAGER

    def __init__(self, folder: Path, *, routes: Path) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        Server.__init__(self, folder)
        AlertmanagerApi.__init__(self, f"http://{self.address}")
        self._routes = routes

    def _prepare(self) -> None:
        config = yaml.safe_load(self._routes.read_text(encoding="utf-8"))
        config["receivers"] = [{"name": receiver["name"]} for receiver in config["receivers"]]
        (self.folder / "alertmanager.yml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")

    def _command(self) -> list[str]:
        return [
            shutil.which(self.package) or self.package, f"--config.file={self.folder}/alertmanager.yml",
            f"--storage.path={self.folder}/data", f"--web.listen-address={self.address}", "--cluster.listen-address=",
            "--log.level=warn",
        ]  # fmt: skip

    def _ready(self) -> bool:
        return answers(f"{self.url}/-/ready")
