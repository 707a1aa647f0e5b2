"""Roles and rights (角色与权限): who may do what, to which objects. What is not in the table is refused.

A right is asked about with ``needs``: what must be true of an object for this caller. Services turn the answer into the SQL
of a list (``chassis.rights.clause``) and into the guard of a loaded object (``permits``), so both always agree. The scopes of
access tokens follow from the table (``scopes_of``), and so does docs/rights.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

Role = Literal[
    "person",
    "officer",
    "department",
    "kiosk",
    "hotline",
    "supervisor",
    "system_admin",
    "security_admin",
    "audit_admin",
    "sandbox",
    "gateway",
]  # accounts.kind holds 16 characters
Claim = Literal["subject", "party", "department", "items"]

ROLES: dict[Role, str] = {
    "person": "申请人及其经办人 / applicants and their agents",
    "officer": "部门经办人 / a department's officer",
    "department": "部门系统 / a department's system",
    "kiosk": "自助终端 / kiosk",
    "hotline": "热线坐席 / hotline agent",
    "supervisor": "监察员 / supervisor",
    "system_admin": "系统管理员 / system administrator",
    "security_admin": "安全管理员 / security administrator",
    "audit_admin": "审计管理员 / audit administrator",
    "sandbox": "开发者的测试账号 / a developer's test account",
    "gateway": "网关自身 / the gateway itself",
}
ADMINISTRATORS: frozenset[Role] = frozenset({"system_admin", "security_admin", "audit_admin"})
"""三员 (GB/T 22239-2019 §8.1.5): an account has one role, so none combines them."""
STAFF: frozenset[str] = frozenset({*ADMINISTRATORS, "officer", "hotline", "supervisor"})


class Caller(Protocol):
    """What the table has to know of who asks; ``chassis.auth.Principal`` is one."""

    @property
    def kind(self) -> str:
        """A role."""

    @property
    def subject(self) -> str:
        """The account, or the department's system."""

    @property
    def party(self) -> str:
        """The person or organisation acted for."""

    @property
    def department(self) -> str | None:
        """Code of the department that the caller belongs to."""

    @property
    def items(self) -> frozenset[str] | None:
        """Item codes that a delegation is limited to; None when it is not."""


@dataclass(frozen=True)
class Need:
    """The object's ``field`` has to hold one of ``values``, or, when ``forbidden``, none of them."""

    field: str
    values: frozenset[str]
    forbidden: bool = False


@dataclass(frozen=True)
class Condition:
    """A condition of the table: the object's ``field`` is compared with a ``claim`` of the caller, or with fixed ``values``."""

    code: str
    says: str
    field: str
    claim: Claim | None = None
    values: frozenset[str] = frozenset()
    forbidden: bool = False

    def need(self, caller: Caller) -> Need | None:
        """For this caller; None when it asks for nothing. A claim that the caller has not is a need that nothing meets."""
        if self.claim is None:
            return Need(self.field, self.values, self.forbidden)
        held = getattr(caller, self.claim)
        if self.claim == "items":
            return None if held is None else Need(self.field, frozenset(held))
        return Need(self.field, frozenset() if held is None else frozenset({held}), self.forbidden)


OWN = Condition("own", "所代表当事人的 / of the party acted for", "party", "party")
ITEM = Condition("item", "授权限定事项时，仅限这些事项 / of the items that a delegation is limited to", "item", "items")
DEPARTMENT = Condition("department", "本部门的 / of the caller's department", "department", "department")
IN_HAND = Condition(
    "in_hand", "本部门有任务的办件 / of cases in which the department has a task", "departments", "department"
)
LEAD = Condition("lead", "本部门牵头的办件 / of cases that the caller's department leads", "lead", "department")
OPEN = Condition("open", "环节：任务未结 / stage: the task is open", "stage", values=frozenset({"open"}))
ENDED = Condition("ended", "环节：办件已办结 / stage: the case has ended", "stage", values=frozenset({"ended"}))
NOT_EXAMINER = Condition(
    "not_examiner",
    "审查与决定分离：决定人未审查过本件 / the one who decides has not examined the case",
    "examiners",
    "subject",
    forbidden=True,
)
SHARES = Condition(
    "shares", "本部门提供或者申请的 / that the caller's department provides or applies for", "departments", "department"
)
NOT_AUTHOR = Condition(
    "not_author",
    "起草与审核分离：审核人未起草过该草稿 / who reviews a draft of an item has not written it",
    "authors",
    "subject",
    forbidden=True,
)
PEOPLE_ACCOUNTS = Condition("people_accounts", "个人账号 / accounts of persons", "kind", values=frozenset({"person"}))
STAFF_ACCOUNTS = Condition("staff_accounts", "工作人员账号 / accounts of staff", "kind", values=STAFF)

Conditions = tuple[Condition, ...]
MINE: Conditions = (OWN, ITEM)
ANY: Conditions = ()

RIGHTS: dict[str, dict[Role, Conditions]] = {
    # 办件 cases
    "cases:submit": {"person": MINE},
    "cases:correct": {"person": MINE},
    "cases:withdraw": {"person": MINE},
    "cases:read": {"person": MINE, "officer": (IN_HAND,), "supervisor": ANY},
    "bundles:read": {"person": MINE, "officer": (LEAD,), "supervisor": ANY},
    "cases:intake": {"officer": ANY, "kiosk": ANY, "hotline": ANY},
    "cases:conduct": {"officer": (LEAD,), "department": (LEAD,)},
    # 预约 appointments at counters
    "appointments:book": {"person": MINE},
    "appointments:publish": {"officer": (LEAD,)},
    "appointments:serve": {"officer": (LEAD,)},
    # 部门任务 departments' tasks
    "tasks:read": {"officer": (DEPARTMENT,), "department": (DEPARTMENT,)},
    "tasks:answer": {"officer": (DEPARTMENT, OPEN, NOT_EXAMINER), "department": (DEPARTMENT, OPEN)},
    # 材料与证照 materials and licences
    "materials:write": {"person": MINE, "officer": ANY, "kiosk": ANY},
    "materials:read": {"person": MINE, "officer": (IN_HAND,), "department": (IN_HAND,)},
    "licences:read": {"person": MINE},
    # 监督 supervision
    "trails:read": {"person": MINE, "supervisor": ANY, "audit_admin": ANY},
    "ratings:write": {"person": (*MINE, ENDED)},
    "ratings:read": {"person": MINE, "supervisor": ANY},
    "cards:read": {"supervisor": ANY, "audit_admin": ANY},
    "board:read": {"supervisor": ANY, "audit_admin": ANY},
    "journal:read": {"audit_admin": ANY},
    "exchange:read": {"supervisor": ANY, "system_admin": ANY, "audit_admin": ANY},
    # 管理 administration
    "catalog:publish": {"system_admin": ANY},
    "catalog:write": {"officer": (DEPARTMENT,), "system_admin": ANY},
    "catalog:review": {"officer": (DEPARTMENT, NOT_AUTHOR), "system_admin": (NOT_AUTHOR,)},
    "history:read": {"officer": (DEPARTMENT,), "supervisor": ANY, "system_admin": ANY, "audit_admin": ANY},
    "identity:admin": {"system_admin": ANY},
    "accounts:open": {"system_admin": (PEOPLE_ACCOUNTS,), "security_admin": (STAFF_ACCOUNTS,)},
    "accounts:read": {"system_admin": (PEOPLE_ACCOUNTS,), "security_admin": (STAFF_ACCOUNTS,)},
    "accounts:change": {"system_admin": (PEOPLE_ACCOUNTS,), "security_admin": (STAFF_ACCOUNTS,)},
    "posts:give": {"security_admin": ANY},
    "security:admin": {"security_admin": ANY},
    # 政务信息共享 information shared between departments
    "sharing:read": {
        "officer": ANY,
        "department": ANY,
        "supervisor": ANY,
        "system_admin": ANY,
        "audit_admin": ANY,
    },
    "sharing:publish": {"officer": (DEPARTMENT,)},
    "sharing:apply": {"officer": ANY},
    "sharing:answer": {"officer": (DEPARTMENT,)},
    "sharing:end": {"officer": (SHARES,)},
    "sharing:use": {"officer": (DEPARTMENT,), "department": (DEPARTMENT,)},
    "sharing_applications:read": {"officer": (SHARES,), "department": (SHARES,), "supervisor": ANY, "audit_admin": ANY},
    # 身份、委托与个人信息 assurance, delegation, personal data
    "delegations:write": {"person": (OWN,)},
    "data:self": {"person": (OWN,)},
    "identity:verify": {"officer": ANY, "kiosk": ANY},
    "parties:read": {"officer": ANY, "hotline": ANY},
    "colleagues:read": {"officer": (DEPARTMENT,)},
    "parties:match": {"officer": ANY, "kiosk": ANY, "hotline": ANY},
    "parties:reveal": {"officer": ANY},
    "data:decide": {"system_admin": ANY},
    # 消息 messages
    "messages:read": {"person": (OWN,), "officer": (DEPARTMENT,)},
    "messages:choose": {"person": (OWN,)},
    # 开放资源 the open API
    "developers:self": {"person": (OWN,)},
    "developers:approve": {"system_admin": ANY},
    "developer_keys:serve": {"gateway": ANY},
    # 本人账号 one's own account
    "account:self": {role: ANY for role in ROLES if role not in ("department", "kiosk", "gateway")},
}
"""Action (the scope that a route declares) -> role -> conditions, all of which an object has to meet."""


def scopes_of(role: str) -> str:
    """The actions of a role in the order of the table, as the ``scope`` of a token."""
    return " ".join(action for action, roles in RIGHTS.items() if role in roles)


def needs(caller: Caller, action: str) -> tuple[Need, ...] | None:
    """What an object has to meet so that ``caller`` may do ``action``; None when the role may not do it at all."""
    conditions = _conditions(caller, action)
    if conditions is None:
        return None
    return tuple(need for need in (condition.need(caller) for condition in conditions) if need is not None)


def unmet(caller: Caller, action: str, facts: Mapping[str, frozenset[str]]) -> str | None:
    """Code of the first condition that the object does not meet, ``role`` when the role may not do it, None when it may.

    ``facts`` are the object's fields. Raises KeyError when one that the table asks for is not given.
    """
    conditions = _conditions(caller, action)
    if conditions is None:
        return "role"
    for condition in conditions:
        need = condition.need(caller)
        if need is not None and bool(need.values & facts[need.field]) == need.forbidden:
            return condition.code
    return None


def permits(caller: Caller, action: str, **fields: str) -> bool:
    """Whether ``caller`` may do ``action`` to an object with these fields."""
    return unmet(caller, action, {name: frozenset({value}) for name, value in fields.items()}) is None


def _conditions(caller: Caller, action: str) -> Conditions | None:
    return next((c for role, c in RIGHTS.get(action, {}).items() if role == caller.kind), None)
