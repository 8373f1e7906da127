"""Certificates made by the seeds' own openssl commands, typed literally, and what the service makes of them.

With OpenSSL 3.0 the intermediate, the device and the verification certificate come out as X.509 v1 without extensions.
"""

import pytest
from azure.iot.device import X509, IoTHubDeviceClient, ProvisioningDeviceClient
from azure.iot.device.exceptions import ClientError

from harness import dps
from harness.certs import openssl
from harness.cli import Refused
from harness.dps import Credential
from harness.monitor import body

INTERMEDIATE = "TextileIoT-IntermediateCA"

ROOT_AND_INTERMEDIATE = [
    "genrsa -out rootCA.key 2048",
    'req -x509 -new -nodes -key rootCA.key -sha256 -days 1024 -out rootCA.pem -subj "/CN=TextileIoT-RootCA"',
    "genrsa -out intermediateCA.key 2048",
    f'req -new -key intermediateCA.key -out intermediateCA.csr -subj "/CN={INTERMEDIATE}"',
    "x509 -req -in intermediateCA.csr -CA rootCA.pem -CAkey rootCA.key -CAcreateserial -out intermediateCA.pem -days 500 -sha256",
]

DEVICE = [
    "genrsa -out device.key 2048",
    'req -new -key device.key -out device.csr -subj "/CN={device}"',
    "x509 -req -in device.csr -CA intermediateCA.pem -CAkey intermediateCA.key -CAcreateserial -out device.pem -days 365 -sha256",
]

VERIFICATION = [
    'req -new -key rootCA.key -out verification.csr -subj "/CN={code}"',
    "x509 -req -in verification.csr -CA rootCA.pem -CAkey rootCA.key -CAcreateserial -out verification.pem -days 365 -sha256",
]


def run_all(folder, commands, **names) -> None:
    for command in commands:
        openssl(folder, command.format(**names))


def create_certificate(roadstead, folder, name: str, file: str) -> dict:
    made = roadstead.dps("certificate", "create", "--certificate-name", name, "--path", file, cwd=folder)
    roadstead.remember_ca(name)
    return made


def verification_code(certificate: dict) -> str:
    return certificate["properties"]["verificationCode"]


@pytest.fixture
def verified_root(roadstead, tmp_path, device_id):
    """Seed 000, steps 2 to 7: the CA's name in the service once its possession is proved."""
    name = f"root-{device_id}"
    run_all(tmp_path, ROOT_AND_INTERMEDIATE)
    created = create_certificate(roadstead, tmp_path, name, "rootCA.pem")
    assert created["properties"]["isVerified"] is False
    run_all(tmp_path, VERIFICATION, code=verification_code(created))
    words = ("certificate", "verify", "--certificate-name", name, "--path", "verification.pem")
    assert roadstead.dps(*words, cwd=tmp_path)["properties"]["isVerified"] is True
    return name


@pytest.fixture
def group(server, roadstead, verified_root, device_id):
    """Seed 000, step 8, with the seed's own words."""
    words = ("--enrollment-id", f"group-{device_id}", "--certificate-name", verified_root, "--provisioning-status", "enabled")
    words += ("--iot-hub-host-name", server.hub_host, "--attestation-type", "x509")
    roadstead.dps("enrollment-group", "create", *words)
    return f"group-{device_id}"


def run_seed_client(server, folder, registration_id: str) -> None:
    """Seed 000, step 9: registers with the leaf alone, connects, says hello."""
    x509 = X509(cert_file=str(folder / "device.pem"), key_file=str(folder / "device.key"), pass_phrase=None)
    provisioning = ProvisioningDeviceClient.create_from_x509_certificate(
        provisioning_host=server.dps_host, registration_id=registration_id, id_scope=server.id_scope, x509=x509
    )
    assigned = provisioning.register().registration_state
    client = IoTHubDeviceClient.create_from_x509_certificate(
        x509=x509, hostname=assigned.assigned_hub, device_id=assigned.device_id
    )
    client.connect()
    client.send_message("Hello from Raspberry Pi via DPS + X.509!")
    client.shutdown()


def test_group_with_leaf_alone(server, roadstead, monitor, tmp_path, group, device_id):
    """Refused while the intermediate is unknown, with advice; once it is uploaded, the very same client works."""
    run_all(tmp_path, DEVICE, device=device_id)
    credential = Credential(certificate=(tmp_path / "device.pem", tmp_path / "device.key"))
    for face in ("mqtt", "https"):
        refused = dps.register(face, server, device_id, credential)
        assert (refused.status, refused.body["errorCode"]) == (401, 401002)
        assert INTERMEDIATE in refused.message and "upload" in refused.message.lower(), refused.message
    with pytest.raises(ClientError):
        run_seed_client(server, tmp_path, device_id)

    roadstead.upload_ca(f"intermediate-{device_id}", tmp_path / "intermediateCA.pem")
    run_seed_client(server, tmp_path, device_id)
    assert monitor.wait(device_id, 1)[0]["payload"] == "Hello from Raspberry Pi via DPS + X.509!"


def test_v1_intermediate_that_arrives_is_no_issuer(server, tmp_path, group, device_id):
    """The chain sent whole changes nothing: a certificate that may not issue is not made an issuer by a handshake."""
    run_all(tmp_path, DEVICE, device=device_id)
    chain = tmp_path / "chain.pem"
    chain.write_bytes(b"".join((tmp_path / name).read_bytes() for name in ("device.pem", "intermediateCA.pem")))
    refused = dps.register("https", server, device_id, Credential(certificate=(chain, tmp_path / "device.key")))
    assert (refused.status, refused.body["errorCode"]) == (401, 401002)
    assert INTERMEDIATE in refused.message, refused.message


def test_device_cannot_mint(server, roadstead, tmp_path, group, device_id):
    """A device whose certificate these commands made signs another's: refused, whatever the chain holds."""
    run_all(tmp_path, DEVICE, device=device_id)
    roadstead.upload_ca(f"intermediate-{device_id}", tmp_path / "intermediateCA.pem")
    minted = [
        "genrsa -out minted.key 2048",
        f'req -new -key minted.key -out minted.csr -subj "/CN={device_id}-minted"',
        "x509 -req -in minted.csr -CA device.pem -CAkey device.key -CAcreateserial -out minted.pem -days 365 -sha256",
    ]
    run_all(tmp_path, minted)
    for names in (["minted.pem"], ["minted.pem", "device.pem"], ["minted.pem", "device.pem", "intermediateCA.pem"]):
        chain = tmp_path / "minted-chain.pem"
        chain.write_bytes(b"".join((tmp_path / name).read_bytes() for name in names))
        for face in ("mqtt", "https"):
            refused = dps.register(face, server, f"{device_id}-minted", Credential(certificate=(chain, tmp_path / "minted.key")))
            assert (refused.status, refused.body["errorCode"]) == (401, 401002), names
    honest = Credential(certificate=(tmp_path / "device.pem", tmp_path / "device.key"))
    assert dps.register("https", server, device_id, honest).body["status"] == "assigned"


def test_proof_of_possession(roadstead, tmp_path, device_id):
    """Only a certificate for the newest code, signed by that CA's key, verifies it."""
    run_all(tmp_path, ROOT_AND_INTERMEDIATE)
    name = f"root-{device_id}"
    created = create_certificate(roadstead, tmp_path, name, "rootCA.pem")
    verify = ("certificate", "verify", "--certificate-name", name, "--path", "verification.pem")

    run_all(tmp_path, VERIFICATION, code="not-the-code")
    with pytest.raises(Refused):
        roadstead.dps(*verify, cwd=tmp_path)

    by_another = [line.replace("-CA rootCA.pem -CAkey rootCA.key", "-CA other.pem -CAkey other.key") for line in VERIFICATION]
    openssl(tmp_path, 'req -x509 -new -nodes -newkey rsa:2048 -keyout other.key -out other.pem -subj "/CN=TextileIoT-RootCA"')
    run_all(tmp_path, by_another, code=verification_code(created))
    with pytest.raises(Refused):
        roadstead.dps(*verify, cwd=tmp_path)

    shown = roadstead.dps("certificate", "show", "--certificate-name", name)
    assert shown["properties"]["isVerified"] is False
    words = ("certificate", "generate-verification-code", "--certificate-name", name, "--etag", shown["etag"])
    renewed = roadstead.dps(*words)
    assert verification_code(renewed) != verification_code(created)
    run_all(tmp_path, VERIFICATION, code=verification_code(renewed))
    with pytest.raises(Refused):
        roadstead.dps(*verify, "--etag", shown["etag"], cwd=tmp_path)
    verified = roadstead.dps(*verify, "--etag", renewed["etag"], cwd=tmp_path)
    assert verified["properties"]["isVerified"] is True


def test_unverified_root_counts_for_nothing(server, roadstead, tmp_path, device_id):
    """A group may name only a verified CA."""
    run_all(tmp_path, ROOT_AND_INTERMEDIATE)
    name = f"root-{device_id}"
    create_certificate(roadstead, tmp_path, name, "rootCA.pem")
    words = ("--enrollment-id", f"group-{device_id}", "--ca-name", name)
    with pytest.raises(Refused) as refused:
        roadstead.dps("enrollment-group", "create", *words)
    assert "verif" in refused.value.stderr.lower()


def test_quickstart_self_signed(server, roadstead, monitor, tmp_path, device_id):
    """Seed 004: RSA-4096, passphrase `1234`, the SDK told of it."""
    command = "req -outform PEM -x509 -sha256 -newkey rsa:4096 -keyout ./python-device.key.pem -out ./python-device.pem"
    openssl(tmp_path, f'{command} -days 365 -extensions usr_cert -subj "/CN={device_id}" -passout pass:1234')
    roadstead.enroll_certificate(device_id, tmp_path / "python-device.pem")
    x509 = X509(str(tmp_path / "python-device.pem"), str(tmp_path / "python-device.key.pem"), "1234")
    client = ProvisioningDeviceClient.create_from_x509_certificate(
        provisioning_host=server.dps_host, registration_id=device_id, id_scope=server.id_scope, x509=x509
    )
    assigned = client.register().registration_state
    device = IoTHubDeviceClient.create_from_x509_certificate(
        x509=x509, hostname=assigned.assigned_hub, device_id=assigned.device_id
    )
    device.connect()
    for number in range(10):
        device.send_message(f'{{"number": {number}}}')
    device.shutdown()
    assert [body(event)["number"] for event in monitor.wait(device_id, 10)] == list(range(10))
