"""The catalogue as the exchange tables of the national platform (事项目录、实施清单库表交换): names and codes of their columns.

Each table is a function from one version of an item to rows. Lists stand in one cell, separated by ``^``; yes and no are 1 and 0.
Source: 政务服务事项 exchange tables after GB/T 39554; names of columns as published.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.catalog.domain import vocabulary as v

Row = dict[str, Any]
IN_FORCE, CANCELLED, SUSPENDED = "1", "3", "2"
_STATES = {"in_force": IN_FORCE, "suspended": SUSPENDED, "retired": CANCELLED}
_DEPTHS = {"none": "", "I": "1", "II": "2", "III": "3", "IV": "4"}
_SERVED_ON_PLATFORM = {"6": "9"}
"""服务对象: 6 其他组织 of GB/T 39046 is 9 in the platform's list, where 6 is 行政机关; 5 行政机关 becomes 6."""
_HANDLED = {"1": "1", "2": "2", "3": "2", "4": "3", "9": "9"}
"""办理形式: the platform's list has 1 窗口, 2 网上 (whatever the device), 3 快递."""


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of an item with what is known beside its document."""

    document: Mapping[str, Any]
    version: int
    state: str
    retired_on: date | None


def directory(one: Version) -> Iterator[Row]:
    """基本目录."""
    d = one.document
    yield {
        "catalog_code": d["basic_code"],
        "task_name": d["name"],
        "task_type": d["item_type"],
        "by_law": _laws(d),
        "use_level": d["item_code"][18],
        "task_state": _STATES[one.state],
        "task_version": one.version,
        "plan_effective_date": d["effective_from"],
        "plan_cancel_date": one.retired_on.isoformat() if one.retired_on else d.get("cancel_on", ""),
        "local_catalog_code": d.get("local_code", ""),
    }


def implementation(one: Version) -> Iterator[Row]:
    """实施清单·基本."""
    d, office = one.document, one.document["office"]
    yield {
        "task_code": d["item_code"],
        "catalog_code": d["basic_code"],
        "task_name": d["name"],
        "dept_name": d["agency"]["name"],
        "dept_code": d["item_code"][:18],
        "dept_type": d["agency"]["kind"],
        "power_source": d["power_source"],
        "anticipate_day": d["statutory_limit"]["amount"],
        "anticipate_type": _unit(d["statutory_limit"]),
        "promise_day": d["committed_limit"]["amount"],
        "promise_type": _unit(d["committed_limit"]),
        "promise_explain": d.get("limit_note", ""),
        "accept_condition": _lines(one["text"] for one in d["conditions"]),
        "handle_flow": "→".join(stage["name"] for stage in d["flow"]),
        "project_type": d["case_kind"],
        "special_procedure": _list(one["name"] for one in d.get("special_procedures", ())),
        "server_type": _list(_served(code) for code in d["service_objects"]),
        "handle_type": _list(dict.fromkeys(_HANDLED[code] for code in d["handling_forms"])),
        "limit_scene_num": d["on_site_visits"],
        "is_fee": _flag(d["fee"]["charged"]),
        "fee_basis": d["fee"].get("basis", ""),
        "transact_addr": office["address"],
        "transact_time": office["hours"],
        "link_way": office["consultation_phone"],
        "supervise_way": office["complaint_phone"],
        "is_single_login": _flag(d["online_level"] not in ("none", "I")),
        "entrust_name": d.get("entrusting_agency", {}).get("name", ""),
        "task_handle_item": _list(item["code"] for item in d["handling_items"]),
        "mobile_terminal_url": d.get("mobile_url", ""),
    }


def extension(one: Version) -> Iterator[Row]:
    """实施清单·扩展."""
    d, licence = one.document, one.document["result"]["licence"]
    ways = d.get("delivery_ways", ("electronic",))
    yield {
        "task_code": d["item_code"],
        "is_online": _flag(d["online_level"] != "none"),
        "online_handle_depth": _list(d.get("online_depths", ())) or _DEPTHS[d["online_level"]],
        "online_handle_url": d.get("online_url", ""),
        "is_entry_center": _flag(d.get("entry_centre", False)),
        "is_schedule": _flag(d.get("appointments", False)),
        "is_pay_online": _flag(d["fee"].get("online_payment", False)),
        "is_express": _flag("post" in ways),
        "is_service_terminals": _flag(d.get("self_service_terminal", False)),
        "handle_area": d.get("service_area", ""),
        "other_dept": _list(dict.fromkeys(step["department"] for step in d["plan"] if _other(step, d))),
        "service_type": _list(one["name"] for one in d.get("intermediary_services", ())),
        "result_name": licence["name"],
        "result_type": d["result"]["kind"],
        "result_guid": licence["type_code"],
        "limit_explain": (d.get("number_limit") or {}).get("text", ""),
        "limit_scene_explain": d.get("on_site_reason", ""),
        "user_topic_type": _list(d.get("person_topics", ())),
        "corp_topic_type": _list(d.get("organisation_topics", ())),
    }


def material(one: Version) -> Iterator[Row]:
    """申请材料."""
    for n, m in enumerate(one.document["materials"], 1):
        yield {
            "task_code": one.document["item_code"],
            "material_name": m["name"],
            "material_type": m["kind"],
            "material_format": m["form"],
            "is_need": "1" if m["required"] else "2",
            "source_type": m["source"],
            "source_explain": (m.get("source_note") or {}).get("text", "") or m.get("issuing_agency", ""),
            "page_num": m["copies"],
            "page_format": m.get("page_format", ""),
            "form_guid": (m.get("blank_form") or {}).get("url", ""),
            "example_guid": (m.get("sample") or {}).get("url", ""),
            "fill_explain": m["filling_guide"],
            "accept_stand": (m.get("acceptance_standard") or {}).get("text", ""),
            "by_law": m["basis"],
            "order_num": n,
        }


def fee(one: Version) -> Iterator[Row]:
    """收费项目."""
    for item in one.document["fee"].get("items", ()):
        reductions = item.get("reductions", ())
        yield {
            "task_code": one.document["item_code"],
            "fee_name": item["name"],
            "fee_stand": item["standard"],
            "by_law": item["basis"],
            "is_desc": _flag(bool(reductions)),
            "desc_explain": _lines(one["text"] for one in reductions),
        }


def faq(one: Version) -> Iterator[Row]:
    """常见问题."""
    for one_faq in one.document["faqs"]:
        yield {
            "task_code": one.document["item_code"],
            "question": one_faq["question"],
            "answer": one_faq["answer"],
        }


TABLES: Mapping[str, Callable[[Version], Iterator[Row]]] = {
    "directory": directory,
    "implementation": implementation,
    "extension": extension,
    "material": material,
    "fee": fee,
    "faq": faq,
}
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "directory": (
        "catalog_code", "task_name", "task_type", "by_law", "use_level", "task_state", "task_version", "plan_effective_date",
        "plan_cancel_date", "local_catalog_code",
    ),
    "implementation": (
        "task_code", "catalog_code", "task_name", "dept_name", "dept_code", "dept_type", "power_source", "anticipate_day",
        "anticipate_type", "promise_day", "promise_type", "promise_explain", "accept_condition", "handle_flow", "project_type",
        "special_procedure", "server_type", "handle_type", "limit_scene_num", "is_fee", "fee_basis", "transact_addr",
        "transact_time", "link_way", "supervise_way", "is_single_login", "entrust_name", "task_handle_item",
        "mobile_terminal_url",
    ),
    "extension": (
        "task_code", "is_online", "online_handle_depth", "online_handle_url", "is_entry_center", "is_schedule", "is_pay_online",
        "is_express", "is_service_terminals", "handle_area", "other_dept", "service_type", "result_name", "result_type",
        "result_guid", "limit_explain", "limit_scene_explain", "user_topic_type", "corp_topic_type",
    ),
    "material": (
        "task_code", "material_name", "material_type", "material_format", "is_need", "source_type", "source_explain",
        "page_num", "page_format", "form_guid", "example_guid", "fill_explain", "accept_stand", "by_law", "order_num",
    ),
    "fee": ("task_code", "fee_name", "fee_stand", "by_law", "is_desc", "desc_explain"),
    "faq": ("task_code", "question", "answer"),
}  # fmt: skip


def _served(code: str) -> str:
    return "6" if code == "5" else _SERVED_ON_PLATFORM.get(code, code)


def _unit(limit: Mapping[str, Any]) -> str:
    return v.LIMIT_UNITS[limit["unit"]][0]


def _laws(document: Mapping[str, Any]) -> str:
    return _lines(f"《{basis['title']}》{basis['article']}" for basis in document["bases"])


def _other(step: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    return bool(step["department"] != document["lead_department"])


def _list(parts: Any) -> str:
    return "^".join(parts)


def _lines(parts: Any) -> str:
    return "\n".join(parts)


def _flag(value: bool) -> str:
    return "1" if value else "0"
