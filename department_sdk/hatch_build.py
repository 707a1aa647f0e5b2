"""Which files the wheel holds: the published language lies outside this folder, where hatchling's own settings cannot reach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).resolve().parent


class Modules(BuildHookInterface[Any]):
    """The modules of ``department_sdk`` and ``contracts``."""

    def initialize(self, _version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it packs."""
        modules = [*HERE.glob("*.py"), HERE / "py.typed", *(HERE.parent / "contracts").glob("*.py")]
        build_data["force_include"].update(
            {str(file): f"{file.parent.name}/{file.name}" for file in modules if file != Path(__file__).resolve()}
        )
