"""What the materials of an item must keep: named, founded in law, bounded. Source: 国办函〔2016〕108号, 清单之外无材料."""

from __future__ import annotations

from collections.abc import Iterator

from services.catalog.domain import codes
from services.catalog.domain import vocabulary as v
from services.catalog.domain.codes import CodeError
from services.catalog.domain.conditions import condition_problems
from services.catalog.domain.definition import ItemDefinition
from services.catalog.domain.elements import Attachment, Material
from services.catalog.domain.problems import Problem

MAX_FILE_BYTES = 50 * 1024 * 1024
_ELECTRONIC, _PAPER = ("2", "3"), ("1", "3")
_ISSUED = "20"


def material_rules(item: ItemDefinition) -> Iterator[Problem]:
    """Every material on its own, and their codes together."""
    seen: set[str] = set()
    for n, material in enumerate(item.materials):
        where = f"materials.{n}"
        if material.code in seen:
            yield Problem(
                "material_code_repeated",
                f"{where}.code",
                f"材料编码 {material.code} 重复 / material code {material.code} is repeated",
            )
        seen.add(material.code)
        yield from _name_and_basis(material, where)
        yield from _files(material, where)
        yield from _paper(material, where)
        yield from _attachments(material, where)
        yield from _source(material, where)
        if material.in_person and item.on_site_visits == 0:
            yield Problem(
                "material_in_person_online",
                f"{where}.in_person",
                "不到现场的，不得要求本人到场提交 / without visits nothing can be asked for in person",
            )


def condition_rules(item: ItemDefinition) -> Iterator[Problem]:
    """A material that is asked for in some cases only says in which, for the form and in words (非必要时办理情形)."""
    for n, material in enumerate(item.materials):
        yield from condition_problems(material.when, item.form_schema, f"materials.{n}.when")
        if material.when and material.not_required is None:
            yield Problem(
                "material_not_required_missing",
                f"materials.{n}.not_required",
                "附条件的材料应写明非必要时办理情形 / a conditional material must say in words when it is not needed",
            )


def later_rules(item: ItemDefinition) -> Iterator[Problem]:
    """容缺后补: only what is not a main material may follow later, so the main ones must be named."""
    later = [(n, material) for n, material in enumerate(item.materials) if material.later_working_days is not None]
    for n, material in later:
        if material.main:
            yield Problem(
                "material_later_main",
                f"materials.{n}.later_working_days",
                "主要材料不得容缺后补 / a main material cannot follow later",
            )
    if later and not any(material.main for material in item.materials):
        yield Problem(
            "material_main_missing",
            "materials",
            "可容缺后补的事项应标明主要材料 / where materials may follow later, the main ones must be named",
        )


def _name_and_basis(material: Material, where: str) -> Iterator[Problem]:
    if any(phrase in material.name for phrase in v.CATCH_ALL_NAMES):
        yield Problem(
            "material_catch_all",
            f"{where}.name",
            "材料名称不得含“其他材料”“有关材料”等兜底表述 / a material must be named, not left open",
        )
    if not material.basis.strip():
        yield Problem(
            "material_basis_missing",
            f"{where}.basis",
            "每份材料应有要求提供的依据 / every material needs a legal basis",
        )


def _files(material: Material, where: str) -> Iterator[Problem]:
    if not material.media_types or any(kind not in v.MEDIA_TYPES for kind in material.media_types):
        yield Problem(
            "material_media_types",
            f"{where}.media_types",
            f"文件格式应在 {'、'.join(v.MEDIA_TYPES)} 之内 / media types must be of this list",
        )
    if not 0 < material.max_bytes <= MAX_FILE_BYTES:
        yield Problem(
            "material_max_bytes",
            f"{where}.max_bytes",
            f"文件大小上限应在1至{MAX_FILE_BYTES}字节之间 / max_bytes must be between 1 and {MAX_FILE_BYTES}",
        )
    if material.form not in _ELECTRONIC:
        yield Problem(
            "material_not_electronic",
            f"{where}.form",
            "材料应可提交电子件 / every material must be accepted electronically",
        )
    if (material.copies > 0) != (material.form in _PAPER):
        yield Problem(
            "material_copies_mismatch",
            f"{where}.copies",
            "纸质材料应写明份数，电子材料份数为0 / paper needs a number of copies, electronic has none",
        )


def _paper(material: Material, where: str) -> Iterator[Problem]:
    """Originals and photocopies, where they are told apart, add up to the copies and fit the kind."""
    if material.originals is None and material.photocopies is None:
        return
    originals, photocopies = material.originals or 0, material.photocopies or 0
    foreign = (material.kind == "1" and photocopies) or (material.kind == "2" and originals)
    if originals + photocopies != material.copies or foreign:
        yield Problem(
            "material_originals_mismatch",
            f"{where}.originals",
            "原件、复印件份数应与材料类型和总份数一致 / originals and photocopies must fit the kind and add up to the copies",
        )


def _attachments(material: Material, where: str) -> Iterator[Problem]:
    yield from attachment_problems(material.blank_form, f"{where}.blank_form")
    yield from attachment_problems(material.sample, f"{where}.sample")


def attachment_problems(attachment: Attachment | None, where: str) -> Iterator[Problem]:
    """It leads somewhere or says something."""
    if attachment is not None and not attachment.url and not attachment.lines:
        yield Problem("attachment_empty", where, "应有链接或内容 / it needs a link or what it says")


def _source(material: Material, where: str) -> Iterator[Problem]:
    """Who issues it, and which licence stands in for it."""
    if material.licence_type is not None:
        try:
            codes.check_licence_type_code(material.licence_type)
        except CodeError as error:
            yield Problem("licence_type_code_invalid", f"{where}.licence_type", str(error))
    if material.source == _ISSUED and not material.issuing_agency:
        yield Problem(
            "material_issuer_missing",
            f"{where}.issuing_agency",
            "政府部门核发的材料宜写明核发机关 / what a department issues should name the department",
            advice=True,
        )
    if material.source == _ISSUED and material.licence_type is None:
        yield Problem(
            "material_could_be_shared",
            f"{where}.licence_type",
            "政府部门核发的材料宜写明可替代的证照类型，以便免提交 / name the licence that could stand in for it, so that nobody "
            "need hand it in",
            advice=True,
        )
