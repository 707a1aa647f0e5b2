"""What tokens say of an account, however it was signed in to."""

from __future__ import annotations

from typing import Any, cast

from chassis import clock
from services.identity.domain.directory import Caller
from services.identity.domain.scopes import CallerKind
from services.identity.models import db
from services.identity.use_cases.delegate import is_minor


def describe_account(account: Any) -> Caller:
    """For a row of ``accounts``."""
    minor = False
    if account.person_id is not None:
        with db.read() as connection:
            minor = is_minor(connection, account.person_id, clock.now())
    return Caller(
        subject=account.account_id,
        name=account.name,
        kind=cast("CallerKind", account.kind),
        party=account.party_id,
        department=account.department,
        level=account.level if account.person_id is not None else None,
        minor=minor,
    )
