"""Take a package that ships with the product into force; doing it again changes nothing."""

from __future__ import annotations

from datetime import date

from chassis.db import Tx
from services.catalog.adapters.package_document import package_document
from services.catalog.domain.package import PackageDefinition
from services.catalog.queries.packages import is_published
from services.catalog.use_cases.import_catalogs import IMPORTER
from services.catalog.use_cases.publish_package import publish_package


def import_package(tx: Tx, definition: PackageDefinition, today: date) -> bool:
    """Publish the package unless some version says the same; True if anything changed. Raises Refusal like
    ``publish_package``.
    """
    if is_published(tx.connection, definition.package_code, package_document(definition)):
        return False
    return publish_package(tx, definition, today=today, by=IMPORTER).created
