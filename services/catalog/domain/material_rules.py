"""What the materials of an item must keep: named, founded in law, bounded. Source: 国办函〔2016〕108号, 清单之外无材料."""

from __future__ import annotations

from collections.abc import Iterator

from services.catalog.domain import vocabulary as v
from services.catalog.domain.definition import ItemDefinition, Material
from services.catalog.domain.problems import Problem

MAX_FILE_BYTES = 50 * 1024 * 1024
_ELECTRONIC, _PAPER = ("2", "3"), ("1", "3")


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
