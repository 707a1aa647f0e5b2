"""The database of identity and the types that its tables share."""

from __future__ import annotations

import sqlalchemy as sa

from chassis.db import Database

db = Database("identity")

PARTY_ID = sa.String(64)
DEPARTMENT_CODE = sa.String(31)
KEYED_HASH = sa.String(64)
