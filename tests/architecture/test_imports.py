"""Who may import whom: import-linter's contracts, what they do not say, and proof that they would notice."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.architecture.house import CAMPAIGNS, PRODUCT, ROOT, below, imports, python_files

LINT = Path(sys.executable).with_name("lint-imports")
STANDARD = set(sys.stdlib_module_names)
NAMESPACES = {  # several distributions have modules below one name
    "opentelemetry.exporter.otlp.proto.http": "opentelemetry-exporter-otlp-proto-http",
    "opentelemetry.proto": "opentelemetry-proto",
    "opentelemetry.sdk": "opentelemetry-sdk",
    "opentelemetry.trace": "opentelemetry-api",
    "google.protobuf": "protobuf",
}

ONLY = {
    "contracts": {"contracts", "msgspec"},
    "services/*/domain": {"contracts", "msgspec", "chassis.errors", "stdnum"},  # stdnum: arithmetic of check digits
    "department_sdk": {"contracts", "department_sdk", "msgspec", "pika", "urllib3"},
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LINT, "--no-logo", "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)


def test_import_contracts_hold() -> None:
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout


PLANTED = {
    "services/catalog/api/planted.py": ("import services.workflow.models", "Services never import each other"),
    "services/audit/domain/planted.py": ("import chassis.db", "Domain rules know no mechanism"),
    "services/audit/helpers.py": ("", "Inside a service the path of a write is one way"),
    "services/identity/queries_planted.py": ("import gateway", "Services know nothing of what surrounds them"),
    "gateway/planted_registry.py": ("import chassis.consul", "Consul only behind chassis.discovery"),
    "contracts/planted.py": ("import chassis.clock", "The published language imports nothing of ours"),
    "chassis/planted.py": ("import contracts.case", "The mechanism knows no domain word"),
    "chassis/planted_too.py": (
        "import services.audit",
        "The mechanism knows no service, and no event but through the registry",
    ),
    "gateway/planted.py": ("import services.audit", "The gateway reaches services over the wire only"),
    "portal/planted.py": ("import chassis.db", "The portal is a client of the public API"),
    "localservers/planted.py": ("import portal.app", "Only the embedded platform mounts the portal"),
    "department_sdk/planted.py": (
        "import chassis.errors",
        "A department installs the SDK and contracts, nothing else of ours",
    ),
    "verify/planted.py": (
        "import contracts.envelope",
        "The verifier and the witness share no code with what they watch",
    ),
    "services/workflow/planted.py": ("import kombu", "kombu only in chassis.rabbit_bus"),
    "demo/planted.py": ("import pika", "pika only in department_sdk and the gateway's bridge"),
    "gateway/planted_spans.py": ("import opentelemetry.trace", "OpenTelemetry only in chassis.spans"),
}


def test_planted_violations_break_every_contract(tmp_path: Path) -> None:
    for package in PRODUCT:
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("*.json", "*.yaml", "__pycache__")
        )
    shutil.copy(ROOT / ".importlinter", tmp_path)
    for name, (text, _) in PLANTED.items():
        (tmp_path / name).write_text(text + "\n")
    result = lint(tmp_path)
    kept = [contract for _, contract in PLANTED.values() if f"{contract} BROKEN" not in result.stdout]
    assert (result.returncode, kept) == (1, []), result.stdout


@pytest.mark.parametrize("place", ONLY)
def test_nothing_else_is_imported(place: str) -> None:
    allowed = STANDARD | ONLY[place]
    for folder in ROOT.glob(place):
        own = ".".join(folder.relative_to(ROOT).parts)
        for path in python_files(str(folder.relative_to(ROOT))):
            strange = {name for name in imports(path) if not below(name, allowed | {own})}
            assert not strange, f"{path.relative_to(ROOT)} imports {sorted(strange)}"


def test_nothing_in_the_product_imports_tests_or_measurements() -> None:
    found = [
        path for path in python_files(*PRODUCT) if any(below(name, {"tests", *CAMPAIGNS}) for name in imports(path))
    ]
    assert found == []


def test_every_library_is_declared_and_every_declared_library_is_used() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {distribution(requirement) for requirement in project["dependencies"]}
    names = {name for path in python_files(*PRODUCT) for name in imports(path)}
    shared = {(name, whole) for name in names for whole in NAMESPACES if below(name, {whole})}
    tops = {name.partition(".")[0] for name in names - {name for name, _ in shared}} - STANDARD - set(PRODUCT)
    installed = packages_distributions()
    used = {distribution(installed.get(top, [top])[0]) for top in tops} | {NAMESPACES[whole] for _, whole in shared}
    by_url = {"psycopg"}  # SQLAlchemy loads the driver that the database's URL names
    assert (used - declared, declared - used - by_url) == (set(), set())


def distribution(requirement: str) -> str:
    name = requirement.partition("[")[0].partition(">")[0].partition("=")[0].strip()
    return name.lower().replace("_", "-")
