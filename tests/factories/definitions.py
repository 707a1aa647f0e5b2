"""Items as a department writes them: one small item, and whatever a test says differently."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from services.catalog.adapters.catalog_parts import read_document

AGENCY, DEFINER = "11339999YX0000016U", "11339999YX0000040C"
REQUIRED = ("application", "plan")
_BASE = read_document(Path(__file__).with_name("item.yaml"))

Document = dict[str, Any]


def limit(amount: int, unit: str = "working_day") -> Document:
    return {"amount": amount, "unit": unit}


def type_code(number: int) -> str:
    """证照类型代码 of the item with this number."""
    return f"{DEFINER}{number:03d}"


def material(code: str, **fields: Any) -> Document:
    """A material of the guide. The application is the main one."""
    base = {
        "code": code,
        "name": f"材料 {code}",
        "name_en": f"Material {code}",
        "required": code in REQUIRED,
        "basis": "《示例条例》第四条",
        "media_types": ["application/pdf"],
        "max_bytes": 1_048_576,
        "kind": "1",
        "form": "2",
        "source": "10",
        "copies": 0,
        "signature": "申请人签字",
        "signature_en": "Signed",
        "filling_guide": "如实填写。",
        "filling_guide_en": "Fill in what is true.",
    }
    return base | ({"main": True} if code == "application" else {}) | fields


def step(name: str, department: str, kind: str, *after: str, **fields: Any) -> Document:
    """A step of a plan."""
    base = {"step": name, "name": f"环节 {name}", "name_en": f"Step {name}", "department": department, "kind": kind}
    days = {} if "limit" in fields else {"limit_working_days": 3}
    return base | days | {"after": list(after)} | fields


def make_definition(
    number: int,
    *,
    materials: dict[str, Document] | None = None,
    steps: dict[str, Document] | None = None,
    form: dict[str, Document] | None = None,
    **fields: Any,
) -> Document:
    """Item ``number`` (1-999): ``materials`` and ``steps`` change those named, ``form`` adds questions, ``fields`` the rest."""
    document = copy.deepcopy(_BASE) | copy.deepcopy(fields)
    basic_code = f"00{document['item_type']}05{number:03d}000"
    document |= {
        "basic_code": basic_code,
        "item_code": f"{AGENCY}4{basic_code}",
        "name": f"示例许可{number}",
        "name_en": f"Example permit {number}",
        "handling_items": [{"code": f"{AGENCY}4{basic_code}01", "name": "新办", "name_en": "New"}],
    }
    document["result"]["licence"] |= {"type_code": type_code(number)}
    document["materials"] = [
        material(code, **(materials or {}).get(code, {})) if isinstance(code, str) else code
        for code in document["materials"]
    ]
    document["plan"] = [one | (steps or {}).get(one["step"], {}) for one in document["plan"]]
    document["form_schema"]["properties"] |= form or {}
    return document
