"""The clock in: take the shipped catalogue into force, patiently until the departments have arrived."""

from __future__ import annotations

import time
from pathlib import Path

import structlog

from chassis.errors import Refusal
from chassis.service import Job
from services.catalog.adapters.catalog_files import SHIPPED, CatalogFileError, read_entry
from services.catalog.adapters.package_document import read_package
from services.catalog.domain.law_date import law_date
from services.catalog.models import db
from services.catalog.use_cases.import_catalogs import import_entry
from services.catalog.use_cases.import_package import import_package
from services.catalog.use_cases.index_item import index_missing
from services.catalog.use_cases.keep_dates import CALENDAR, cancel_due, put_in_force
from services.catalog.use_cases.publish_package import refresh_packages
from services.catalog.use_cases.share import flag_silence

log = structlog.get_logger()

EVERY_S = 2.0
REST_S = 60.0
PATIENT_TURNS = 30
INDEXED_AT_ONCE = 100
SILENCE_EVERY_S = 30.0
CALENDAR_EVERY_S = 30.0
DATES_AT_ONCE = 100


class CatalogImport:
    """Imports every file that is new or has changed; rests for a minute once nothing waits for a department any more, and
    between looks when a department has not come for a while.
    """

    def __init__(self) -> None:
        self._rest_until = 0.0
        self._waited = 0
        self._done: dict[Path, tuple[int, ...]] = {}

    def start_over(self) -> None:
        """Look at every file at the next turn."""
        self._rest_until = 0.0
        self._waited = 0
        self._done.clear()

    def __call__(self) -> None:
        """One turn of the job."""
        if time.monotonic() < self._rest_until:
            return
        waiting = [file for file in SHIPPED.files() if not self._import(file)]
        for file in SHIPPED.packages():
            _import_package(file)
        self._waited = self._waited + 1 if waiting else 0
        if not waiting or self._waited > PATIENT_TURNS:
            self._rest_until = time.monotonic() + REST_S

    def _import(self, file: Path) -> bool:
        """False if the file waits for a department."""
        stamp = SHIPPED.stamp(file)
        if self._done.get(file) == stamp:
            return True
        taken = _import_file(file)
        if taken:
            self._done[file] = stamp
        return taken is not None


def _import_file(file: Path) -> bool | None:
    """None if the file waits for a department, False if it is faulty, which is reported until someone mends it."""
    try:
        entry = read_entry(file)
        with db.transaction() as tx:
            changed = import_entry(tx, entry)
    except CatalogFileError as error:
        log.warning("catalog_file_unreadable", file=file.name, problem=str(error))
        return False
    except Refusal as refusal:
        waits = refusal.code == "department_unknown"
        tell = log.info if waits else log.warning
        tell("catalog_file_refused", file=file.name, refusal=refusal.code, facts=refusal.facts)
        return None if waits else False
    if changed:
        log.info("catalog_file_imported", file=file.name, item_code=entry.definition.item_code)
    return True


def _import_package(file: Path) -> None:
    """A package whose items are not all there is looked at again when the files are."""
    try:
        entry = read_package(file)
        with db.transaction() as tx:
            changed = import_package(tx, entry, law_date(tx.now))
    except CatalogFileError as error:
        log.warning("catalog_file_unreadable", file=file.name, problem=str(error))
    except Refusal as refusal:
        log.info("catalog_file_refused", file=file.name, refusal=refusal.code, facts=refusal.facts)
    else:
        if changed:
            log.info("catalog_file_imported", file=file.name, package_code=entry.definition.package_code)


class SearchIndex:
    """Indexes what a database of an older version holds, a few versions at a time; rests once there is nothing left."""

    def __init__(self) -> None:
        self._rest_until = 0.0

    def start_over(self) -> None:
        """Look again at the next turn."""
        self._rest_until = 0.0

    def __call__(self) -> None:
        """One turn of the job."""
        if time.monotonic() < self._rest_until:
            return
        with db.transaction() as tx:
            found = index_missing(tx, INDEXED_AT_ONCE)
        if found < INDEXED_AT_ONCE:
            self._rest_until = time.monotonic() + REST_S


def keep_calendar() -> None:
    """Versions come into force and items end on their days; packages follow their items."""
    with db.transaction() as tx:
        today = law_date(tx.now)
        put_in_force(tx, today, DATES_AT_ONCE)
        cancel_due(tx, today, DATES_AT_ONCE)
        refresh_packages(tx, today, by=CALENDAR)


def note_silence() -> None:
    """Applications that no provider answered within ten working days."""
    with db.transaction() as tx:
        flag_silence(tx)


catalog_import = CatalogImport()
search_index = SearchIndex()
JOBS = (
    Job("catalog.import", EVERY_S, catalog_import),
    Job("catalog.calendar", CALENDAR_EVERY_S, keep_calendar),
    Job("catalog.search_index", EVERY_S, search_index),
    Job("catalog.sharing_silence", SILENCE_EVERY_S, note_silence),
)
