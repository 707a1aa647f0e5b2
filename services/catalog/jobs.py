"""The clock in: take the shipped catalogue into force, patiently until the departments have arrived."""

from __future__ import annotations

import time
from pathlib import Path

import structlog

from chassis.errors import Refusal
from chassis.service import Job
from services.catalog.adapters.catalog_files import SHIPPED, CatalogFileError, read_entry
from services.catalog.models import db
from services.catalog.use_cases.import_catalogs import import_entry

log = structlog.get_logger()

EVERY_S = 2.0
REST_S = 60.0


class CatalogImport:
    """Imports every file; rests for a minute once nothing waits for a department any more."""

    def __init__(self) -> None:
        self._rest_until = 0.0

    def start_over(self) -> None:
        """Look at every file at the next turn."""
        self._rest_until = 0.0

    def __call__(self) -> None:
        """One turn of the job."""
        if time.monotonic() < self._rest_until:
            return
        waiting = [file for file in SHIPPED.files() if not _import_file(file)]
        if not waiting:
            self._rest_until = time.monotonic() + REST_S


def _import_file(file: Path) -> bool:
    """False if the file waits for a department. A faulty file is reported and left until someone mends it."""
    try:
        entry = read_entry(file)
        with db.transaction() as tx:
            changed = import_entry(tx, entry)
    except CatalogFileError as error:
        log.warning("catalog_file_unreadable", file=file.name, problem=str(error))
        return True
    except Refusal as refusal:
        waits = refusal.code == "department_unknown"
        tell = log.info if waits else log.warning
        tell("catalog_file_refused", file=file.name, refusal=refusal.code, facts=refusal.facts)
        return not waits
    if changed:
        log.info("catalog_file_imported", file=file.name, item_code=entry.definition.item_code)
    return True


catalog_import = CatalogImport()
JOBS = (Job("catalog.import", EVERY_S, catalog_import),)
