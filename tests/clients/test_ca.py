"""`roadstead ca`: what the seeds do with openssl, in one command each, and openssl's own judgement of it."""

import stat

import pytest

from harness import dps
from harness.certs import openssl
from harness.cli import Refused
from harness.dps import Credential
from harness.rawmqtt import RawMqtt, tls_context
from harness.hub import username


@pytest.fixture
def ca(roadstead, tmp_path):
    """One `roadstead ca` command in the test's own folder."""

    def run(*words):
        return roadstead.text("ca", *words, cwd=tmp_path)

    return run


@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
def test_chain_that_openssl_accepts(ca, tmp_path, device_id, kind):
    ca("root", "--name", "Plant Root", "--key-type", kind)
    ca("intermediate", "--root", "root.pem", "--name", "Plant Line 1", "--key-type", kind)
    ca("device", "--issuer", "intermediate.pem", "--id", device_id, "--key-type", kind)
    verified = openssl(tmp_path, f"verify -x509_strict -purpose sslclient -CAfile root.pem -untrusted intermediate.pem {device_id}.pem")
    assert verified.strip() == f"{device_id}.pem: OK"
    assert f"CN = {device_id}" in openssl(tmp_path, f"x509 -in {device_id}.pem -noout -subject")
    for name in ("root.key", "intermediate.key", f"{device_id}.key"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600, name


def test_nothing_is_overwritten(ca, tmp_path):
    ca("root", "--name", "Plant Root")
    before = (tmp_path / "root.key").read_bytes()
    with pytest.raises(Refused) as refused:
        ca("root", "--name", "Another Root")
    assert "root.key" in refused.value.stderr
    assert (tmp_path / "root.key").read_bytes() == before


def test_from_root_to_telemetry(ca, server, roadstead, monitor, tmp_path, device_id):
    """Root, proof of possession, intermediate, device, group: a device provisions itself with its chain and sends."""
    name = f"root-{device_id}"
    ca("root", "--name", name)
    made = roadstead.dps("certificate", "create", "--certificate-name", name, "--path", "root.pem", cwd=tmp_path)
    roadstead.remember_ca(name)
    ca("verify", "--ca", "root.pem", "--code", made["properties"]["verificationCode"])
    verify = ("certificate", "verify", "--certificate-name", name, "--path", "verification.pem", "--etag", made["etag"])
    assert roadstead.dps(*verify, cwd=tmp_path)["properties"]["isVerified"] is True

    ca("intermediate", "--root", "root.pem", "--name", f"line-{device_id}")
    ca("device", "--issuer", "intermediate.pem", "--id", device_id, "--with-chain")
    roadstead.dps("enrollment-group", "create", "--enrollment-id", f"group-{device_id}", "--ca-name", name)
    pair = (tmp_path / f"{device_id}.chain.pem", tmp_path / f"{device_id}.key")
    for face in ("mqtt", "https"):
        assert dps.register(face, server, device_id, Credential(certificate=pair)).body["status"] == "assigned"

    with RawMqtt(server.hub_host, server.mqtt_port, tls_context(server.ca_file, pair)) as mqtt:
        assert mqtt.connect(device_id, username(server.hub_host, device_id)).code == 0
        mqtt.publish(f"devices/{device_id}/messages/events/", b"{}")
    assert len(monitor.wait(device_id, 1)) == 1


def test_printed_steps_lead_on(roadstead, tmp_path):
    """Each command says what comes next."""
    for words, following in [
        (("ca", "root", "--name", "R"), "intermediate"),
        (("ca", "intermediate", "--root", "root.pem", "--name", "I"), "device"),
        (("ca", "device", "--issuer", "intermediate.pem", "--id", "d"), "d.pem"),
    ]:
        assert following in roadstead.said(*words, cwd=tmp_path), words
