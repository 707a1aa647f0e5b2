"""Take a package that ships with the product into force; doing it again changes nothing."""

from __future__ import annotations

from datetime import date

from chassis.db import Tx
from services.catalog.adapters.package_document import PackageEntry, package_document
from services.catalog.queries.packages import is_package_retired, is_published
from services.catalog.use_cases.import_catalogs import IMPORTER
from services.catalog.use_cases.publish_package import publish_package
from services.catalog.use_cases.retire_package import retire_package


def import_package(tx: Tx, entry: PackageEntry, today: date) -> bool:
    """Publish the package unless some version says the same, and retire it if the file says so; True if anything changed.

    A package that has its end is left alone. Raises Refusal like ``publish_package`` and ``retire_package``.
    """
    code, end = entry.definition.package_code, entry.retirement
    if is_package_retired(tx.connection, code):
        return False
    changed = False
    if not is_published(tx.connection, code, package_document(entry.definition)):
        changed = publish_package(tx, entry.definition, today=today, by=IMPORTER).created
    if end is not None:
        retire_package(tx, code, retired_on=end.retired_on, reason=end.reason)
        changed = True
    return changed
