"""A third party's app on the open API (开放资源): its way to production, its grant, its keys."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from chassis.errors import Refusal
from contracts.open_api import DATASETS, MOST_QUOTA, SANDBOX_QUOTA, Environment, Quota
from services.identity.domain.oauth import API_SCOPES, redirect_problem

State = Literal["sandbox", "applied", "approved", "refused", "suspended"]
STATES: tuple[State, ...] = get_args(State)
NEXT: Mapping[State, frozenset[State]] = {
    "sandbox": frozenset({"applied", "suspended"}),
    "applied": frozenset({"approved", "refused", "suspended"}),
    "refused": frozenset({"applied", "suspended"}),
    "approved": frozenset({"approved", "suspended"}),  # itself: another quota
    "suspended": frozenset({"sandbox", "approved"}),
}
MOST_APPS, MOST_KEYS, MOST_ACCOUNTS, MOST_ADDRESSES = 20, 5, 5, 20
KEY_LIFE = timedelta(days=365)
LONGEST_OVERLAP = timedelta(days=30)
USAGE_KEPT = timedelta(days=400)
SANDBOX_CLIENT = "sandbox-"
PRODUCTION_CLIENT = "app-"
SANDBOX_ACCOUNT = "sandbox"
"""Kind of an account that a developer tries signing in with."""


@dataclass(frozen=True)
class Grant:
    """What an app may do in production: ``datasets`` of the open API, ``scope`` of its users' tokens, and how often."""

    datasets: tuple[str, ...]
    scope: tuple[str, ...]
    per_minute: int
    per_day: int

    def as_json(self) -> dict[str, Any]:
        """As it is stored."""
        return asdict(self) | {"datasets": list(self.datasets), "scope": list(self.scope)}

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Grant:
        """What ``as_json`` made."""
        return cls(tuple(stored["datasets"]), tuple(stored["scope"]), stored["per_minute"], stored["per_day"])


def require_move(before: State, after: State) -> None:
    """Raises Refusal ``app_state``."""
    if after not in NEXT[before]:
        raise Refusal(
            "app_state", "应用当前状态不能这样办理 / not in the app's present state", state=before, wanted=after
        )


def require_grant(grant: Grant) -> None:
    """Raises Refusal ``app_invalid`` for what does not exist or is more than anybody gets."""
    if not grant.datasets or set(grant.datasets) - DATASETS.keys():
        raise _invalid("没有这个数据集 / there is no such dataset", "datasets")
    if set(grant.scope) - API_SCOPES:
        raise _invalid("没有这样的权限 / there is no such scope", "scope")
    if not (0 < grant.per_minute <= MOST_QUOTA.per_minute and 0 < grant.per_day <= MOST_QUOTA.per_day):
        raise _invalid("配额超出范围 / the quota is out of range", "per_minute")


def require_addresses(addresses: Sequence[str]) -> None:
    """Raises Refusal ``app_invalid``."""
    if len(addresses) > MOST_ADDRESSES:
        raise _invalid("返回地址过多 / too many addresses", "redirect_uris")
    for address in addresses:
        if problem := redirect_problem(address):
            raise _invalid(problem, "redirect_uris")


def own_machine(addresses: Sequence[str]) -> tuple[str, ...]:
    """Those that lead back to the developer's own machine, which is all that the sandbox sends people to."""
    return tuple(address for address in addresses if _is_loopback(address))


def elsewhere(addresses: Sequence[str]) -> tuple[str, ...]:
    """The others: for production."""
    return tuple(address for address in addresses if not _is_loopback(address))


def key_works(environment: Environment, state: State) -> bool:
    """Whether keys of this environment are taken while the app is in this state."""
    return state == "approved" if environment == "production" else state != "suspended"


def quota_of(environment: Environment, granted: Mapping[str, Any]) -> tuple[tuple[str, ...], Quota]:
    """Datasets and quota of the keys of one environment. In the sandbox everything may be tried, and little at a time."""
    if environment == "sandbox":
        return tuple(DATASETS), SANDBOX_QUOTA
    grant = Grant.of(granted)
    return grant.datasets, Quota(grant.per_minute, grant.per_day)


def key_text(environment: Environment, key_id: str, secret: str) -> str:
    """The key as its owner gets it; ``secret`` are 64 hex digits."""
    return f"tb{environment[0]}_{key_id}_{secret}"


def shown_prefix(environment: str, key_id: str) -> str:
    """By what it is known again afterwards."""
    return f"tb{environment[0]}_{key_id}"


def key_state(row: Any, now: datetime) -> Literal["active", "ending", "expired", "revoked"]:
    """``ending``: another has taken its place, and it works until ``expires_at``."""
    if row.revoked_at is not None:
        return "revoked"
    if row.expires_at <= now:
        return "expired"
    return "active" if row.replaced_by is None else "ending"


def sandbox_client(app_id: str) -> str:
    """Id of the OpenID client that the app tries signing in with."""
    return SANDBOX_CLIENT + app_id


def sandbox_app_of(client_id: str) -> str | None:
    """The app that a client is the sandbox of, or None."""
    return client_id.removeprefix(SANDBOX_CLIENT) if client_id.startswith(SANDBOX_CLIENT) else None


def may_sign_in(client_id: str, account_app: str | None) -> bool:
    """Test accounts and sandbox clients keep to each other, and to their app. ``account_app``: None for everybody else."""
    return sandbox_app_of(client_id) == account_app


def _is_loopback(address: str) -> bool:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https"):
        return False
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.hostname == "localhost"


def _invalid(detail: str, field: str) -> Refusal:
    return Refusal("app_invalid", detail, field=field)
