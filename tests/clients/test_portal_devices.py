"""The portal's pages of devices: keys, twins, methods, and why one was refused."""

import datetime
import json
import re
import subprocess

import pytest
from azure.iot.device import IoTHubDeviceClient, X509
from azure.iot.device.exceptions import ClientError, ConnectionFailedError, CredentialError
from azure.iot.hub import IoTHubRegistryManager
from msrest.exceptions import HttpOperationError

from harness import wait
from harness.browser import LOOK_AGAIN_S, SOON_S
from harness.portal import connect, connected


def test_keys_are_made_anew(browser, dps_page, device_page, roadstead, device_id):
    """Of a group and of a device: only the one that was named changes, and only with the name."""
    group = roadstead.enroll_group_with_key(device_id)
    browser.open(f"{dps_page}/groups/of/{device_id}")
    assert group not in browser.source
    browser.click("Show keys")
    browser.says("Hide the keys")
    assert group in browser.source
    browser.click("Make a new primary key")
    browser.fill("Type", device_id)
    browser.click("Make it")
    browser.says("The key is another one now.")
    browser.click("Show keys")
    browser.says("Hide the keys")
    assert group not in browser.source

    keys = roadstead.create_device(device_id)["authentication"]["symmetricKey"]
    with connected(roadstead.connection_string(device_id)) as client:
        browser.open(device_page)
        browser.click("Show keys")
        browser.click("Make a new primary key")
        browser.fill("Type", device_id)
        browser.click("Make it")
        browser.says("The key is another one now.")
        wait.until(lambda: not client.connected, SOON_S, "the device is disconnected")
    now = roadstead.hub("device-identity", "show", "--device-id", device_id)["authentication"]["symmetricKey"]
    assert now["primaryKey"] != keys["primaryKey"] and now["secondaryKey"] == keys["secondaryKey"]


def test_a_certificate_takes_the_place_of_another(browser, device_page, roadstead, server, device_id, certificates):
    """By thumbprints: the new one is let in beside the old one, which then goes."""
    old, new = (certificates.self_signed(device_id) for _ in range(2))
    roadstead.create_device(device_id, "--auth-method", "x509_thumbprint", "--primary-thumbprint", old.thumbprint)

    def connects(certificate) -> bool:
        x509 = X509(*map(str, certificate.pair))
        client = IoTHubDeviceClient.create_from_x509_certificate(x509, server.hub_host, device_id, connection_retry=False)
        try:
            client.connect()
            return True
        except CredentialError:
            return False
        finally:
            client.shutdown()

    assert connects(old) and not connects(new)
    browser.open(device_page)
    browser.click("Change the thumbprints")
    browser.fill("Second thumbprint", "SHA1 Fingerprint=" + ":".join(re.findall("..", new.thumbprint)))
    browser.click("Save the thumbprints")
    browser.says("The thumbprints are changed.")
    assert connects(old) and connects(new)
    browser.click("Change the thumbprints")
    browser.fill("Thumbprint", new.thumbprint)
    browser.fill("Second thumbprint", "")
    browser.click("Save the thumbprints")
    browser.says("The thumbprints are changed.")
    assert connects(new) and not connects(old)


def test_disabling_bites(browser, device_page, roadstead, device_id):
    """Seen by a page that looks again as often as it says, not faster as in other tests."""
    roadstead.create_device(device_id)
    with connected(roadstead.connection_string(device_id)) as client, browser.unhurried():
        browser.open(device_page)
        browser.part_says("#state", "connected since")
        browser.click("Disable")
        browser.says("It is disabled: its connections are closed")
        wait.until(lambda: not client.connected, SOON_S, "the device is disconnected")
        browser.part_says("#state", "disconnected since")
        browser.click("Enable")
        browser.says("It is enabled")
        assert "disconnected since" in browser.words_of("#state"), "what the form was answered with"
        client.connect()
        browser.part_says("#state", "connected since")


def test_a_refused_device_is_explained_and_mended(browser, origin, hub_page, device_page, roadstead, server, device_id):
    """The Python SDK with another device's key: its page says why, and the command that it shows mends it."""
    begun = datetime.datetime.now(datetime.UTC).replace(second=0)
    hour = "/".join(time.strftime("%Y-%m-%dT%H:%M:%SZ") for time in (begun, begun + datetime.timedelta(hours=1)))

    def counted() -> int:
        """The hub's refusals since the minute in which this test began."""
        words = ("--metrics", "roadstead.refusals", "--interval", "PT1M", "--timespan", hour)
        return sum(row.get("total", 0) for row in roadstead("metrics", "--hub-name", roadstead.hub_name, *words))

    before = counted()
    roadstead.create_device(device_id)
    right, wrong = roadstead.connection_string(device_id), roadstead.device_key(f"{device_id}-other")
    browser.open(device_page)
    with pytest.raises(CredentialError):
        connect(re.sub("SharedAccessKey=.*", f"SharedAccessKey={wrong}", right))
    browser.says("token signed with another key over MQTT from 127.0.0.1 (CONNACK 5)")
    browser.says("Give the device its own key")
    assert wrong not in browser.source
    command = browser.words_of("[data-copy='the command']").split()
    assert command[0] == "roadstead"
    printed = subprocess.run([server.binary, *command[1:]], env=server.environment, capture_output=True, text=True, check=True)
    with connected(json.loads(printed.stdout)["connectionString"]) as client:
        browser.says("connected with its key over MQTT from 127.0.0.1")
        wait.until(lambda: "Give the device its own key" not in browser.text, SOON_S, "what is mended is not to be mended", LOOK_AGAIN_S)
        assert "token signed with another key" in browser.text, "it is still told"

        browser.click("Disable")
        browser.says("disconnected it was disabled")
        wait.until(lambda: not client.connected, SOON_S, "the device is disconnected")
    with pytest.raises(ConnectionFailedError) as refused:
        connect(right)
    assert "broker unavailable" in str(refused.value.__cause__), "CONNACK 3, and no timeout"
    browser.says(f"--device-id {device_id} --status enabled")
    browser.click("Enable")
    browser.says("enabled it may connect")
    assert "--status enabled" not in browser.text, "that is done"
    connect(right).shutdown()
    browser.says("disconnected it said goodbye")

    browser.open(f"{hub_page}/refusals")
    browser.fill("Id begins with", device_id)
    browser.choose_option("Cause", "device is disabled")
    browser.click("Search")
    browser.says("device is disabled (CONNACK 3)")
    assert "another key" not in browser.words_of("table")
    browser.click("What to do")
    browser.says("--status enabled")
    browser.click(device_id)
    browser.says("Timeline")
    assert browser.path.endswith(f"/devices/{device_id}")
    browser.open(f"{origin}/portal/")
    browser.says("refusals per minute")
    wait.until(lambda: counted() - before >= 2, SOON_S, "both are counted", LOOK_AGAIN_S)


def test_a_refused_back_end_is_explained(browser, hub_page, roadstead, port_443, policy):
    """The Python service SDK, with a policy that lacks the right."""
    manager = IoTHubRegistryManager.from_connection_string(roadstead.policy(policy))
    with pytest.raises(HttpOperationError):
        manager.delete_device("nobody")
    browser.open(f"{hub_page}/refusals")
    browser.choose_option("Who", "back ends")
    browser.click("Search")
    browser.fill("Back end begins with", f"policy/{policy}")
    browser.click("Search")
    browser.says("policy or role that may not do this")
    browser.says(f"policy {policy} lacks RegistryWrite")
    browser.click("What to do")
    browser.says(f"policy list --hub-name {roadstead.hub_name}")


def test_one_that_nobody_knows_is_explained(browser, device_page, dps_page, roadstead, server, device_id, blocking, certificates):
    """A device that is registered nowhere, and one that is enrolled nowhere, each have a page once they were refused."""
    stranger = f"HostName={server.hub_host};DeviceId={device_id};SharedAccessKey={roadstead.device_key(f'{device_id}-other')}"
    with pytest.raises(CredentialError):
        connect(stranger)
    browser.open(device_page)
    browser.says(f"There is no device {device_id}")
    browser.says("device is not registered over MQTT")
    browser.says(f"device-identity create --hub-name {roadstead.hub_name} --device-id {device_id}")
    browser.click("Add it, with a key that the hub makes")
    browser.says(f"The device {device_id} is added.")
    connect(roadstead.connection_string(device_id)).shutdown()
    browser.says("connected with its key")

    x509 = X509(*map(str, certificates.self_signed(device_id).pair))
    with pytest.raises(ClientError) as refused:
        blocking.register(server, "x509_certificate", device_id, x509=x509)
    assert "status code 401" in str(refused.value.__cause__)
    browser.open(f"{dps_page}/refusals")
    browser.click(device_id)
    assert browser.path.endswith(f"/registrations/{device_id}")
    browser.says("not registered")
    browser.says("certificate of no verified CA over MQTT from 127.0.0.1")
    browser.says("certificate list --dps-name")


def test_the_twin_is_compared_before_it_is_saved(browser, device_page, roadstead, device_id):
    roadstead.create_device(device_id)
    browser.open(f"{device_page}/twin")
    browser.fill("Desired properties", '{"interval": 60')
    browser.click("Compare")
    browser.says("Line 1, character 15")
    browser.fill("Desired properties", '{"interval": 60}')
    browser.fill("Tags", '{"site": "<b>north</b>"}')
    browser.click("Compare")
    assert "desired.interval" in browser.text and "not there" in browser.text
    browser.click("Save")
    browser.says("The twin is saved: 2 changes.")
    twin = roadstead.hub("device-twin", "show", "--device-id", device_id)
    assert (twin["tags"], twin["properties"]["desired"]["interval"]) == ({"site": "<b>north</b>"}, 60)
    assert '"<b>north</b>"' in browser.text and "<b>north" not in browser.source


def test_a_method_is_called_and_a_message_sent(browser, device_page, roadstead, device_id, blocking):
    roadstead.create_device(device_id)
    client = blocking.hub_client("connection_string", connection_string=roadstead.connection_string(device_id))
    client.connect()
    inbox = blocking.messages(client)
    blocking.answer_methods(client, lambda request: (200, {"heard": request.payload}))
    browser.open(device_page)
    browser.fill("Method", "reboot")
    browser.fill("Payload", '{"delay": 3}')
    browser.click("Call")
    browser.says("Status: 200")
    assert '"delay": 3' in browser.text
    browser.fill("Text", "come home")
    browser.fill("Properties", "priority=high")
    browser.click("Send")
    browser.says("The message waits for the device.")
    message = inbox.take()
    assert (message.data, message.custom_properties["priority"]) == (b"come home", "high")


def test_a_device_is_deleted_by_its_name(browser, device_page, roadstead, device_id):
    roadstead.create_device(device_id)
    browser.open(device_page)
    browser.click("Delete the device")
    browser.fill("Type", "another")
    browser.click("Delete")
    browser.says("so nothing was done")
    browser.click("Delete the device")
    browser.fill("Type", device_id)
    browser.click("Delete")
    browser.says(f"The device {device_id} is deleted")
    assert browser.path.endswith("/devices")
