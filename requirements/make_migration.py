"""Write a service's next migration: the difference between its models and its newest revision."""

from __future__ import annotations

import sys
import tempfile
from importlib import import_module

from chassis.migrate import make_migration, upgrade
from chassis.service import Service


def main() -> None:
    """Arguments: the service's name and a message."""
    name, message = sys.argv[1:]
    service: Service = import_module(f"services.{name}.service").SERVICE
    with tempfile.TemporaryDirectory() as folder:
        service.database.bind(f"sqlite:///{folder}/models.sqlite")
        upgrade(service.database, service.migrations)
        make_migration(service.database, service.migrations, message)


if __name__ == "__main__":
    main()
