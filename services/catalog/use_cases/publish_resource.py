"""目录发布与撤销: a department puts a resource into the information-sharing catalogue, changes it, takes it out."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from chassis.db import Tx
from chassis.errors import Refusal
from contracts.sharing import ResourcePublished, ResourceWithdrawn
from services.catalog.domain.sharing import CODE, Resource, resource_problems
from services.catalog.models import shared_resources
from services.catalog.queries.sharing import Fits, resource_not_found


def publish_resource(tx: Tx, resource: Resource, *, provider: str, by: str) -> int:
    """The version that says what was handed in: the first, the next, or the one that says the same.

    Raises Refusal ``resource_invalid`` with every problem, ``resource_of_other`` or ``resource_withdrawn``.
    """
    _require_sound(resource)
    content: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(resource))
    row = {
        "resource_code": resource.resource_code,
        "provider": provider,
        "name": resource.name,
        "sharing_type": resource.sharing_type,
        "version": 1,
        "content": content,
        "published_by": by,
        "published_at": tx.now,
    }
    version = 1
    if not tx.insert_new(shared_resources, [row], [shared_resources.c.resource_code]):
        stored = _lock(
            tx, resource.resource_code, shared_resources.c.provider == provider, otherwise="resource_of_other"
        )
        if stored.content == content:
            return int(stored.version)
        version = row["version"] = stored.version + 1
        tx.update(shared_resources, ["resource_code"], [row])
    tx.tell(
        ResourcePublished(
            resource_code=resource.resource_code,
            version=version,
            name=resource.name,
            provider=provider,
            sharing_type=resource.sharing_type,
            open_to_public=resource.open_to_public,
            fields=tuple(field.code for field in resource.fields),
        )
    )
    return version


def withdraw_resource(tx: Tx, resource_code: str, mine: Fits, *, reason: str) -> None:
    """Nothing of it may be applied for or used from now on. Raises Refusal ``resource_not_found``, ``resource_withdrawn``."""
    stored = _lock(tx, resource_code, mine, otherwise="resource_not_found")
    gone = {"resource_code": resource_code, "withdrawn_at": tx.now, "withdrawn_reason": reason}
    tx.update(shared_resources, ["resource_code"], [gone])
    tx.tell(ResourceWithdrawn(resource_code=resource_code, provider=stored.provider, reason=reason))


def _require_sound(resource: Resource) -> None:
    problems = resource_problems(resource)
    if problems:
        raise Refusal(
            "resource_invalid",
            f"信息资源不能发布，共{len(problems)}处问题 / the resource has {len(problems)} problems and cannot be published",
            problems=[{"code": p.code, "where": p.where, "detail": p.detail} for p in problems],
        )


def _lock(tx: Tx, resource_code: str, mine: Fits, *, otherwise: str) -> Any:
    wanted = sa.select(shared_resources).where(shared_resources.c.resource_code == resource_code, mine)
    stored = tx.execute(wanted.with_for_update()).first() if CODE.fullmatch(resource_code) else None
    if stored is None:
        if otherwise == "resource_not_found":
            raise resource_not_found(resource_code)
        raise Refusal(
            "resource_of_other",
            "该信息资源由其他部门提供 / the resource is another department's",
            resource_code=resource_code,
        )
    if stored.withdrawn_at is not None:
        raise Refusal(
            "resource_withdrawn",
            "该信息资源已撤销 / the resource has been withdrawn",
            resource_code=resource_code,
            reason=stored.withdrawn_reason,
        )
    return stored
