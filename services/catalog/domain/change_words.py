"""A change in words, Chinese and English: what the element is called, what it said, what it says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from services.catalog.domain import vocabulary as v

Pair = tuple[str, str]
LONGEST = 60
NAMES: Mapping[str, Pair] = {
    "item_code": ("实施编码", "implementing code"),
    "basic_code": ("基本编码", "basic code"),
    "name": ("名称", "name"),
    "name_en": ("英文名称", "English name"),
    "item_type": ("事项类型", "type"),
    "effective_from": ("生效日期", "effective date"),
    "cancel_on": ("计划取消日期", "planned date of cancellation"),
    "agency": ("实施主体", "agency"),
    "power_source": ("权力来源", "source of power"),
    "lead_department": ("牵头部门", "lead department"),
    "bases": ("设定依据", "legal bases"),
    "service_objects": ("服务对象", "service objects"),
    "person_topics": ("自然人主题", "topics for persons"),
    "organisation_topics": ("法人主题", "topics for organisations"),
    "life_events": ("人生大事", "life events"),
    "case_kind": ("办件类型", "kind of case"),
    "conditions": ("受理条件", "conditions"),
    "statutory_limit": ("法定时限", "statutory limit"),
    "committed_limit": ("承诺时限", "committed limit"),
    "limit_note": ("时限说明", "note on limits"),
    "limit_basis": ("时限依据", "basis of the limit"),
    "flow": ("办理流程", "flow"),
    "handling_forms": ("办理形式", "forms of handling"),
    "on_site_visits": ("到办事现场次数", "visits"),
    "on_site_reason": ("必须到现场原因", "reason for visits"),
    "online_level": ("网办深度等级", "online level"),
    "online_depths": ("网上办理深度", "online depth"),
    "fee": ("收费", "fee"),
    "items": ("收费项目", "fees"),
    "charged": ("是否收费", "charged"),
    "standard": ("标准", "standard"),
    "basis": ("依据", "basis"),
    "office": ("办理地点和时间", "office"),
    "venues": ("办理地点", "venues"),
    "hours": ("办理时间", "hours"),
    "address": ("地址", "address"),
    "consultation_phone": ("咨询电话", "enquiry telephone"),
    "complaint_phone": ("投诉电话", "complaint telephone"),
    "enquiry_channels": ("咨询方式", "ways to ask"),
    "complaint_channels": ("监督投诉方式", "ways to complain"),
    "form_schema": ("申请表单", "form"),
    "properties": ("填写项", "fields"),
    "required": ("必填", "required"),
    "title": ("标题", "title"),
    "pattern": ("格式", "pattern"),
    "materials": ("申请材料", "materials"),
    "media_types": ("文件格式", "file types"),
    "max_bytes": ("文件大小上限", "largest file"),
    "copies": ("份数", "copies"),
    "kind": ("类型", "kind"),
    "form": ("形式", "form"),
    "source": ("来源渠道", "source"),
    "signature": ("签名签章", "signature and seal"),
    "filling_guide": ("填报须知", "filling notes"),
    "acceptance_standard": ("受理标准", "acceptance standard"),
    "blank_form": ("空白表格", "blank form"),
    "sample": ("样本", "sample"),
    "when": ("适用条件", "conditions"),
    "later_working_days": ("容缺后补期限", "days to hand in later"),
    "licence_type": ("可替代证照类型", "licence that stands in"),
    "issuing_agency": ("核发机关", "issuing agency"),
    "not_required": ("非必要时办理情形", "when not needed"),
    "plan": ("办理环节", "steps"),
    "step": ("环节", "step"),
    "department": ("办理部门", "department"),
    "limit_working_days": ("环节时限（工作日）", "limit in working days"),
    "limit": ("时限", "limit"),
    "after": ("前置环节", "waits for"),
    "stage": ("阶段", "stage"),
    "officers": ("人数", "officers"),
    "starts_on": ("起算", "starts on"),
    "result": ("审批结果", "result"),
    "licence": ("证照", "licence"),
    "valid_years": ("有效期（年）", "years of validity"),
    "printed_fields": ("打印项", "printed fields"),
    "faqs": ("常见问题", "FAQs"),
    "question": ("问题", "question"),
    "answer": ("回答", "answer"),
    "text": ("内容", "text"),
    "handling_items": ("业务办理项", "handling items"),
    "min_level": ("最低实名等级", "least assurance"),
    "joint": ("联合办理", "joint decision"),
    "joint_agencies": ("联办机构", "joint agencies"),
    "extension": ("延长", "extension"),
    "special_procedures": ("特别程序", "special procedures"),
    "batches": ("受理批次", "rounds"),
    "commitment": ("告知承诺", "commitment"),
    "eligibility": ("申请条件自测", "eligibility questions"),
    "delivery_ways": ("送达方式", "ways of delivery"),
    "appointments": ("预约", "appointments"),
    "renewal": ("延续", "renewal"),
    "service_area": ("通办范围", "service area"),
    "number_limit": ("数量限制", "limit of number"),
    "examination_rules": ("审查要点", "examination rules"),
    "policies": ("政策文件", "policies"),
    "remedies": ("救济途径", "remedies"),
    "secrecy": ("密级", "secrecy"),
    "intermediary_services": ("中介服务", "intermediary services"),
    "entrusting_agency": ("委托部门", "entrusting agency"),
    "entry_centre": ("进驻大厅", "at the service centre"),
    "self_service_terminal": ("自助终端", "self-service terminal"),
    "clock_starts_on": ("期限起算", "start of the clock"),
    "risk_fields": ("不适用承诺的领域", "fields without commitments"),
    "amount": ("时长", "length"),
    "unit": ("单位", "unit"),
    "former_basic_code": ("2016年版基本编码", "basic code of 2016"),
    "local_code": ("本地编码", "local code"),
}
_CODES: Mapping[str, v.Labels] = {
    "power_source": v.POWER_SOURCES,
    "case_kind": v.CASE_KINDS,
    "online_level": v.ONLINE_LEVELS,
    "item_type": v.ITEM_TYPES,
    "service_objects": v.SERVICE_OBJECTS,
    "person_topics": v.PERSON_TOPICS,
    "organisation_topics": v.ORGANISATION_TOPICS,
    "life_events": v.LIFE_EVENTS,
    "handling_forms": v.HANDLING_FORMS,
    "online_depths": v.ONLINE_DEPTHS,
    "service_area": v.SERVICE_AREAS,
    "delivery_ways": v.DELIVERY_WAYS,
    "secrecy": v.SECRECY,
    "source": v.MATERIAL_SOURCES,
    "starts_on": v.START_EVENTS,
    "clock_starts_on": v.START_EVENTS,
}


def in_words(path: tuple[str, ...], kind: str, before: Any, after: Any, document: Any) -> Pair:
    """The change at ``path`` from ``before`` to ``after``, in a sentence. ``document``: the version that has the place."""
    places = _place(path, document) or [("全部", "all")]
    place_zh, place_en = (" · ".join(words) for words in zip(*places, strict=True))
    name = next((part for part in reversed(path) if "=" not in part and not part.isdigit()), "")
    (was_zh, was_en), (is_zh, is_en) = _said(name, before), _said(name, after)
    match kind:
        case "added":
            return f"{place_zh}：新增“{is_zh}”", f"{place_en}: added “{is_en}”"
        case "removed":
            return f"{place_zh}：删除“{was_zh}”", f"{place_en}: removed “{was_en}”"
        case "reordered":
            return f"{place_zh}：调整顺序", f"{place_en}: put into another order"
        case _:
            return f"{place_zh}：由“{was_zh}”改为“{is_zh}”", f"{place_en}: from “{was_en}” to “{is_en}”"


def _place(path: tuple[str, ...], document: Any) -> list[Pair]:
    """The elements on the way, each by its name; parts of lists by their own names."""
    words: list[Pair] = []
    node = document
    for step in path:
        node = _inner(node, step)
        if "=" in step or step.isdigit():
            words.append(_part_name(step, node))
        else:
            base = step.removesuffix("_en")
            zh, en = NAMES.get(step) or NAMES.get(base) or (step, step)
            words.append((f"{zh}（英文）", f"{en} (English)") if step != base and step not in NAMES else (zh, en))
    return words


def _part_name(step: str, part: Any) -> Pair:
    if isinstance(part, Mapping):
        zh = next((part[k] for k in ("name", "title", "question", "point") if isinstance(part.get(k), str)), "")
        en = next(
            (part[k] for k in ("name_en", "title_en", "question_en", "point_en") if isinstance(part.get(k), str)), ""
        )
        if zh:
            return f"“{_short(zh)}”", f"“{_short(en or zh)}”"
    if step.isdigit():
        return f"第{int(step) + 1}项", f"no. {int(step) + 1}"
    shown = step.partition("=")[2]
    return shown, shown


def _inner(node: Any, step: str) -> Any:
    if isinstance(node, Mapping):
        return node.get(step)
    if not isinstance(node, list):
        return None
    key, sign, wanted = step.partition("=")
    if sign:
        return next((part for part in node if isinstance(part, Mapping) and part.get(key) == wanted), None)
    return node[int(step)] if step.isdigit() and int(step) < len(node) else None


def _said(name: str, value: Any) -> Pair:
    zh, en = _words_of(name, value)
    return _short(zh), _short(en)


def _words_of(name: str, value: Any) -> Pair:
    labels = _CODES.get(name, {})
    match value:
        case None | []:
            return "无", "nothing"
        case bool():
            return ("是", "yes") if value else ("否", "no")
        case str():
            return labels.get(value, (value, value))
        case list() if all(isinstance(one, str) for one in value):
            pairs = [labels.get(one, (one, one)) for one in value]
            return "、".join(zh for zh, _ in pairs), ", ".join(en for _, en in pairs)
        case {"amount": amount, "unit": str(unit)} if unit in v.LIMIT_UNITS:
            zh, en = v.LIMIT_UNITS[unit]
            return f"{amount}{zh}", f"{amount} {en}"
    return _part_text(value)


def _part_text(part: Any) -> Pair:
    """What a part calls itself, else its JSON."""
    for key in ("name", "title", "question", "point", "text"):
        if isinstance(part, Mapping) and isinstance(part.get(key), str):
            zh, en = part[key], part.get(f"{key}_en")
            return zh, en if isinstance(en, str) else zh
    shown = json.dumps(part, ensure_ascii=False)
    return shown, shown


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
