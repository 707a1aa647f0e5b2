"""The clock in: sign the ledger's head, judge departments' clocks, report to hubs. Each may run in several processes at once."""

from __future__ import annotations

import structlog

from chassis.service import Job
from services.audit.adapters.connectors import Connector, HubFailed
from services.audit.adapters.open_data import RULES
from services.audit.adapters.reporting import REPORTING
from services.audit.adapters.witness import WITNESSES
from services.audit.models import db
from services.audit.use_cases.cosign_checkpoint import cosign_checkpoint
from services.audit.use_cases.judge_clocks import judge_due
from services.audit.use_cases.make_batch import make_batch
from services.audit.use_cases.publish_open_data import publish_editions
from services.audit.use_cases.send_batches import reconcile, send_waiting
from services.audit.use_cases.sign_checkpoint import sign_checkpoint

log = structlog.get_logger()

RECONCILED_EVERY_S = 300.0


def sign() -> None:
    """Sign a checkpoint if the log has grown."""
    with db.transaction() as tx:
        sign_checkpoint(tx)


def cosign() -> None:
    """Show the ledger's head to the witness, if there is one."""
    for witness in WITNESSES:
        cosign_checkpoint(witness)


def judge() -> None:
    """Judge every clock whose day has come."""
    more = True
    while more:
        with db.transaction() as tx:
            more = judge_due(tx)


def report() -> None:
    """Give each hub whose turn it is what is new; now and then ask it what it holds."""
    for connector in REPORTING.connectors:
        if REPORTING.turn("batches", connector, connector.every_s):
            report_to(connector)
        if REPORTING.turn("reconciliation", connector, RECONCILED_EVERY_S):
            compare_with(connector)


def report_to(connector: Connector) -> None:
    """Gather everything that the ledger has told into batches, and send what waits."""
    more = True
    while more:
        with db.transaction() as tx:
            more = make_batch(tx, connector.name, connector.records)
    send_waiting(connector)


def compare_with(connector: Connector) -> None:
    """对账; a hub that does not answer is asked again the next time."""
    try:
        if again := reconcile(connector):
            log.warning("batches_sent_again", connector=connector.name, batches=again)
    except HubFailed as error:
        log.warning("reconciliation_failed", connector=connector.name, error=str(error))


def publish() -> None:
    """Publish the months that are over."""
    with db.transaction() as tx:
        publish_editions(tx, RULES.k)


JOBS = (
    Job("audit.checkpoint", 1.0, sign),
    Job("audit.cosign", 5.0, cosign),
    Job("audit.judge_clocks", 1.0, judge),
    Job("audit.report", 1.0, report),
    Job("audit.publish_open_data", 600.0, publish),
)
