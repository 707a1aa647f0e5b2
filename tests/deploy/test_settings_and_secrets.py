"""Every process on Kubernetes starts with what it is told, and every secret comes from somewhere."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jws

from chassis.keys import load_or_create_key
from chassis.settings import Settings, load_settings
from gateway.rules import DEFAULT_LIMITS, read_rules
from tests.deploy.rendered import COMPONENT, NAME, SERVICES, Pod, Rendered
from tests.deploy.told import Store, environment, made_from, read_secrets, secrets, variables


@pytest.fixture(scope="module")
def store(dev: Rendered) -> dict[str, dict[str, str]]:
    """That of the trial, and what production has besides."""
    given = dev.of("SecretStore")["tongban"]["spec"]["provider"]["fake"]["data"]
    known = {one["key"]: json.loads(one["value"]) for one in given}
    known["tongban/identity"] |= {
        "smtp_url": "smtps://u:p@mail.example.org",
        "sms_url": "https://u:p@sms.example.org/send",
    }
    known["tongban/backups"] = {"access_key_id": "k", "secret_access_key": "s"}
    known["tongban/directory"] = {"directory": "departments: []"}
    return known


@pytest.fixture(autouse=True)
def _nothing_is_told_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TONGBAN_")]:
        monkeypatch.delenv(name)


def test_every_secret_that_is_read_is_made_somewhere(overlay: Rendered) -> None:
    made = secrets(overlay)
    for who, name, key in read_secrets(overlay):
        assert name in made, f"{who} reads {name}"
        assert key is None or key in made[name], f"{who} reads {key} of {name}"
    assert set(overlay.of("ExternalSecret")) <= {name for _, name, _ in read_secrets(overlay)}


def test_every_secret_is_in_the_store(overlay: Rendered, store: Store) -> None:
    for name, doc in overlay.of("ExternalSecret").items():
        assert doc["spec"]["secretStoreRef"]["name"] in overlay.of("SecretStore")
        assert all(made_from(doc, store).values()), name


def test_no_secret_stands_in_the_manifests_of_production(prod: Rendered) -> None:
    assert {name: doc["stringData"] for name, doc in prod.of("Secret").items()} == {"queues-tls": {"tls": "enable"}}
    assert [*prod.of("SecretStore")["tongban"]["spec"]["provider"]] == ["vault"]


def test_every_variable_is_a_setting(overlay: Rendered, store: Store, tmp_path: Path) -> None:
    for pod in overlay.pods.values():
        for container in pod.containers():
            if pod.ours and "envFrom" in container:
                told = environment(overlay, pod, container, tmp_path / pod.name, store)
                assert {name for name in told if name.startswith("TONGBAN_")} <= variables(), pod.name


def test_each_process_starts_with_what_it_is_told(
    overlay: Rendered, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = set()
    for pod in overlay.pods.values():
        if not pod.ours or pod.name == "provision":
            continue
        for container in pod.containers():
            if "envFrom" not in container:
                assert container["name"] == "keys"  # copies files
                continue
            with monkeypatch.context() as patch:
                for name, value in environment(overlay, pod, container, tmp_path / pod.name, store).items():
                    patch.setenv(name, value)
                loaded = load_settings(pod.labels[NAME])
            assert loaded.advertise == "10.0.0.7:8000"
            assert str(loaded.data_dir) == "/var/lib/tongban"
            assert loaded.consul_token == store["tongban/consul"]["platform_token"]
            _check_servers(pod, loaded)
            checked.add((pod.name, container["name"]))
    assert len(checked) == 3 + len(SERVICES) * (
        3 + 3 + 1
    )  # the doors; and of each service the roles, their waits, the migration


def _check_servers(pod: Pod, loaded: Settings) -> None:
    name, role = pod.labels[NAME], pod.labels[COMPONENT]
    if name in SERVICES:
        assert loaded.database_url.startswith(f"postgresql+psycopg://{name}:dev-{name}@postgresql-rw:5432/{name}?")
        assert loaded.database_url.endswith("?sslmode=verify-full&sslrootcert=/etc/tongban/database/ca.crt")
    if name in SERVICES or role == "bridge":
        assert loaded.bus_url == f"amqps://{name}:dev-{name}@rabbitmq.tongban.svc:5671/tongban"
    if (name, role) == ("gateway", "web"):
        assert loaded.limits_url.startswith("rediss://:dev-limits@limits:6379/0?ssl_ca_certs=/etc/tongban/trust/")
        read_rules(loaded.gateway, DEFAULT_LIMITS | dict(loaded.limits), loaded.gateway_threads)


def test_the_broker_is_prepared_by_its_administrator_with_known_passwords(
    overlay: Rendered, store: Store, tmp_path: Path
) -> None:
    pod = overlay.pods["provision"]
    told = environment(overlay, pod, pod.main, tmp_path, store)
    assert told["TONGBAN_RABBITMQ_ADMIN"] == "secret-username:secret-password"
    assert told["TONGBAN_RABBITMQ_API"] == "https://rabbitmq:15671"
    assert pod.main["args"][0].endswith("python -m gateway.provision --known-passwords-only\n")
    written = made_from(overlay.of("ExternalSecret")["broker-passwords"], store)["passwords.yaml"]
    assert '"police": "dev-police"' in written
    assert "workflow: dev-workflow" in written


def test_departments_of_the_bridge_have_passwords(dev: Rendered, store: Store) -> None:
    assert set(dev.settings["TONGBAN_DEPARTMENTS"].split(",")) == set(store["tongban/departments"])


def test_production_sends_mail_and_text_messages(prod: Rendered) -> None:
    for role in ("web", "worker", "jobs"):
        names = {one["name"] for one in prod.pods[f"identity-{role}"].main["env"]}
        assert {"TONGBAN_SMTP_URL_FILE", "TONGBAN_SMS_URL_FILE", "TONGBAN_DIRECTORY_FILE"} <= names


def test_servers_are_spoken_to_by_names_that_their_certificates_have(overlay: Rendered) -> None:
    names = {doc["spec"]["secretName"]: doc["spec"].get("dnsNames", []) for doc in overlay.of("Certificate").values()}
    assert {"rabbitmq", "rabbitmq.tongban.svc"} <= set(names["rabbitmq-tls"])
    configuration = overlay.of("ExternalSecret")["consul"]["spec"]["target"]["template"]["data"]["consul.json"]
    assert {"consul", f"server.{json.loads(configuration)['datacenter']}.consul"} <= set(names["consul-tls"])
    assert "limits" in names["limits-tls"]


def test_a_key_that_cert_manager_makes_is_one_that_gateway_and_portal_sign_with(tmp_path: Path) -> None:
    made = ec.generate_private_key(ec.SECP256R1())
    file = tmp_path / "internal.pem"
    file.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.chmod(0o400)
    first, second = load_or_create_key(file), load_or_create_key(file)
    assert first.kid == second.kid
    signed = jws.serialize_compact({"alg": "ES256"}, b"word", first, algorithms=["ES256"])
    assert jws.deserialize_compact(signed, second, ["ES256"]).payload == b"word"
