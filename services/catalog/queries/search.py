"""Finding items by what people type, in tiers: codes and names that begin so, words of the name, pinyin, words of the guide.

A tier is asked only while the page is not full. Each is a look-up in the index of ``search_terms`` by equality or as a range
that can stop when it has enough, so that what stands in every guide costs no more than what is rare.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from services.catalog.domain.search_terms import Run
from services.catalog.models import item_versions, items, search_documents, search_terms
from services.catalog.queries import IN_FORCE, state_on

_LAST = "\U0010ffff"
_LONG = 5  # letters that may hold a slip
_CODE = 4

Documents = sa.Select[tuple[int]]
_term, _document = search_terms.c.term, search_terms.c.document
_d = search_documents.c


@dataclass(frozen=True, kw_only=True)
class Search:
    """``name``: the whole query as a plain name. ``facets`` are terms, one of each group. ``start``: how many to pass over."""

    runs: Sequence[Run] = ()
    name: str = ""
    facets: Sequence[str] = ()
    state: str = IN_FORCE
    start: int = 0
    page_size: int = 20

    @property
    def needed(self) -> int:
        """One more than the page, to tell that it goes on."""
        return self.start + self.page_size + 1


def search_items(connection: Connection, today: date, wanted: Search) -> tuple[list[Row[Any]], bool]:
    """The best items first, at most one more than the page; and whether only near ones were found: half of the characters,
    others of the same sound, or most of the letters.
    """
    found = _collect(connection, today, wanted, _tiers(wanted))
    near = not found and bool(wanted.runs)
    if near:
        found = _collect(connection, today, wanted, [_near(wanted.runs)])
    return _summaries(connection, today, found[wanted.start :]), near and bool(found)


def _collect(connection: Connection, today: date, wanted: Search, tiers: Sequence[Documents]) -> list[int]:
    """Documents of one tier after the other, each once, until there are enough."""
    found: dict[int, None] = {}
    for tier in tiers:
        if len(found) < wanted.needed:
            query = _limited(tier, today, wanted).limit(wanted.needed)
            found |= {row.document: None for row in connection.execute(query)}
    return list(found)[: wanted.needed]


def _limited(tier: Documents, today: date, wanted: Search) -> Documents:
    """Only what is in force, in the state that is asked for, with every facet."""
    query = tier.join(items, items.c.item_code == _d.item_code)
    query = query.where(_d.begins <= today, sa.or_(_d.ends.is_(None), _d.ends > today))
    if wanted.state == IN_FORCE:
        # Written out, because planners know how often a column is null but nothing of a CASE.
        query = query.where(
            sa.or_(items.c.retired_on.is_(None), items.c.retired_on > today), items.c.suspended_at.is_(None)
        )
    elif wanted.state:
        query = query.where(state_on(today) == wanted.state)
    return query.where(*(_has(facet) for facet in wanted.facets))


def _tiers(wanted: Search) -> list[Documents]:
    if not wanted.runs:
        return [sa.select(_d.document).select_from(search_documents).order_by(_d.item_code)]
    tiers = []
    if len(wanted.name) >= _CODE and any(c.isdigit() for c in wanted.name):
        tiers.append(_by_term("c" + wanted.name))
    tiers.append(_by_term("n" + wanted.name))
    if len(wanted.name) > 1 and not any(run.words for run in wanted.runs):
        tiers += [_by_term(kind + wanted.name) for kind in "qj"]
    kinds = ["w", "wpi", "tpi"] if any(not run.words for run in wanted.runs) else ["w", "t"]
    return tiers + [_with_every_run(wanted.runs, of) for of in kinds]


def _by_term(text: str) -> Documents:
    """In the order of the terms: the whole text comes before what goes on after it."""
    return _driven().where(_begins(text)).order_by(_term)


def _with_every_run(runs: Sequence[Run], kinds: str) -> Documents:
    """Words of characters are of the first of ``kinds``, letters of any of them. One run leads: letters, which are
    a range, or else the first word, which is found by equality; the others are looked up for each document.
    """
    words = [kinds[0] + word for run in runs for word in run.words]
    letters = [_beginning(run.text, _sensible(run.text, kinds)) for run in runs if not run.words]
    if letters:
        first = letters.pop()
        query, order = sa.select(_d.document).join(first, _led_by(first.c.document)), first.c.document
    else:
        query, order = _driven().where(_term == words.pop(0)), _document
    query = query.where(
        *(_has(term) for term in words), *(_d.document.in_(sa.select(more.c.document)) for more in letters)
    )
    return query.order_by(order)


def _near(runs: Sequence[Run]) -> Documents:
    """Every run nearly; what shares most characters first."""
    each = [_nearly(run) for run in runs]
    parts = sa.union_all(*each).subquery() if len(each) > 1 else each[0].subquery()
    ranked = (
        sa.select(parts.c.document, sa.func.sum(parts.c.score).label("score"))
        .group_by(parts.c.document)
        .having(sa.func.count(sa.distinct(parts.c.run)) == len(runs))
        .subquery()
    )
    query = sa.select(_d.document).join(ranked, ranked.c.document == _d.document)
    return query.order_by(ranked.c.score.desc(), _d.document)


def _nearly(run: Run) -> sa.Select[Any]:
    name = sa.literal(run.text).label("run")
    if not run.words:
        short = run.text if len(run.text) < _LONG else run.text[: ceil(len(run.text) * 3 / 4)]
        found = _beginning(short, "wp")
        return sa.select(found.c.document, name, sa.literal(1).label("score"))
    same = (
        sa.select(_document, sa.func.count().label("score"))
        .where(_term.in_(["w" + word for word in run.words]))
        .group_by(_document)
    )
    enough = same.having(sa.func.count() >= ceil(len(run.words) / 2))
    sounds = sa.select(_document, sa.literal(len(run.words))).where(_begins("p" + run.sounds))
    both = sa.union_all(enough, sounds).subquery()
    return sa.select(both.c.document, name, sa.func.max(both.c.score).label("score")).group_by(both.c.document)


def _driven() -> Documents:
    return sa.select(_d.document).join(search_terms, _led_by(_document))


def _led_by(document: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Joins so that no planner begins with every item and looks its terms up: the sum is in no index."""
    return _d.document == document + 0


def _has(term: str) -> sa.ColumnElement[bool]:
    """Looked up for each document: the offset keeps planners from turning it into a join, whose size they cannot guess."""
    other = search_terms.alias()
    mine = sa.select(other.c.term).where(other.c.document == _d.document, other.c.term == term)
    return sa.exists(mine.offset(0))


def _sensible(text: str, kinds: str) -> str:
    """A single letter begins too much to stand for pinyin, and figures do not."""
    return kinds if len(text) > 1 and not text.isdigit() else kinds.replace("p", "").replace("i", "")


def _beginning(text: str, kinds: str) -> sa.Subquery:
    """Each document once that has a term of these kinds that begins so: a range of the index for each kind."""
    ranges = [sa.select((_document + 0).label("document")).where(_begins(kind + text)) for kind in kinds]
    return sa.union(*ranges).subquery() if len(ranges) > 1 else ranges[0].distinct().subquery()


def _begins(text: str) -> sa.ColumnElement[bool]:
    return sa.and_(_term >= text, _term < text + _LAST)


def _summaries(connection: Connection, today: date, found: Sequence[int]) -> list[Row[Any]]:
    v = item_versions.c
    query = (
        sa.select(
            _d.document, v.item_code, items.c.basic_code, v.version, v.name, v.name_en, v.item_type, v.lead_department,
            v.person_topics, v.organisation_topics, v.effective_from, items.c.retired_on, state_on(today).label("state"),
        )
        .join(search_documents, sa.and_(_d.item_code == v.item_code, _d.version == v.version))
        .join(items, items.c.item_code == v.item_code)
        .where(_d.document.in_(found))
    )  # fmt: skip
    rows: dict[int, Any] = {row.document: row for row in connection.execute(query)}
    return [rows[document] for document in found]
