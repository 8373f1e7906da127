"""The Python service SDK for DPS (`azure-iothub-provisioningserviceclient`), unmodified, over HTTPS."""

import base64

import pytest
from provisioningserviceclient import (
    BulkEnrollmentOperation,
    EnrollmentGroup,
    IndividualEnrollment,
    ProvisioningServiceClient,
    ProvisioningServiceError,
    QuerySpecification,
)
from provisioningserviceclient.models import (
    AttestationMechanism,
    CustomAllocationDefinition,
    DeviceCapabilities,
    InitialTwin,
    ReprovisionPolicy,
    SymmetricKeyAttestation,
)

from harness import dps, sas, tpm

@pytest.fixture
def client(server, port_443):
    return ProvisioningServiceClient.create_from_connection_string(server.exports["DPS_CONNECTION_STRING"])


def refused(status: int, call, *arguments) -> None:
    with pytest.raises(ProvisioningServiceError) as refusal:
        call(*arguments)
    assert f"Service Error {status} " in str(refusal.value)


def by_key(key: str | None = None) -> AttestationMechanism:
    return AttestationMechanism(type="symmetricKey", symmetric_key=SymmetricKeyAttestation(primary_key=key, secondary_key=key))


def attestation(kind: str, certificates, name: str) -> AttestationMechanism:
    if kind == "key":
        return by_key()
    if kind == "tpm":
        return AttestationMechanism.create_with_tpm(tpm.SOME_ENDORSEMENT_KEY)
    if kind == "client":
        return AttestationMechanism.create_with_x509_client_certs(certificates.self_signed(name).path.read_text())
    return AttestationMechanism.create_with_x509_signing_certs(certificates.root(name).path.read_text())


@pytest.mark.parametrize("kind", ["key", "client", "tpm"])
def test_life_of_an_enrollment(client, certificates, device_id, kind):
    made = client.create_or_update(
        IndividualEnrollment.create(
            device_id,
            attestation(kind, certificates, device_id),
            device_id=f"{device_id}-d",
            initial_twin=InitialTwin(tags={"a": 1}, desired_properties={"b": 2}),
            device_capabilities=DeviceCapabilities.create(True),
            reprovision_policy=ReprovisionPolicy(update_hub_assignment=True, migrate_device_data=False),
            allocation_policy="custom",
            custom_allocation_definition=CustomAllocationDefinition(webhook_url="https://web.hook", api_version="2019-03-31"),
        )
    )
    assert (made.device_id, made.provisioning_status, made.capabilities.iot_edge) == (f"{device_id}-d", "enabled", True)
    found = client.get_individual_enrollment(device_id)
    assert (found.etag, found.created_date_time_utc) == (made.etag, made.created_date_time_utc)
    assert (found.initial_twin.tags, found.initial_twin.desired_properties) == ({"a": 1}, {"b": 2})
    mechanism = client.get_individual_enrollment_attestation_mechanism(device_id)
    if kind == "key":
        assert found.attestation.symmetric_key is None
        assert mechanism.symmetric_key.primary_key == made.attestation.symmetric_key.primary_key
    if kind == "client":
        assert found.attestation.x509.client_certificates.primary.info.subject_name.endswith(device_id)
    if kind == "tpm":
        assert found.attestation.tpm.endorsement_key == mechanism.tpm.endorsement_key == tpm.SOME_ENDORSEMENT_KEY
    # What was read is sent back, with one change.
    found.provisioning_status = "disabled"
    changed = client.create_or_update(found)
    assert changed.provisioning_status == "disabled" and changed.etag != made.etag
    assert client.get_individual_enrollment_attestation_mechanism(device_id).type == mechanism.type
    refused(412, client.create_or_update, made)
    refused(412, client.delete, made)
    client.delete(changed)
    refused(404, client.get_individual_enrollment, device_id)


@pytest.mark.parametrize("kind", ["key", "signing"])
def test_life_of_a_group(client, certificates, device_id, kind):
    mechanism = attestation(kind, certificates, device_id)
    made = client.create_or_update(EnrollmentGroup.create(device_id, mechanism, initial_twin=InitialTwin(tags={"a": 1})))
    again = EnrollmentGroup.create(device_id, mechanism)
    refused(409, client.create_or_update, again)
    found = client.get_enrollment_group(device_id)
    assert found.initial_twin.tags == {"a": 1}
    assert client.get_enrollment_group_attestation_mechanism(device_id).type == made.attestation.type
    found.provisioning_status = "disabled"
    changed = client.create_or_update(found)
    assert changed.provisioning_status == "disabled"
    client.delete(changed)
    refused(404, client.get_enrollment_group, device_id)


def test_a_group_cannot_be_by_tpm(client, device_id):
    refused(400, client.create_or_update, EnrollmentGroup.create(device_id, AttestationMechanism.create_with_tpm(tpm.SOME_ENDORSEMENT_KEY)))


def test_keys_that_are_none(client, device_id):
    for mechanism in (AttestationMechanism.create_with_tpm("AToA"), by_key("c2hvcnQ="), AttestationMechanism.create_with_x509_client_certs("AAAA")):
        refused(400, client.create_or_update, IndividualEnrollment.create(device_id, mechanism))
    refused(404, client.get_individual_enrollment, device_id)


def test_bulk(client, device_id):
    names = [f"{device_id}-{n}" for n in range(3)]
    several = [IndividualEnrollment.create(name, by_key(), initial_twin=InitialTwin(tags={"a": 1})) for name in names]
    assert client.run_bulk_operation(BulkEnrollmentOperation("create", several)).is_successful
    done = client.run_bulk_operation(BulkEnrollmentOperation("create", several[:1]))
    assert not done.is_successful
    assert [(error.registration_id, error.error_code) for error in done.errors] == [(names[0], 409201)]
    found = [client.get_individual_enrollment(name) for name in names]
    assert client.run_bulk_operation(BulkEnrollmentOperation("updateIfMatchETag", found[:1])).is_successful
    stale = client.run_bulk_operation(BulkEnrollmentOperation("updateIfMatchETag", found))
    assert [error.error_code for error in stale.errors] == [412201]
    assert client.run_bulk_operation(BulkEnrollmentOperation("delete", found)).is_successful
    refused(404, client.get_individual_enrollment, names[0])


def test_queries(client, device_id):
    names = {f"{device_id}-{n}" for n in range(3)}
    for name in names:
        client.create_or_update(IndividualEnrollment.create(name, by_key()))
        client.create_or_update(EnrollmentGroup.create(name, by_key()))
    everything = QuerySpecification("SELECT *")
    for query, member in (
        (client.create_individual_enrollment_query(everything, 2), "registration_id"),
        (client.create_enrollment_group_query(everything, 2), "enrollment_group_id"),
    ):
        pages = list(query)
        assert len(pages) >= 2 and all(len(page) <= 2 for page in pages)
        assert names <= {getattr(row, member) for page in pages for row in page}


def test_registrations(server, client, device_id):
    key = sas.sign(device_id, base64.b64encode(b"a key of this test alone").decode())
    client.create_or_update(EnrollmentGroup.create(device_id, by_key(key)))
    name = f"{device_id}-a"
    assert dps.register("mqtt", server, name, dps.key_credential(server, name, sas.device_key(key, name))).status == 200
    state = client.get_registration_state(name)
    assert (state.registration_id, state.status, state.assigned_hub) == (name, "assigned", server.hub_host)
    client.delete(state)
    refused(404, client.get_registration_state, name)
