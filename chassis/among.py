"""``column among values`` in SQL that is the same text for any number of values, so that it is prepared once.

``IN (…)`` has a place for each value: another statement to compile and to plan for every size of a batch.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class _Values(sa.TypeDecorator[list[Any]]):
    """A list: an array on PostgreSQL, JSON on SQLite."""

    impl = sa.JSON
    cache_ok = True

    def __init__(self, of: sa.types.TypeEngine[Any]) -> None:
        super().__init__()
        self.of = of

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """See TypeDecorator."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.ARRAY(self.of))
        return dialect.type_descriptor(sa.JSON())


class _Among(FunctionElement[bool]):
    type = sa.Boolean()
    name = "among"
    inherit_cache = True


def among(column: sa.Column[Any], parameter: str) -> sa.ColumnElement[bool]:
    """True where ``column`` equals an element of the list bound as ``parameter``."""
    return _Among(column, values(column, parameter))


def values(column: sa.Column[Any], parameter: str) -> sa.BindParameter[list[Any]]:
    """A parameter that takes a list of what ``column`` holds."""
    return sa.bindparam(parameter, type_=_Values(sa.BigInteger() if isinstance(column.type, sa.Integer) else sa.Text()))


@compiles(_Among, "postgresql")
def _array(element: _Among, compiler: Any, **options: Any) -> str:
    column, listed = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} = ANY({listed})"


@compiles(_Among, "sqlite")
def _json(element: _Among, compiler: Any, **options: Any) -> str:
    column, listed = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({listed}))"  # noqa: S608  # names of our own columns, never input
