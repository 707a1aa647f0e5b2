"""What ``kubectl kustomize`` makes of an overlay, and how to find one's way in it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from tests.architecture.house import ROOT

K8S = ROOT / "deploy" / "k8s"
OVERLAYS = ("dev", "prod")
SERVICES = ("identity", "catalog", "workflow", "documents", "audit")
WORKLOADS = ("Deployment", "StatefulSet", "Job")
PART_OF, NAME, COMPONENT = "app.kubernetes.io/part-of", "app.kubernetes.io/name", "app.kubernetes.io/component"
OURS = "tongban"

Document = dict[str, Any]


@dataclass(frozen=True)
class Pod:
    """The pods of one workload."""

    owner: Document

    @property
    def name(self) -> str:
        return str(self.owner["metadata"]["name"])

    @property
    def template(self) -> Document:
        found: Document = self.owner["spec"]["template"]
        return found

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.template["metadata"]["labels"])

    @property
    def spec(self) -> Document:
        found: Document = self.template["spec"]
        return found

    @property
    def ours(self) -> bool:
        """Whether it runs the platform's own image."""
        return self.labels.get(PART_OF) == OURS

    def containers(self, *, first: bool = True) -> Iterator[Document]:
        """All of them; those that run before the others with ``first``."""
        yield from self.spec["containers"]
        if first:
            yield from self.spec.get("initContainers", ())

    @property
    def main(self) -> Document:
        [only] = self.spec["containers"]
        return dict(only)

    @property
    def ports(self) -> dict[str, int]:
        return {port["name"]: port["containerPort"] for port in self.main.get("ports", ())}


@dataclass(frozen=True)
class Rendered:
    """Documents in kustomize's order."""

    name: str
    documents: list[Document]

    def of(self, *kinds: str) -> dict[str, Document]:
        """Those of a kind, by name."""
        return {doc["metadata"]["name"]: doc for doc in self.documents if doc["kind"] in kinds}

    @cached_property
    def pods(self) -> dict[str, Pod]:
        """By the name of their workload."""
        return {name: Pod(doc) for name, doc in self.of(*WORKLOADS).items()}

    @cached_property
    def settings_name(self) -> str:
        """kustomize puts a hash of the content behind it."""
        [name] = [name for name in self.of("ConfigMap") if re.fullmatch(r"settings-\w{10}", name)]
        return name

    @cached_property
    def settings(self) -> dict[str, str]:
        """What every process is told."""
        return self.configmap(self.settings_name)

    def configmap(self, name: str) -> dict[str, str]:
        return dict(self.of("ConfigMap")[name]["data"])


def render(kubectl: Path, overlay: str | Path) -> Rendered:
    """Raises CalledProcessError with what kustomize says."""
    folder = K8S / "overlays" / overlay if isinstance(overlay, str) else overlay
    command = [str(kubectl), "kustomize", str(folder)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return Rendered(folder.name, [doc for doc in yaml.load_all(answer.stdout, loader) if doc])


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector takes these labels. An empty one takes all."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    return all(_expression(one, labels) for one in selector.get("matchExpressions", ()))


def _expression(one: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    there = labels.get(one["key"])
    match one["operator"]:
        case "In":
            return there in one["values"]
        case "NotIn":
            return there not in one["values"]
        case "Exists":
            return there is not None
        case "DoesNotExist":
            return there is None
    raise AssertionError(one["operator"])
