"""What DPS refuses, over MQTT and HTTPS alike: Azure's code, and a message that names the cause."""

import dataclasses
import json
import re

import pytest

from harness import dps, sas
from harness.dps import Credential, key_credential, register


@pytest.fixture(params=["mqtt", "https"])
def face(request):
    return request.param


def assert_refused(answer: dps.Answer, code: int, *words: str) -> None:
    assert (answer.status, answer.body["errorCode"]) == (code // 1000, code), answer.body
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.body["trackingId"])
    assert answer.body["timestampUtc"].endswith("Z")
    for word in words:
        assert word.lower() in answer.message.lower(), f"no {word!r} in {answer.message!r}"


def assert_disabled(answer: dps.Answer, enrollment_id: str) -> None:
    """Authenticated, and then told: no refusal but a final status."""
    assert (answer.status, answer.body["status"]) in ((200, "disabled"), (202, "disabled")), answer.body
    assert answer.body["registrationState"]["status"] == "disabled"
    assert enrollment_id in answer.message


@pytest.fixture
def key(roadstead, device_id):
    return roadstead.enroll_with_key(device_id)


def test_unknown_scope(server, face, key, device_id):
    unknown = "0ne00FFFFFF"
    credential = Credential(token=sas.token(f"{unknown}/registrations/{device_id}", key, policy="registration"))
    assert_refused(register(face, server, device_id, credential, id_scope=unknown), 401002)


def test_unknown_registration(server, face, key, device_id):
    other = f"{device_id}-unknown"
    assert_refused(register(face, server, other, key_credential(server, other, key)), 401002)


def test_wrong_key(server, roadstead, face, key, device_id):
    other = roadstead.enroll_with_key(f"{device_id}-other")
    assert_refused(register(face, server, device_id, key_credential(server, device_id, other)), 401002)


def test_tampered_token(server, face, key, device_id):
    good = key_credential(server, device_id, key)
    assert_refused(register(face, server, device_id, Credential(token=sas.tampered(good.token))), 401002)
    assert register(face, server, device_id, good).body["status"] == "assigned"


def test_expired_token(server, face, key, device_id):
    assert_refused(register(face, server, device_id, key_credential(server, device_id, key, ttl_s=-3600)), 401002, "expired")


def test_token_of_another_registration(server, roadstead, face, key, device_id):
    other = f"{device_id}-other"
    token = key_credential(server, other, roadstead.enroll_with_key(other))
    assert_refused(register(face, server, device_id, token), 401002)


def test_group_key_itself(server, roadstead, face, device_id):
    """The key of a group derives its devices' keys and never speaks for one."""
    group_key = roadstead.enroll_group_with_key(f"group-{device_id}")
    assert_refused(register(face, server, device_id, key_credential(server, device_id, group_key)), 401002)


def test_no_credential(server, face, key, device_id):
    assert_refused(register(face, server, device_id, Credential()), 401000)


def test_disabled_enrollment(server, roadstead, face, key, device_id):
    credential = key_credential(server, device_id, key)
    assert register(face, server, device_id, credential).body["status"] == "assigned"
    words = ("--enrollment-id", device_id, "--provisioning-status")
    roadstead.dps("enrollment", "update", *words, "disabled")
    assert_disabled(register(face, server, device_id, credential), device_id)
    roadstead.dps("enrollment", "update", *words, "enabled")
    assert register(face, server, device_id, credential).body["status"] == "assigned"


def test_disabled_group(server, roadstead, face, device_id):
    group = f"group-{device_id}"
    group_key = roadstead.enroll_group_with_key(group, "--provisioning-status", "disabled")
    credential = key_credential(server, device_id, sas.device_key(group_key, device_id))
    assert_disabled(register(face, server, device_id, credential), group)


def test_deleted_enrollment(server, roadstead, face, key, device_id):
    roadstead.dps("enrollment", "delete", "--enrollment-id", device_id)
    assert_refused(register(face, server, device_id, key_credential(server, device_id, key)), 401002)


def test_individual_enrollment_hides_its_group(server, roadstead, face, device_id):
    """One device of a group is enrolled by itself too: only that enrollment counts for it, as long as it is there."""
    group_key = roadstead.enroll_group_with_key(f"group-{device_id}")
    by_group = key_credential(server, device_id, sas.device_key(group_key, device_id))
    by_itself = key_credential(server, device_id, roadstead.enroll_with_key(device_id))
    assert_refused(register(face, server, device_id, by_group), 401002)
    assert register(face, server, device_id, by_itself).body["status"] == "assigned"
    roadstead.dps("enrollment", "update", "--enrollment-id", device_id, "--provisioning-status", "disabled")
    assert_disabled(register(face, server, device_id, by_itself), device_id)
    roadstead.dps("enrollment", "delete", "--enrollment-id", device_id)
    assert_refused(register(face, server, device_id, by_itself), 401002)
    assert register(face, server, device_id, by_group).body["status"] == "assigned"


@pytest.mark.parametrize("payload", [b"{", b"[]", b'"text"', b'{"registrationId": 7}'])
def test_malformed_json(server, face, key, device_id, payload):
    answer = register(face, server, device_id, key_credential(server, device_id, key), payload=payload)
    assert answer.status == 400 and answer.body["errorCode"] // 1000 == 400, answer.body


def test_body_of_another_registration(server, face, key, device_id):
    payload = json.dumps({"registrationId": f"{device_id}-other"}).encode()
    answer = register(face, server, device_id, key_credential(server, device_id, key), payload=payload)
    assert answer.status == 400 and answer.body["errorCode"] // 1000 == 400, answer.body


@dataclasses.dataclass
class Authority:
    """A verified root, its intermediate, and a group that names the root."""

    root: object
    intermediate: object
    root_name: str


@pytest.fixture
def authority(roadstead, certificates, device_id):
    name = f"root-{device_id}"
    root = certificates.root(name)
    roadstead.upload_ca(name, root.path)
    roadstead.dps("enrollment-group", "create", "--enrollment-id", f"group-{device_id}", "--ca-name", name)
    return Authority(root, certificates.issue(root, f"intermediate-{device_id}", ca=True), name)


def present(face, server, device_id, leaf, *issuers) -> dps.Answer:
    return register(face, server, device_id, Credential(certificate=leaf.chained(*issuers)))


def test_expired_certificate(server, face, authority, certificates, device_id):
    leaf = certificates.issue(authority.intermediate, device_id, from_days=-10, to_days=-1)
    assert_refused(present(face, server, device_id, leaf, authority.intermediate), 401002, "expired", device_id)


def test_certificate_not_yet_valid(server, face, authority, certificates, device_id):
    leaf = certificates.issue(authority.intermediate, device_id, from_days=1, to_days=10)
    assert_refused(present(face, server, device_id, leaf, authority.intermediate), 401002, "not valid before", device_id)


def test_expired_intermediate(server, face, authority, certificates, device_id):
    expired = certificates.issue(authority.root, f"old-{device_id}", ca=True, from_days=-10, to_days=-1)
    leaf = certificates.issue(expired, device_id)
    assert_refused(present(face, server, device_id, leaf, expired), 401002, "expired", f"old-{device_id}")


def test_expired_individual_certificate(server, roadstead, face, certificates, device_id):
    """The dates of an enrolled certificate count too: it is compared, and then read."""
    leaf = certificates.self_signed(device_id, from_days=-10, to_days=-1)
    roadstead.enroll_certificate(device_id, leaf.path)
    assert_refused(present(face, server, device_id, leaf), 401002, "expired")


def test_missing_intermediate(server, face, authority, certificates, device_id):
    leaf = certificates.issue(authority.intermediate, device_id)
    assert_refused(present(face, server, device_id, leaf), 401002, f"intermediate-{device_id}", "upload")


def test_unknown_ca(server, face, authority, certificates, device_id):
    stranger = certificates.root(f"stranger-{device_id}")
    leaf = certificates.issue(stranger, device_id)
    assert_refused(present(face, server, device_id, leaf, stranger), 401002)


def test_ca_of_the_same_name(server, face, authority, certificates, device_id):
    """A stranger's CA under the name of ours has another key."""
    impostor = certificates.root(authority.root_name)
    leaf = certificates.issue(impostor, device_id)
    assert_refused(present(face, server, device_id, leaf, impostor), 401002)


def test_unverified_ca(server, roadstead, face, certificates, device_id):
    """Uploaded, not verified: no group may name it, and under a group's own certificate it is no anchor."""
    root = certificates.root(f"root-{device_id}")
    intermediate = certificates.issue(root, f"intermediate-{device_id}", ca=True)
    roadstead.upload_ca(f"root-{device_id}", root.path, verified=False)
    words = ("--enrollment-id", f"group-{device_id}", "--certificate-path", intermediate.path)
    roadstead.dps("enrollment-group", "create", *words)
    leaf = certificates.issue(intermediate, device_id)
    assert_refused(present(face, server, device_id, leaf, intermediate, root), 401002, "verif")


def test_deleted_ca(server, roadstead, face, authority, certificates, device_id):
    leaf = certificates.issue(authority.intermediate, device_id)
    assert present(face, server, device_id, leaf, authority.intermediate).body["status"] == "assigned"
    etag = roadstead.dps("certificate", "show", "--certificate-name", authority.root_name)["etag"]
    roadstead.dps("certificate", "delete", "--certificate-name", authority.root_name, "--etag", etag)
    assert_refused(present(face, server, device_id, leaf, authority.intermediate), 401002)


def test_wrong_common_name(server, face, authority, certificates, device_id):
    """Says both names, the expected and the presented."""
    leaf = certificates.issue(authority.intermediate, f"{device_id}-b")
    answer = present(face, server, f"{device_id}-a", leaf, authority.intermediate)
    assert_refused(answer, 401002, f"{device_id}-a", f"{device_id}-b")


def test_another_certificate_for_an_individual(server, roadstead, face, certificates, device_id):
    """Same name, other key: the enrollment compares the certificate itself."""
    roadstead.enroll_certificate(device_id, certificates.self_signed(device_id).path)
    assert_refused(present(face, server, device_id, certificates.self_signed(device_id)), 401002)


def test_leaf_as_issuer(server, face, authority, certificates, device_id):
    """A device's certificate signs another: it is no CA."""
    leaf = certificates.issue(authority.intermediate, device_id)
    minted = certificates.issue(leaf, f"{device_id}-minted")
    answer = present(face, server, f"{device_id}-minted", minted, leaf, authority.intermediate)
    assert_refused(answer, 401002, device_id)
