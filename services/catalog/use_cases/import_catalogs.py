"""Take the catalogue that ships with the product into force; doing it again changes nothing."""

from __future__ import annotations

from chassis.db import Tx
from services.catalog import queries
from services.catalog.adapters.catalog_files import CatalogEntry
from services.catalog.adapters.definition_document import content_hash, document_of
from services.catalog.use_cases.publish_item import publish_item
from services.catalog.use_cases.retire_item import retire_item

IMPORTER = "catalog.import"


def import_entry(tx: Tx, entry: CatalogEntry) -> bool:
    """Publish the entry unless some version already says the same, and retire it if it says so; True if anything changed.

    A file whose words were published before is left alone even if a newer version came through the API. Raises Refusal like
    ``publish_item``.
    """
    code = entry.definition.item_code
    changed = False
    if entry.retirement is not None and queries.is_retired(tx.connection, code):
        return False
    if not queries.has_content(tx.connection, code, content_hash(document_of(entry.definition))):
        changed = publish_item(tx, entry.definition, by=IMPORTER).created
    if entry.retirement is not None:
        retire_item(tx, code, retired_on=entry.retirement.retired_on, reason=entry.retirement.reason, by=IMPORTER)
        changed = True
    return changed
