"""Let a version be found by search, in the transaction that publishes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa

from chassis.db import Tx
from services.catalog.adapters.pinyin import syllables
from services.catalog.domain import vocabulary as v
from services.catalog.domain.law_date import law_date
from services.catalog.domain.search_terms import FORM, terms_of
from services.catalog.models import departments, item_versions, search_documents, search_terms

Document = Mapping[str, Any]
_LABELS = {
    "person_topics": v.PERSON_TOPICS,
    "organisation_topics": v.ORGANISATION_TOPICS,
    "life_events": v.LIFE_EVENTS,
}


def index_version(tx: Tx, version: int, document: Document) -> None:
    """The version before it is found up to its day; what is over already is forgotten.

    ``document`` is the stored form of the version, which has just been written.
    """
    d = search_documents.c
    mine = d.item_code == document["item_code"]
    ends = sa.update(search_documents).where(mine, d.version < version, d.ends.is_(None))
    tx.execute(ends.values(ends=_begins(document)))
    _forget(tx, mine, d.ends <= law_date(tx.now))
    _add(tx, version, document, ends=None)


def index_missing(tx: Tx, most: int) -> int:
    """Index versions that have no terms, or terms of an older form: those of a database from before; how many were found.

    Several processes may do so at once: a version whose row another has just written is left to it.
    """
    d, now = search_documents.c, item_versions.c
    same = sa.and_(d.item_code == now.item_code, d.version == now.version, d.form == FORM)
    later = item_versions.alias("later")
    over = sa.exists().where(
        later.c.item_code == now.item_code,
        later.c.version > now.version,
        later.c.effective_from <= law_date(tx.now),
    )
    next_begin = (
        sa.select(sa.func.min(later.c.effective_from))
        .where(later.c.item_code == now.item_code, later.c.version > now.version)
        .scalar_subquery()
    )
    wanted = sa.select(now.version, now.definition, next_begin.label("ends")).where(~over, ~sa.exists().where(same))
    missing = tx.execute(wanted.limit(most)).all()
    for row in missing:
        _forget(tx, d.item_code == row.definition["item_code"], d.version == row.version, d.form != FORM)
        _add(tx, row.version, row.definition, ends=row.ends)
    return len(missing)


def _add(tx: Tx, version: int, document: Document, *, ends: date | None) -> None:
    row = {
        "item_code": document["item_code"],
        "version": version,
        "begins": _begins(document),
        "ends": ends,
        "form": FORM,
    }
    added = tx.insert_new(search_documents, [row], [search_documents.c.document])
    for new in added:
        terms = terms_of(document, _labels(tx, document), syllables)
        tx.insert(search_terms, [{"term": term, "document": new.document} for term in sorted(terms)])


def _forget(tx: Tx, *which: sa.ColumnElement[bool]) -> None:
    gone = tx.execute(sa.select(search_documents.c.document).where(*which)).scalars().all()
    if gone:
        tx.execute(sa.delete(search_terms).where(search_terms.c.document.in_(gone)))
        tx.execute(sa.delete(search_documents).where(search_documents.c.document.in_(gone)))


def _labels(tx: Tx, document: Document) -> list[str]:
    """What the guide's codes are called."""
    codes = {str(document["lead_department"]), *(str(step["department"]) for step in document["plan"])}
    named = sa.select(departments.c.name, departments.c.name_en).where(departments.c.code.in_(codes))
    names = [name for row in tx.execute(named) for name in row]
    for part, labels in _LABELS.items():
        names += [word for code in document.get(part, ()) for word in labels.get(code, ())]
    return names


def _begins(document: Document) -> date:
    return date.fromisoformat(document["effective_from"])
