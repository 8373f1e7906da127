"""Who may do what: users, service principals and roles, with the command line and with `azure-identity` and `msal` as they are."""

import json
import uuid

import msal
import pytest
import requests
from azure.identity import DeviceCodeCredential, UsernamePasswordCredential
from azure.iot.hub import IoTHubRegistryManager

from harness.cli import Refused
from harness.login import credential

HUB_SCOPE = "https://iothubs.azure.net/.default"


@pytest.fixture
def user(roadstead):
    name = f"alice-{uuid.uuid4().hex[:8]}@plant.example"
    made = roadstead("user", "create", "-n", name)
    yield made
    roadstead("user", "delete", "-n", name)


def get(endpoint, path, token):
    return requests.get(f"{endpoint}{path}", headers={"Authorization": f"Bearer {token}"}, timeout=60)


def test_service_principals_log_in_with_azure_identity(roadstead, service_principal, endpoint):
    reader = service_principal("--role", "Reader")
    token = credential(reader, endpoint).get_token(f"{endpoint}/.default").token
    listed = get(endpoint, "/subscriptions?api-version=2022-12-01", token).json()["value"]
    hubs = f"{listed[0]['id']}/providers/Microsoft.Devices/IotHubs"
    found = get(endpoint, f"{hubs}?api-version=2023-06-30", token).json()["value"]
    assert roadstead.hub_name in [hub["name"] for hub in found]
    keys = requests.post(
        f"{endpoint}{found[0]['id']}/listkeys?api-version=2023-06-30", headers={"Authorization": f"Bearer {token}"}, timeout=60
    )
    error = keys.json()["error"]
    assert (keys.status_code, error["code"]) == (403, "AuthorizationFailed")
    assert reader["appId"] in error["message"] and "Microsoft.Devices/IotHubs/listkeys/action" in error["message"]


def test_a_back_end_without_a_key(roadstead, service_principal, endpoint, server, device_id):
    """`azure-iot-hub` with a token credential. A reader reads, and changes nothing."""
    roadstead.create_device(device_id)
    contributor = credential(service_principal("--role", "IoT Hub Data Contributor"), endpoint)
    reader = credential(service_principal("--role", "IoT Hub Data Reader"), endpoint)
    host = server.hub_host if server.https_port == 443 else f"{server.hub_host}:{server.https_port}"
    registry = IoTHubRegistryManager.from_token_credential(host, contributor)
    assert registry.get_device(device_id).device_id == device_id
    twin = registry.update_twin(device_id, {"tags": {"by": "role"}}, "*")
    assert twin.tags == {"by": "role"}
    looking = IoTHubRegistryManager.from_token_credential(host, reader)
    assert looking.get_twin(device_id).tags == {"by": "role"}
    with pytest.raises(Exception) as refused:
        looking.update_twin(device_id, {"tags": {"by": "reader"}}, "*")
    assert "has no role that allows" in str(refused.value) or "Unauthorized" in str(refused.value)


def test_tokens_end_at_once(roadstead, service_principal, endpoint):
    made = service_principal("--role", "Owner")
    token = credential(made, endpoint).get_token(f"{endpoint}/.default").token
    assert get(endpoint, "/v1.0/me", token).json()["appId"] == made["appId"]
    roadstead("service-principal", "sign-out", "--id", made["appId"])
    assert get(endpoint, "/v1.0/me", token).status_code == 401
    token = credential(made, endpoint).get_token(f"{endpoint}/.default").token
    roadstead("role", "assignment", "delete", "--assignee", made["appId"], "--role", "owner")
    assert get(endpoint, "/v1.0/users", token).status_code == 403


def test_users_log_in_with_msal(roadstead, user, endpoint):
    """With name and password as `az login -u -p`, then with a refresh token."""
    roadstead("role", "assignment", "create", "--assignee", user["userPrincipalName"], "--role", "Reader")
    client = msal.PublicClientApplication(
        "04b07795-8ddb-461a-bbee-02f9e1bf7b46", authority=f"{endpoint}/adfs", instance_discovery=False
    )
    scope = [f"{endpoint}/.default"]
    wrong = client.acquire_token_by_username_password(user["userPrincipalName"], "wrong", scope)
    assert (wrong["error"], wrong["error_description"]) == ("invalid_grant", "unknown user name, or wrong password")
    given = client.acquire_token_by_username_password(user["userPrincipalName"], user["password"], scope)
    assert given["id_token_claims"]["upn"] == user["userPrincipalName"], given
    again = client.acquire_token_by_refresh_token(given["refresh_token"], scope)
    assert get(endpoint, "/v1.0/me", again["access_token"]).json()["id"] == user["id"]


def test_msal_keeps_the_newest_refresh_token(user, endpoint):
    """Each is good for one use, so that MSAL must keep what the answer brings. It does, as `az` does with it."""
    client = msal.PublicClientApplication("c", authority=f"{endpoint}/adfs", instance_discovery=False)
    scope = [f"{endpoint}/.default"]
    kept = [client.acquire_token_by_username_password(user["userPrincipalName"], user["password"], scope)["refresh_token"]]
    (account,) = client.get_accounts()
    for _ in range(3):
        token = client.acquire_token_silent(scope, account, force_refresh=True)["access_token"]
        assert get(endpoint, "/v1.0/me", token).json()["id"] == user["id"]
        (found,) = client.token_cache.find("RefreshToken")
        assert found["secret"] not in kept
        kept.append(found["secret"])
    reused = client.acquire_token_by_refresh_token(kept[0], scope)
    assert reused["error"] == "invalid_grant" and "revoked" in reused["error_description"], reused
    assert get(endpoint, "/v1.0/me", token).status_code == 401, "one of the two has stolen it"


def test_a_device_logs_in_with_msal(roadstead, user, endpoint):
    """As `az login --use-device-code`: the code is typed on the page that the message names."""
    client = msal.PublicClientApplication("c", authority=f"{endpoint}/adfs", instance_discovery=False)
    flow = client.initiate_device_flow([f"{endpoint}/.default"])
    page = requests.get(flow["verification_uri"], timeout=60)
    assert page.status_code == 200 and "default-src 'none'" in page.headers["Content-Security-Policy"]
    form = {"user_code": flow["user_code"], "username": user["userPrincipalName"], "password": user["password"]}
    assert "Logged in" in requests.post(flow["verification_uri"], data=form, timeout=60).text
    given = client.acquire_token_by_device_flow(flow)
    assert given["id_token_claims"]["upn"] == user["userPrincipalName"], given


def test_people_log_in_with_azure_identity(roadstead, user, endpoint, server, port_443):
    """With the tenant's GUID and this host: by a code, and with a password. For a password, msal asks port 443 of the host what
    kind of account it is, whatever port it was told."""
    name, tenant = user["userPrincipalName"], server.exports["ROADSTEAD_TENANT"]
    where = {"tenant_id": tenant, "authority": endpoint, "disable_instance_discovery": True}

    def prompt(uri, code, _):
        form = {"user_code": code, "username": name, "password": user["password"]}
        assert "Logged in" in requests.post(uri, data=form, timeout=10).text

    by_code = DeviceCodeCredential(client_id="test", prompt_callback=prompt, **where)
    token = by_code.get_token(f"{endpoint}/.default").token
    assert get(endpoint, "/v1.0/me", token).json()["id"] == user["id"]
    assert by_code.get_token(HUB_SCOPE).token != token, "another API, with the refresh token"
    with pytest.warns(DeprecationWarning):
        by_password = UsernamePasswordCredential("test", name, user["password"], **where)
    record = by_password.authenticate(scopes=[f"{endpoint}/.default"])
    assert (record.username, record.tenant_id, record.authority) == (name, tenant, server.hub_host)
    token = by_password.get_token(f"{endpoint}/.default").token
    assert get(endpoint, "/v1.0/me", token).json()["id"] == user["id"]
    elsewhere = {**where, "tenant_id": str(uuid.uuid4())}
    with pytest.raises(Exception, match="check your tenant|double check your tenant"):
        DeviceCodeCredential(client_id="test", prompt_callback=prompt, **elsewhere).get_token(HUB_SCOPE)


def test_roles_typed_as_az_types_them(roadstead, user):
    name = user["userPrincipalName"]
    scope = roadstead("iot", "hub", "show", "--name", roadstead.hub_name)["id"]
    made = roadstead("role", "assignment", "create", "--assignee", name, "--role", "IoT Hub Data Reader", "--scope", scope)
    assert (made["roleDefinitionName"], made["principalName"], made["scope"]) == ("IoT Hub Data Reader", name, scope)
    assert roadstead("role", "assignment", "list", "--assignee", name) == []
    assert roadstead("role", "assignment", "list", "--assignee", name, "--all") == [made]
    roadstead("role", "assignment", "delete", "--ids", made["id"])
    assert roadstead("role", "assignment", "list", "--assignee", name, "--all") == []
    for words in [("--assignee", "nobody", "--role", "Reader"), ("--assignee", name, "--role", "King")]:
        with pytest.raises(Refused) as refused:
            roadstead("role", "assignment", "create", *words)
        assert refused.value.code == 3


def test_passwords_come_from_stdin_or_are_made(roadstead, user, server):
    """Never from the command line, where every user of the machine sees them."""
    import subprocess

    words = [server.binary, "user", "set-password", "-n", user["userPrincipalName"], "--password-stdin"]
    done = subprocess.run(words, input="battery staple\n", env=server.environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")
    made = roadstead("user", "set-password", "-n", user["userPrincipalName"])
    assert len(made["password"]) == 22


def test_every_change_is_written_down(roadstead, user):
    lines = roadstead("audit", "--max-events", "20")
    made = [line for line in lines if line["operationName"]["value"] == "microsoft.directory/users/create"]
    assert [line["status"]["value"] for line in made[:2]] == ["Succeeded", "Started"]
    assert made[0]["httpRequest"]["clientIpAddress"] in ("127.0.0.1", "::1") and made[0]["caller"]
    assert user["password"] not in json.dumps(lines)
    assert "microsoft.directory/users/create" in roadstead.text("audit", "-o", "table")
