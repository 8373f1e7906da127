"""CAs that the server holds: devices with certificates that they issued, and openssl's own judgement of those."""

import itertools
import stat
import threading

import pytest
from azure.iot.device import X509

from harness import dps, wait
from harness.certs import openssl
from harness.cli import Refused, Roadstead
from harness.dps import Credential

KILLS = 3
# How a key for P-256 begins when it is no text: version 1, and 32 octets. Source: RFC 5915
UNSEALED_KEY = bytes.fromhex("0201010420")


@pytest.fixture
def held(roadstead, device_id):
    """A CA that the server made, and an enrollment group that names it."""
    name = f"held-{device_id}"
    made = roadstead.dps("certificate", "create-ca", "--certificate-name", name, "--common-name", "Plant CA")
    roadstead.remember_ca(name)
    assert made["properties"]["isVerified"] is True and made["properties"]["roadstead"] == {"holdsKey": True}
    roadstead.dps("enrollment-group", "create", "--enrollment-id", name, "--ca-name", name)
    return name


def issue(roadstead, tmp_path, ca, *words):
    return roadstead.dps("certificate", "issue", "--certificate-name", ca, *words, cwd=tmp_path)


def listed(roadstead, ca):
    return [one["commonName"] for one in roadstead.dps("certificate", "issued", "--certificate-name", ca)]


@pytest.mark.parametrize("key", ["of-the-server", "of-the-device"])
def test_from_a_held_ca_to_telemetry(roadstead, blocking, server, monitor, held, tmp_path, device_id, key):
    """With a key that the server made, or that openssl made where the device is."""
    if key == "of-the-server":
        words = ("--id", device_id)
    else:
        subject = f"-subj /O=Acme/CN={device_id} -addext basicConstraints=CA:FALSE"
        openssl(tmp_path, f"req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes {subject} -keyout {device_id}.key -out d.csr")
        words = ("--request", "d.csr")
    made = issue(roadstead, tmp_path, held, *words)
    assert "PRIVATE" not in str(made) and made["commonName"] == device_id
    root = roadstead.dps("certificate", "show", "--certificate-name", held)["properties"]["certificate"]
    (tmp_path / "root.b64").write_text(root)
    openssl(tmp_path, "base64 -d -A -in root.b64 -out root.pem")
    verified = openssl(tmp_path, f"verify -x509_strict -purpose sslclient -CAfile root.pem {device_id}.pem")
    assert verified.strip() == f"{device_id}.pem: OK"
    fingerprint = openssl(tmp_path, f"x509 -in {device_id}.pem -noout -fingerprint -sha256").split("=")[1].strip()
    assert fingerprint.replace(":", "") == made["sha256Thumbprint"]
    assert stat.S_IMODE((tmp_path / f"{device_id}.key").stat().st_mode) == 0o600

    pair = [str(tmp_path / f"{device_id}{end}") for end in (".chain.pem", ".key")]
    assigned = blocking.provision_and_send(server, "x509_certificate", device_id, x509=X509(*pair))
    assert (assigned.assigned_hub, assigned.device_id) == (server.hub_host, device_id)
    assert len(monitor.wait(device_id, 1)) == 1
    assert listed(roadstead, held) == [device_id]


def test_what_is_refused(roadstead, held, tmp_path, device_id):
    ec = "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.key -out d.csr"
    for subject, words in [
        ("/CN=x -addext basicConstraints=CA:TRUE", "certificate of a CA"),
        ("/O=Acme", "no common name"),
        ("'/CN=not an id'", "registration id"),
    ]:
        openssl(tmp_path, f"{ec} -subj {subject}")
        with pytest.raises(Refused) as refused:
            issue(roadstead, tmp_path, held, "--request", "d.csr")
        assert words in refused.value.stderr, refused.value.stderr
    issue(roadstead, tmp_path, held, "--id", device_id)
    with pytest.raises(Refused) as refused:
        issue(roadstead, tmp_path, held, "--id", device_id)
    assert f"{device_id}.key is there already" in refused.value.stderr
    assert listed(roadstead, held) == [device_id], "what could not be written was not issued"


def test_a_deleted_ca_lets_nobody_in(roadstead, server, held, tmp_path, device_id):
    """Its key is gone with it, what it issued is listed still."""
    issue(roadstead, tmp_path, held, "--id", device_id)
    pair = (tmp_path / f"{device_id}.chain.pem", tmp_path / f"{device_id}.key")
    assert dps.register("https", server, device_id, Credential(certificate=pair)).body["status"] == "assigned"
    roadstead.forget_cas()
    refused = dps.register("https", server, device_id, Credential(certificate=pair))
    assert refused.status == 401, refused.body
    with pytest.raises(Refused):
        issue(roadstead, tmp_path, held, "--id", f"{device_id}-2")
    assert listed(roadstead, held) == [device_id]
    by_end = roadstead.dps("certificate", "issued")
    assert [one["certificateName"] for one in by_end if one["commonName"] == device_id] == [held]


def test_what_was_issued_survives_a_kill(own_server, tmp_path):
    """Answered is noted, whenever the server ends: a certificate that somebody has is in the list, and its CA still signs."""
    server, name = own_server.start(), "survives-kills"
    roadstead = Roadstead(server)
    roadstead.dps("certificate", "create-ca", "--certificate-name", name)
    answered, refused = [], []

    def issue_on() -> None:
        """Until the server is gone."""
        while not refused:
            device = f"dev-{next(numbers)}"
            try:
                issue(roadstead, tmp_path, name, "--id", device, "--out", tmp_path / "certificates")
                answered.append(device)
            except Refused as error:
                refused.append(error)

    numbers = itertools.count()
    for _ in range(KILLS):
        refused.clear()
        enough = len(answered) + 3
        issuing = threading.Thread(target=issue_on)
        issuing.start()
        try:
            wait.until(lambda: len(answered) >= enough or refused, 60, "certificates")
            assert not refused, refused
        finally:
            server.kill()
            issuing.join(60)
        assert len(refused) == 1, "who asked was refused when the server was gone"
        server.start()
        assert set(answered) <= set(listed(roadstead, name))
    stored = [file.read_bytes() for file in server.data_dir.glob("records.db*")]
    assert any(name.encode() in content for content in stored), "the CA is in these files"
    assert not any(key in content for content in stored for key in (b"PRIVATE KEY", UNSEALED_KEY)), "it is sealed"
