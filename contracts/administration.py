"""What administrators and the directory's file do to accounts, clients and keys (管理行为). Owner: identity."""

from __future__ import annotations

from typing import ClassVar, Literal

from contracts.envelope import FOR_THE_RECORD_S, Event

AdministrativeAct = Literal[
    "account.opened",
    "account.role_changed",
    "account.department_changed",
    "account.post_given",
    "account.suspended",
    "account.resumed",
    "account.closed",
    "account.reset",
    "department.registered",
    "party.registered",
    "client.registered",
    "client.removed",
    "client.keys_changed",
    "relying_party.registered",
    "relying_party.removed",
    "signing_key.rotated",
    "signing_key.revoked",
    "data_request.granted",
    "data_request.refused",
    "directory.imported",
    "developer_app.approved",
    "developer_app.refused",
    "developer_app.suspended",
    "developer_app.resumed",
]
"""Codes that are told today. The event takes any, so that a new act is no new version."""

ActReason = Literal["transferred", "left", "long_unused", "compromised", "violation", "error", "asked"]


class AdministrationActed(Event, frozen=True, kw_only=True):
    """Somebody with power over others used it. Ids and codes only: neither a name nor a number of a person.

    ``act`` is an ``AdministrativeAct``, ``reason`` an ``ActReason``. ``by`` is an account, or ``directory`` (名录文件) or
    ``system`` (the clock). ``on`` is the id of what was changed; ``before`` and ``after`` are its codes, such as roles or
    departments, where the act has them.
    """

    TYPE: ClassVar[str] = "administration.acted.v1"
    SUBJECT: ClassVar[str | None] = "on"
    PATIENCE_S: ClassVar[float] = FOR_THE_RECORD_S
    act: str
    by: str
    on: str
    before: str | None = None
    after: str | None = None
    reason: str | None = None
