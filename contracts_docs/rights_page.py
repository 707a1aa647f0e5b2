"""docs/rights.md: the table of rights for people to read."""

from __future__ import annotations

from contracts.rights import RIGHTS, ROLES, Condition, Conditions

HEAD = """# 角色与权限 / Roles and rights

由 `make contracts` 按 [`contracts/rights.py`](../contracts/rights.py) 生成。表中没有的一律拒绝。
每个动作就是接口要求的令牌范围（scope）；列表按同一条件过滤，单个对象按同一条件判断。
Written by `make contracts` from [`contracts/rights.py`](../contracts/rights.py). What is not in the table is refused.
An action is the scope that its routes require; lists are filtered and single objects guarded by the same conditions.

三员（系统、安全、审计管理员）互不兼任：一个账号只有一个角色，角色只由安全管理员授予。审计管理员只读。
The three administrators exclude each other: an account has one role, and roles are given by security administrators alone. Audit
administrators only read.

部门系统代表整个部门，不受“审查与决定分离”约束，由部门内部控制；以经办人账号作答则受约束。
A department's system speaks for the whole department, which separates examiner and decider inside; for officers' accounts
the platform does.
"""


def rights_page() -> str:
    """The page: roles, who may do what, and what the conditions mean."""
    parts = [HEAD, "\n## 角色 / Roles\n\n", _roles(), "\n## 权限 / Rights\n\n", _rights()]
    return "".join([*parts, "\n## 条件 / Conditions\n\n", _conditions()])


def _roles() -> str:
    rows = [f"| `{role}` | {says} |\n" for role, says in ROLES.items()]
    return "".join(["| 角色 Role | 是谁 Who |\n|---|---|\n", *rows])


def _rights() -> str:
    head = "| 动作 Action | " + " | ".join(f"`{role}`" for role in ROLES) + " |\n" + "|---" * (len(ROLES) + 1) + "|\n"
    rows = [
        f"| `{action}` | " + " | ".join(_cell(roles.get(role)) for role in ROLES) + " |\n"
        for action, roles in RIGHTS.items()
    ]
    return "".join([head, *rows])


def _cell(conditions: Conditions | None) -> str:
    if conditions is None:
        return "—"
    return " + ".join(condition.code for condition in conditions) or "✓"


def _conditions() -> str:
    used: dict[str, Condition] = {c.code: c for roles in RIGHTS.values() for cs in roles.values() for c in cs}
    return "".join(f"- `{code}`：{condition.says}\n" for code, condition in used.items())
