"""The gateway's table against what the services really serve."""

import importlib
import re
from pathlib import Path

import pytest

from chassis.web import create_web
from gateway.routes import SERVICES, find_route
from tests.support import Tokens, make_runtime

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_operation_has_its_row_and_is_public_on_both_sides_or_on_none(name: str, tmp_path: Path) -> None:
    service = importlib.import_module(f"services.{name}.service").SERVICE
    app = create_web(service, make_runtime(service, tmp_path, Tokens()))
    document = app.test_client().get(f"/openapi/{name}.json").get_json()
    operations = [(m.upper(), p, o) for p, item in document["paths"].items() for m, o in item.items() if m in METHODS]
    assert operations
    for method, path, operation in operations:
        example = re.sub(r"\{[^}]+\}", "x", path)
        route = find_route(example)
        assert route.service == name, f"{method} {path}"
        assert route.is_public(method, example) == ("security" not in operation), f"{method} {path}"
