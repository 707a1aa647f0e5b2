"""Whose fault an error is: the database's, which passes, or the statement's, which will fail the same way again."""

from __future__ import annotations

import sqlalchemy as sa

# PostgreSQL SQLSTATE classes: connection, resources (disk, memory), operator intervention (shutdown), system (I/O).
_AWAY_CLASSES = ("08", "53", "57", "58")
_READ_ONLY = "25006"
_QUERY_CANCELLED = "57014"
# SQLite: BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN.
_SQLITE_AWAY = frozenset({5, 6, 7, 8, 10, 13, 14})


def database_away(error: BaseException) -> bool:
    """True when the database cannot be reached or cannot write now: nothing was committed by it, or nobody knows.

    False for everything that is the fault of the statement or its data, deadlocks among them: try that again on its own.
    """
    if isinstance(error, sa.exc.TimeoutError):
        return True
    if not isinstance(error, sa.exc.DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    sqlite_code = getattr(error.orig, "sqlite_errorcode", None)
    if sqlite_code is not None:
        return sqlite_code & 0xFF in _SQLITE_AWAY
    sqlstate = getattr(error.orig, "sqlstate", None)
    if sqlstate is None:  # the connection was refused, or broke before the server could say why
        return isinstance(error, sa.exc.OperationalError)
    return sqlstate == _READ_ONLY or (sqlstate[:2] in _AWAY_CLASSES and sqlstate != _QUERY_CANCELLED)
