"""What pods are told: where each secret comes from, who reads it, and the environment that a process starts with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chassis.settings_table import COMMANDS, DECLARED
from tests.deploy.rendered import Document, Pod, Rendered

Store = Mapping[str, Mapping[str, str]]
"""What a store of secrets has: key -> property -> text."""

MADE_BY_OPERATORS = {"rabbitmq-default-user": {"username", "password"}, "postgresql-ca": {"ca.crt", "ca.key"}}
SECRETS = "/etc/tongban/secrets/"


def variables() -> set[str]:
    """Every variable that the code reads."""
    settings = (*DECLARED.values(), *COMMANDS)
    return {name for one in settings for name in (one.variable, one.file_variable) if name}


def secrets(overlay: Rendered) -> dict[str, set[str]]:
    """Name -> keys of every secret that there will be."""
    found = dict(MADE_BY_OPERATORS)
    for name, doc in overlay.of("ExternalSecret").items():
        template = doc["spec"].get("target", {}).get("template", {}).get("data")
        found[name] = set(template or {one["secretKey"] for one in doc["spec"]["data"]})
    found |= {doc["spec"]["secretName"]: {"tls.crt", "tls.key", "ca.crt"} for doc in overlay.of("Certificate").values()}
    return found | {name: set(doc["stringData"]) for name, doc in overlay.of("Secret").items()}


def read_secrets(overlay: Rendered) -> Iterator[tuple[str, str, str | None]]:
    """Who reads which key of which secret; None for the secret as a whole."""
    for pod in overlay.pods.values():
        for name, key in (*_of_environment(pod), *_of_volumes(pod)):
            yield pod.name, name, key
    for name, doc in overlay.of("TriggerAuthentication").items():
        yield from ((name, one["name"], one["key"]) for one in doc["spec"]["secretTargetRef"])
    for name, doc in overlay.of("PodMonitor").items():
        for endpoint in doc["spec"]["podMetricsEndpoints"]:
            yield from ((name, one["name"], one["key"]) for one in _of_endpoint(endpoint))
    for name, doc in overlay.of("ObjectStore").items():
        yield from ((name, one["name"], one["key"]) for one in doc["spec"]["configuration"]["s3Credentials"].values())
    for role in overlay.of("Cluster")["postgresql"]["spec"]["managed"]["roles"]:
        yield "postgresql", role["passwordSecret"]["name"], "password"
    yield "rabbitmq", overlay.of("RabbitmqCluster")["rabbitmq"]["spec"]["tls"]["secretName"], "tls.key"
    yield from (("gateway", tls["secretName"], "tls.key") for tls in overlay.of("Ingress")["gateway"]["spec"]["tls"])


def _of_environment(pod: Pod) -> Iterator[tuple[str, str | None]]:
    for container in pod.containers():
        for variable in container.get("env", ()):
            if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
                yield reference["name"], reference["key"]


def _of_volumes(pod: Pod) -> Iterator[tuple[str, str | None]]:
    for volume in pod.spec.get("volumes", ()):
        for source in (volume, *volume.get("projected", {}).get("sources", ())):
            if secret := source.get("secret"):
                name = secret.get("secretName") or secret["name"]
                yield name, None
                yield from ((name, item["key"]) for item in secret.get("items", ()))


def _of_endpoint(endpoint: Document) -> Iterator[Document]:
    if "tlsConfig" in endpoint:
        yield endpoint["tlsConfig"]["ca"]["secret"]
    if "authorization" in endpoint:
        yield endpoint["authorization"]["credentials"]


def made_from(doc: Document, store: Store) -> dict[str, str]:
    """What External Secrets would write into the secret of ``doc``."""
    spec = doc["spec"]
    raw: dict[str, str] = {}
    for one in spec.get("dataFrom", ()):
        raw |= store[one["extract"]["key"]]
    for one in spec.get("data", ()):
        key, what = one["remoteRef"]["key"], one["remoteRef"].get("property")
        raw[one["secretKey"]] = store[key][what] if what else json.dumps(store[key])
    template = spec.get("target", {}).get("template", {}).get("data")
    if template is None:
        return raw
    return {
        name: re.sub(r"{{ \.(\w+)( \| quote)? }}", lambda found: raw[found[1]], text) for name, text in template.items()
    }


def environment(overlay: Rendered, pod: Pod, container: Document, folder: Path, store: Store) -> dict[str, str]:
    """What a process is told; the files of its secrets are written into ``folder``."""
    assert container["envFrom"] == [{"configMapRef": {"name": overlay.settings_name}}]
    told = dict(overlay.settings)
    for one in container.get("env", ()):
        text = one["value"] if "value" in one else _elsewhere(one["valueFrom"])
        told[one["name"]] = re.sub(r"\$\((\w+)\)", lambda found: told[found[1]], text)
    _write_secrets(overlay, pod, container, folder, store)
    return {
        name: str(folder / text.removeprefix(SECRETS)) if text.startswith(SECRETS) else text
        for name, text in told.items()
    }


def _elsewhere(source: Document) -> str:
    return "10.0.0.7" if "fieldRef" in source else f"secret-{source['secretKeyRef']['key']}"


def _write_secrets(overlay: Rendered, pod: Pod, container: Document, folder: Path, store: Store) -> None:
    mounted = [mount["name"] for mount in container["volumeMounts"] if f"{mount['mountPath']}/" == SECRETS]
    named: dict[str, Any] = {volume["name"]: volume for volume in pod.spec["volumes"]}
    folder.mkdir(parents=True, exist_ok=True)
    for name in mounted:
        doc = overlay.of("ExternalSecret")[named[name]["secret"]["secretName"]]
        for key, text in made_from(doc, store).items():
            (folder / key).write_text(text)
