"""The clock in."""

from __future__ import annotations

from datetime import UTC, datetime

from chassis.service import Job
from services.identity.adapters.key_ring import VAULT
from services.identity.adapters.machine_clock import machine_now
from services.identity.adapters.post_office import POST_OFFICE
from services.identity.models import db
from services.identity.use_cases.attempts import forget_failures
from services.identity.use_cases.deliver_messages import BATCH, count_waiting, deliver_due
from services.identity.use_cases.developer_keys import forget_usage
from services.identity.use_cases.end_sessions import end_overdue_sessions
from services.identity.use_cases.keep_contact import send_codes
from services.identity.use_cases.keep_signing_keys import keep_signing_keys
from services.identity.use_cases.note_events import make_messages
from services.identity.use_cases.notify_logout import BATCH as BATCH_OF_NOTICES
from services.identity.use_cases.notify_logout import notify_due
from services.identity.use_cases.passkeys import forget_challenges
from services.identity.use_cases.sign_in_sessions import forget_sessions
from services.identity.use_cases.tell_owner import forget_marks


def _forget() -> None:
    with db.transaction() as tx:
        forget_failures(tx, datetime.now(UTC))
        forget_challenges(tx, datetime.now(UTC))
        forget_usage(tx, datetime.now(UTC).date())


def _keep_signing_keys() -> None:
    with db.transaction() as tx:
        keep_signing_keys(tx, VAULT.get(), machine_now())


def _forget_sessions() -> None:
    with db.transaction() as tx:
        forget_sessions(tx, machine_now())
        forget_marks(tx, machine_now())


def _end_overdue() -> None:
    with db.transaction() as tx:
        end_overdue_sessions(tx, machine_now())


def _notify_logout() -> None:
    while notify_due() == BATCH_OF_NOTICES:
        pass


def _deliver() -> None:
    with db.transaction() as tx:
        make_messages(tx)
    while deliver_due() == BATCH:
        pass
    count_waiting()


def _send_codes() -> None:
    send_codes(VAULT.get(), POST_OFFICE.send_code)


JOBS = (
    Job("identity.forget_failures", 3600.0, _forget),
    Job("identity.keep_signing_keys", 3600.0, _keep_signing_keys),
    Job("identity.forget_sessions", 3600.0, _forget_sessions),
    Job("identity.end_overdue_sessions", 60.0, _end_overdue),
    Job("identity.notify_logout", 1.0, _notify_logout),
    Job("identity.deliver_messages", 2.0, _deliver),
    Job("identity.send_codes", 2.0, _send_codes),
)
