"""What a table of rights asks of an object, as SQL: the same needs filter a list and guard one row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import sqlalchemy as sa

Field = Callable[[frozenset[str]], sa.ColumnElement[bool]]


class Need(Protocol):
    """The object's ``field`` has to hold one of ``values``, or, when ``forbidden``, none of them."""

    @property
    def field(self) -> str:
        """Its name in the table of rights."""

    @property
    def values(self) -> frozenset[str]:
        """Values that match."""

    @property
    def forbidden(self) -> bool:
        """Whether a match refuses."""


def clause(needs: Iterable[Need] | None, fields: Mapping[str, Field]) -> sa.ColumnElement[bool]:
    """WHERE clause of ``needs``; never true for None. ``fields`` says how each field is compared with some values.

    Raises KeyError for a field that the service does not know: a condition is never overlooked.
    """
    if needs is None:
        return sa.false()
    compared = ((need, fields[need.field](need.values)) for need in needs)
    return sa.and_(sa.true(), *(~match if need.forbidden else match for need, match in compared))


def one_of(column: sa.ColumnElement[str]) -> Field:
    """``column`` is one of the values; one value makes the plain equation that an index serves best."""

    def compare(values: frozenset[str]) -> sa.ColumnElement[bool]:
        ordered = sorted(values)
        return column == ordered[0] if len(ordered) == 1 else column.in_(ordered)

    return compare
