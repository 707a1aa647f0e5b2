"""The table of rights: default deny, one role an account, lists and objects judged alike."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest
import sqlalchemy as sa

from chassis.rights import Field, clause, one_of
from contracts.rights import ADMINISTRATORS, RIGHTS, ROLES, needs, permits, scopes_of, unmet


@dataclass(frozen=True)
class Somebody:
    kind: str
    subject: str = "a-1"
    party: str = "p-1"
    department: str | None = None
    items: frozenset[str] | None = None


@pytest.mark.parametrize("action", [*RIGHTS, "cases:erase"])
@pytest.mark.parametrize("role", [*ROLES, "stranger", ""])
def test_what_is_not_in_the_table_is_refused(role: str, action: str) -> None:
    known = role in RIGHTS.get(action, {})
    assert (needs(Somebody(role), action) is not None) == known
    assert unmet(Somebody(role), action, {}) == "role" if not known else True
    assert (action in scopes_of(role).split()) == known


def test_the_three_administrators_share_no_power_and_the_auditors_only_read() -> None:
    for one, other in itertools.combinations(sorted(ADMINISTRATORS), 2):
        shared = set(scopes_of(one).split()) & set(scopes_of(other).split())
        # Accounts are opened and changed by two, of persons by the one and of staff by the other.
        by_two = {"account:self", "accounts:open", "accounts:change"}
        assert {action for action in shared if not action.endswith(":read")} <= by_two
    system, security = Somebody("system_admin"), Somebody("security_admin")
    for kind in ROLES:
        opened_by = [who.kind for who in (system, security) if permits(who, "accounts:open", kind=kind)]
        assert len(opened_by) <= 1, "no kind of account is opened by both"
    assert all(action.endswith(":read") or action == "account:self" for action in scopes_of("audit_admin").split())


def test_nobody_gives_himself_a_role() -> None:
    assert not permits(Somebody("system_admin"), "accounts:open", kind="system_admin")
    assert permits(Somebody("security_admin"), "accounts:open", kind="audit_admin")
    assert "catalog:publish" not in scopes_of("security_admin").split()


def test_a_delegate_limited_to_items_may_do_nothing_with_the_others() -> None:
    limited, free = Somebody("person", items=frozenset({"i-1"})), Somebody("person")
    assert permits(limited, "cases:read", party="p-1", item="i-1")
    assert not permits(limited, "cases:read", party="p-1", item="i-2")
    assert not permits(limited, "cases:read", party="p-2", item="i-1")
    assert permits(free, "cases:read", party="p-1", item="i-2")
    assert not permits(Somebody("person", items=frozenset()), "cases:read", party="p-1", item="i-1")


def test_an_officer_without_a_department_sees_nothing() -> None:
    assert not permits(Somebody("officer"), "tasks:read", department="police")
    assert permits(Somebody("officer", department="police"), "tasks:read", department="police")


def test_a_fact_that_the_table_asks_for_may_not_be_left_out() -> None:
    with pytest.raises(KeyError):
        permits(Somebody("person"), "cases:read", party="p-1", item="i-1") and permits(
            Somebody("person", items=frozenset({"i-1"})), "cases:read", party="p-1"
        )


THINGS = sa.Table(
    "things",
    sa.MetaData(),
    *(
        sa.Column(name, sa.String)
        for name in ("party", "item", "department", "departments", "stage", "examiners", "kind", "lead", "authors")
    ),
)
FIELDS: dict[str, Field] = {column.name: one_of(column) for column in THINGS.columns}
VALUES = {
    "party": ("p-1", "p-2"),
    "item": ("i-1", "i-2"),
    "department": ("police", "health"),
    "departments": ("police", "health"),
    "stage": ("open", "ended"),
    "examiners": ("a-1", "a-2"),
    "kind": ("person", "officer"),
    "lead": ("police", "health"),
    "authors": ("a-1", "a-2"),
}


@pytest.mark.parametrize("role", ROLES)
def test_a_list_holds_just_the_objects_that_its_guard_lets_through(role: str) -> None:
    engine = sa.create_engine("sqlite://")
    things = [dict(zip(VALUES, values, strict=True)) for values in itertools.product(*VALUES.values())]
    callers = [
        Somebody(role),
        Somebody(role, department="police"),
        Somebody(role, items=frozenset({"i-1"})),
        Somebody(role, items=frozenset()),
        Somebody(role, items=frozenset({"i-1", "i-2"}), party="p-2"),
    ]
    with engine.connect() as connection:
        THINGS.metadata.create_all(connection)
        connection.execute(sa.insert(THINGS), things)
        for caller, action in itertools.product(callers, RIGHTS):
            listed = connection.execute(sa.select(THINGS).where(clause(needs(caller, action), FIELDS))).mappings()
            assert [dict(row) for row in listed] == [t for t in things if permits(caller, action, **t)], (
                caller,
                action,
            )
