"""The Azure CLI, azure-cli 2.77.0: people and service principals, who they are and what they may."""

import contextlib
import re
import subprocess
import uuid

import pytest
import requests

from harness.az import ForkedAz, installed
from harness.cli import Refused

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def az(server, tmp_path_factory):
    """Logged in as the installation's first service principal."""
    with fresh(server, tmp_path_factory) as made:
        made.log_in()
        yield made


@pytest.fixture
def stranger(server, tmp_path_factory):
    """A profile of its own in which nobody is logged in."""
    with fresh(server, tmp_path_factory) as made:
        yield made


@contextlib.contextmanager
def fresh(server, tmp_path_factory):
    if not installed().is_file():
        pytest.skip(f"there is no {installed()}: `./test clients` installs the Azure CLI")
    made = ForkedAz(server, tmp_path_factory.mktemp("az-access"))
    try:
        made.register()
        yield made
    finally:
        made.end()


@pytest.fixture
def user(command_line):
    """A person who may look at everything."""
    name = f"bob-{uuid.uuid4().hex[:8]}@plant.example"
    made = command_line("user", "create", "-n", name)
    command_line("role", "assignment", "create", "--assignee", name, "--role", "Reader")
    yield made
    command_line("user", "delete", "-n", name)


def refused(az, *words) -> str:
    with pytest.raises(Refused) as refusal:
        az.text(*words)
    return refusal.value.stderr


def test_a_person_with_a_password(stranger, user, server):
    """Logged in, shown, given a token that counts, logged out."""
    name, tenant = user["userPrincipalName"], server.exports["ROADSTEAD_TENANT"]
    assert "wrong password" in refused(stranger, "login", "-u", name, "-p", "wrong", "--tenant", tenant)
    stranger.text("login", "-u", name, "-p", user["password"], "--tenant", tenant)
    account = stranger("account", "show")
    assert (account["user"], account["tenantId"]) == ({"name": name, "type": "user"}, tenant)
    assert [each["id"] for each in stranger("account", "list")] == [account["id"]]
    given = stranger("account", "get-access-token")
    assert (given["subscription"], given["tenant"], given["tokenType"]) == (account["id"], tenant, "Bearer")
    url = server.exports["ROADSTEAD_ARM_URL"]
    me = requests.get(f"{url}/v1.0/me", headers={"Authorization": f"Bearer {given['accessToken']}"}, timeout=20)
    assert me.json()["id"] == user["id"]
    assert stranger("ad", "signed-in-user", "show")["userPrincipalName"] == name
    assert "(AuthorizationFailed)" in refused(stranger, "group", "create", "-n", "no", "-l", "local")
    stranger.text("logout")
    assert stranger("account", "list") == []
    assert "az login" in refused(stranger, "group", "list")


def test_a_person_with_a_code(stranger, user, server):
    """The code is typed on the page that the message names, as a person would."""
    words = [installed(), "login", "--use-device-code", "--tenant", server.exports["ROADSTEAD_TENANT"], "-o", "json"]
    # The message is a warning.
    environment = {**stranger.environment, "AZURE_CORE_ONLY_SHOW_ERRORS": "0", "AZURE_CORE_LOGIN_EXPERIENCE_V2": "0"}
    pipe = subprocess.PIPE
    with subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True) as login:
        try:
            message = next(line for line in login.stderr if "sign in" in line)
            page, code = re.search(r"open (\S+) in a browser and type the code (\S+?)\.", message).groups()
            form = {"user_code": code, "username": user["userPrincipalName"], "password": user["password"]}
            assert "Logged in" in requests.post(page, data=form, timeout=20).text
            login.communicate(timeout=100)
        finally:
            login.kill()
    assert login.returncode == 0
    assert stranger("account", "show")["user"]["name"] == user["userPrincipalName"]
    assert isinstance(stranger("group", "list"), list)


def test_users_are_listed(az, user):
    name = user["userPrincipalName"]
    assert az("ad", "user", "show", "--id", name)["id"] == user["id"]
    assert az("ad", "user", "show", "--id", user["id"])["userPrincipalName"] == name
    assert [each["id"] for each in az("ad", "user", "list", "--upn", name)] == [user["id"]]
    assert name in [each["userPrincipalName"] for each in az("ad", "user", "list")]
    assert "there is no user" in refused(az, "ad", "user", "show", "--id", "nobody@plant.example")


def test_a_service_principal_from_first_to_last(az, stranger, server):
    """`create-for-rbac` makes it, and made again gives it another secret."""
    name = f"ci-{uuid.uuid4().hex[:8]}"
    scope = f"/subscriptions/{az('account', 'show')['id']}"
    make = ("ad", "sp", "create-for-rbac", "--name", name, "--role", "Contributor", "--scopes", scope)
    made = az(*make)
    assert (made["displayName"], made["tenant"]) == (name, server.exports["ROADSTEAD_TENANT"])
    words = ("login", "--service-principal", "-u", made["appId"], "--tenant", made["tenant"])
    stranger.text(*words, "-p", made["password"])
    stranger("group", "create", "-n", name, "-l", "local")
    stranger.text("group", "delete", "-n", name, "--yes")
    stranger.text("account", "clear")
    again = az(*make)
    assert again["appId"] == made["appId"] and again["password"] != made["password"]
    assert "client secret" in refused(stranger, *words, "-p", made["password"])
    stranger.text(*words, "-p", again["password"])
    service = ("--id", made["appId"])
    assert az("ad", "sp", "show", *service)["displayName"] == name
    assert [each["appId"] for each in az("ad", "sp", "list", "--display-name", name)] == [made["appId"]]
    assert az("ad", "app", "show", *service)["displayName"] == name
    assert len(az("ad", "app", "credential", "list", *service)) == 1
    held = az("role", "assignment", "list", "--assignee", made["appId"])
    assert [(each["roleDefinitionName"], each["scope"]) for each in held] == [("Contributor", scope)]
    az.text("ad", "sp", "delete", *service)
    assert "there is no service principal" in refused(az, "ad", "sp", "show", *service)
    assert az("ad", "app", "list", "--display-name", name) == []


def test_roles(az, user):
    """Given on a group, listed, taken away."""
    names = az("role", "definition", "list", "--query", "[].roleName")
    assert {"Owner", "Contributor", "Reader", "IoT Hub Data Reader", "IoT Hub Data Contributor"} <= set(names)
    reader = az("role", "definition", "list", "--name", "Reader")
    assert [each["roleName"] for each in reader] == ["Reader"]
    name, group = user["userPrincipalName"], f"roles-{uuid.uuid4().hex[:8]}"
    made = az("group", "create", "-n", group, "-l", "local")
    try:
        words = ("--assignee", name, "--role", "Contributor", "--scope", made["id"])
        given = az("role", "assignment", "create", *words)
        assert given["principalId"] == user["id"]
        held = az("role", "assignment", "list", "--assignee", name, "--all", "--query", "[].[roleDefinitionName, principalName]")
        assert ["Contributor", name] in held
        az.text("role", "assignment", "delete", *words)
        held = az("role", "assignment", "list", "--assignee", name, "--all", "--query", "[].roleDefinitionName")
        assert held == ["Reader"]
    finally:
        az.text("group", "delete", "-n", group, "--yes")
