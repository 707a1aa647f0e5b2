"""What the architecture tests look at: the files of the house as text and as syntax trees, and its services."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from contracts_docs.parties import all_services

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = (
    "contracts",
    "contracts_docs",
    "chassis",
    "services",
    "gateway",
    "portal",
    "embedded",
    "department_sdk",
    "verify",
    "localservers",
    "demo",
    "evidence",
)
CAMPAIGNS = ("faults", "bench", "bench_peers")
BUILD_HOOK = "hatch_build.py"
SERVICES = all_services()
NAMES = [service.name for service in SERVICES]


def python_files(*packages: str) -> list[Path]:
    """Modules of the given packages; migrations, which Alembic writes, and the wheel's build hook aside."""
    files = [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]
    return [path for path in files if "migrations" not in path.parts and path.name != BUILD_HOOK]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call in the module with the dotted name that is called, as far as it is one."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield dotted(node.func), node


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def imports(path: Path) -> set[str]:
    """Dotted names of what the module imports."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
    return found


def at(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"


def below(name: str, tops: set[str]) -> bool:
    """Whether the dotted name is one of ``tops`` or inside it."""
    return any(name == top or name.startswith(f"{top}.") for top in tops)


def house_files() -> list[Path]:
    """Every text file that a checkout holds; what is built or installed aside."""
    aside = {".git", ".venv", "build", "dist", "__pycache__", "node_modules"}
    texts = []
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        if (
            path.is_file()
            and not aside & set(parts)
            and not any(p.endswith("_cache") or p == ".hypothesis" for p in parts)
        ):
            texts.append(path)
    return texts
