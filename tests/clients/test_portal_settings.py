"""The portal's pages to administer hubs and DPS instances: settings, policies and their keys, linked hubs, making and deleting."""

import uuid

import pytest
from azure.iot.hub import IoTHubRegistryManager
from msrest.exceptions import HttpOperationError

from harness import dps
from harness.cli import Refused
from harness.portal import sign_in

GROUP = "portal-admin"


@pytest.fixture
def admin(roadstead):
    """A resource group of the test's own. Its hubs and DPS instances go with it."""
    roadstead("group", "create", "-n", GROUP, "-l", "local")
    yield roadstead
    roadstead("group", "delete", "-n", GROUP, "--yes")


@pytest.fixture
def hub(admin):
    name = f"press-{uuid.uuid4().hex[:6]}"
    admin("iot", "hub", "create", "-n", name, "-g", GROUP)
    return name


def shown(admin, hub: str) -> dict:
    return admin("iot", "hub", "show", "-n", hub, "-g", GROUP)["properties"]


def enroll(admin, instance: str, registration_id: str, group: str = GROUP) -> str:
    """An individual enrollment at one of the test's own DPS instances; its key."""
    words = ("--enrollment-id", registration_id, "--attestation-type", "symmetricKey", "--dps-name", instance, "-g", group)
    return admin("iot", "dps", "enrollment", "create", *words)["attestation"]["symmetricKey"]["primaryKey"]


def register(face: str, server, scope: str, registration_id: str, key: str) -> dict:
    """The final registration state, at the instance with this ID scope."""
    credential = dps.key_credential(server, registration_id, key, id_scope=scope)
    return dps.register(face, server, registration_id, credential, id_scope=scope).body["registrationState"]


def confirm(browser, form: str, name: str, button: str) -> None:
    """Unfolds what destroys something, types the name and presses its button."""
    browser.click(form)
    xpath = f"//details[@open][summary[normalize-space(.)='{form}']]"
    part = browser.driver.find_element("xpath", xpath)
    part.find_element("name", "name").send_keys(name)
    before = browser.driver.find_element("tag name", "html")
    part.find_element("xpath", f".//button[normalize-space(.)='{button}']").click()
    browser.leave(before, button)


def test_a_setting_is_what_the_command_line_shows_and_bites(browser, origin, admin, hub, device_id):
    admin("iot", "hub", "device-identity", "create", "--hub-name", hub, "--device-id", device_id)
    browser.open(f"{origin}/portal/hubs/{GROUP}/{hub}")
    browser.click("Settings")
    browser.fill("Messages that may wait for one device", "1")
    browser.fill("How long a message waits", "2")
    browser.fill("How long feedback is locked", "90")
    browser.driver.find_element("name", "feedback-lock-unit").send_keys("seconds")
    browser.choose("Changes of twins are among them")
    browser.click("Save")
    browser.says("Messages that may wait for one device: 1, was 50")
    assert "How long a message waits: 2 hours, was 1 hour" in browser.text and "Changes of twins are among them: on, was off" in browser.text
    now = shown(admin, hub)
    assert now["roadstead"]["messageQueueDepth"] == 1
    assert now["cloudToDevice"]["defaultTtlAsIso8601"] == "PT2H"
    assert now["cloudToDevice"]["feedback"]["lockDurationAsIso8601"] == "PT1M30S"
    assert [(route["source"], route["isEnabled"]) for route in now["routing"]["routes"]] == [("TwinChangeEvents", True)]
    send = ("iot", "device", "c2d-message", "send", "--hub-name", hub, "--device-id", device_id, "--data", "x")
    admin(*send)
    with pytest.raises(Refused) as refused:
        admin(*send)
    assert "DeviceMaximumQueueDepthExceeded" in refused.value.stderr
    browser.open(f"{origin}/portal/hubs/{GROUP}/{hub}")
    assert "1 of at most 1,000,000" in browser.text, "one device"


def test_what_is_out_of_bounds_is_refused_in_words(browser, origin, hub):
    browser.open(f"{origin}/portal/hubs/{GROUP}/{hub}/settings")
    browser.fill("How long a message waits", "3")
    browser.driver.find_element("name", "message-ttl-unit").send_keys("days")
    browser.click("Save")
    browser.says("cloudToDevice.defaultTtlAsIso8601 is 259200 seconds; it must be 60 to 172800 seconds")
    assert browser.field("How long a message waits") == "3", "what was typed stays"


def test_settings_that_changed_meanwhile_are_not_overwritten(origin, admin, hub, person, plain):
    """By somebody at the command line, while the page was open; without JavaScript."""
    sign_in(plain, origin, person("Contributor"))
    plain.open(f"{origin}/portal/hubs/{GROUP}/{hub}/settings")
    admin("iot", "hub", "update", "-n", hub, "-g", GROUP, "--message-queue-depth", "9", "--tags", "site=north")
    plain.fill("Deliveries of a message", "3")
    plain.click("Save")
    plain.says("Somebody else changed it while this page was open")
    assert "Deliveries of a message: 3 (now 10)" in plain.text
    assert plain.field("Messages that may wait for one device") == "9"
    assert shown(admin, hub)["cloudToDevice"]["maxDeliveryCount"] == 10
    plain.fill("Deliveries of a message", "3")
    plain.click("Save")
    plain.says("Deliveries of a message: 3, was 10")
    now = admin("iot", "hub", "show", "-n", hub, "-g", GROUP)
    assert now["properties"]["roadstead"]["messageQueueDepth"] == 9 and now["tags"] == {"site": "north"}


@pytest.mark.usefixtures("port_443")
def test_a_key_made_anew_ends_the_old_one(browser, hub_page, roadstead, device_id):
    """With the Python SDK as the back end."""
    policy = f"backend-{device_id}"
    browser.open(f"{hub_page}/policies")
    browser.fill("Name", policy)
    browser.choose("RegistryRead")
    browser.click("Add")
    browser.says(f"The policy {policy} is there")
    roadstead.create_device(device_id)
    old = roadstead.policy(policy)
    assert IoTHubRegistryManager.from_connection_string(old).get_device(device_id).device_id == device_id
    browser.click("Show policies and keys")
    browser.says(f"Change {policy}")
    assert old in browser.source
    browser.click(f"Change {policy}")
    confirm(browser, f"Make a new primary key for {policy}", policy, "Make a new primary key")
    browser.says("The old one counts no longer.")
    with pytest.raises(HttpOperationError) as refused:
        IoTHubRegistryManager.from_connection_string(old).get_device(device_id)
    assert refused.value.response.status_code == 401
    browser.click("Show policies and keys")
    browser.says(policy)
    now = roadstead.policy(policy)
    assert now != old and now in browser.source and old not in browser.source
    assert IoTHubRegistryManager.from_connection_string(now).get_device(device_id).device_id == device_id
    browser.click(f"Change {policy}")
    confirm(browser, f"Delete {policy}", policy, "Delete")
    browser.says(f"The policy {policy} is deleted.")
    with pytest.raises(HttpOperationError):
        IoTHubRegistryManager.from_connection_string(now).get_device(device_id)


def test_policies_of_a_dps(browser, dps_page, roadstead, device_id):
    browser.open(f"{dps_page}/policies")
    browser.fill("Name", device_id)
    browser.choose("EnrollmentRead")
    browser.click("Add")
    browser.says(f"The policy {device_id} is there")
    find = lambda: roadstead.dps("policy", "show", "--policy-name", device_id)  # noqa: E731
    first = find()
    assert first["rights"] == "EnrollmentRead"
    browser.click("Show policies and keys")
    browser.click(f"Change {device_id}")
    browser.click(f"Swap the keys of {device_id}")
    browser.says("has its keys swapped")
    assert (find()["primaryKey"], find()["secondaryKey"]) == (first["secondaryKey"], first["primaryKey"])
    browser.click("Show policies and keys")
    browser.click(f"Change {device_id}")
    form = browser.driver.find_element("xpath", f"//form[input[@name='policy' and @value='{device_id}']]//input[@name='right-EnrollmentWrite']")
    form.click()
    browser.click(f"Save the rights of {device_id}")
    browser.says("has other rights")
    assert find()["rights"] == "EnrollmentRead, EnrollmentWrite" and find()["primaryKey"] == first["secondaryKey"]
    browser.click("Show policies and keys")
    browser.click(f"Change {device_id}")
    confirm(browser, f"Delete {device_id}", device_id, "Delete")
    browser.says("is deleted")
    assert device_id not in [policy["keyName"] for policy in roadstead.dps("policy", "list")]


def test_hubs_are_linked_and_unlinked(browser, origin, server, admin, device_id):
    """Where a device registers follows at once: on one hub, on the other, on none."""
    tail = uuid.uuid4().hex[:6]
    names = [f"north-{tail}", f"south-{tail}"]
    north, south = (admin("iot", "hub", "create", "-n", name, "-g", GROUP)["properties"]["hostName"] for name in names)
    scope = admin("iot", "dps", "create", "-n", f"dps-{tail}", "-g", GROUP)["properties"]["idScope"]
    one, two = f"{device_id}-1", f"{device_id}-2"
    keys = {each: enroll(admin, f"dps-{tail}", each) for each in (one, two)}

    def registered(registration_id: str) -> dict:
        return register("https", server, scope, registration_id, keys[registration_id])

    browser.open(f"{origin}/portal/dps/{GROUP}/dps-{tail}")
    browser.says("No hub yet")
    assert scope in browser.text
    browser.choose_option("Hub of this server", names[0])
    browser.click("Link")
    browser.says(f"{north} is linked")
    assert registered(one)["assignedHub"] == north

    text = admin("iot", "hub", "connection-string", "show", "--hub-name", names[1])["connectionString"]
    browser.click("A hub of another server")
    browser.fill("Its connection string", text.replace("SharedAccessKey=", "SharedAccessKey=A"))
    browser.click("Weight and location")
    browser.fill("Weight", "7")
    browser.click("Link")
    browser.says("InvalidLinkedHub")
    browser.fill("Its connection string", text)
    browser.click("Link")
    browser.says(f"{south} is linked")
    linked = admin("iot", "dps", "linked-hub", "list", "--dps-name", f"dps-{tail}", "-g", GROUP)
    assert [(one["name"], one.get("allocationWeight")) for one in linked] == [(north, None), (south, 7)]

    confirm(browser, f"Unlink {north}", north, "Unlink")
    browser.says(f"{north} is not linked any more")
    assert registered(two)["assignedHub"] == south
    assert registered(one)["assignedHub"] == south, "it moves when it registers again"
    browser.choose_option("Devices are placed", "as each enrollment says")
    browser.click("Save")
    browser.says("The allocation policy is changed")
    assert admin("iot", "dps", "show", "-n", f"dps-{tail}", "-g", GROUP)["properties"]["allocationPolicy"] == "Static"
    browser.choose_option("Devices are placed", "evenly")
    browser.click("Save")
    confirm(browser, f"Unlink {south}", south, "Unlink")
    browser.says("No hub yet")
    refused = registered(two)
    assert refused["status"] == "failed" and "no hub is linked" in refused["errorMessage"]


def test_a_renewed_link_places_devices_again(browser, origin, server, admin, hub, device_id):
    """A policy's new key ends the link that used the old one; linking the hub again mends it."""
    name = f"dps-{uuid.uuid4().hex[:6]}"
    admin("iot", "dps", "create", "-n", name, "-g", GROUP)
    admin("iot", "dps", "linked-hub", "create", "--dps-name", name, "-g", GROUP, "--hub-name", hub, "--allocation-weight", "5")
    browser.open(f"{origin}/portal/hubs/{GROUP}/{hub}/policies")
    browser.click("Show policies and keys")
    browser.says(f"DPS instance {name}. If the key that it uses is renewed")
    browser.click("Change iothubowner")
    confirm(browser, "Make a new primary key for iothubowner", "iothubowner", "Make a new primary key")
    browser.says("The old one counts no longer.")
    browser.open(f"{origin}/portal/dps/{GROUP}/{name}")
    browser.choose_option("Hub of this server", hub)
    browser.click("Link")
    browser.says("is linked")
    linked = admin("iot", "dps", "linked-hub", "list", "--dps-name", name, "-g", GROUP)
    assert [one["allocationWeight"] for one in linked] == [5]
    key = enroll(admin, name, device_id)
    scope = admin("iot", "dps", "show", "-n", name, "-g", GROUP)["properties"]["idScope"]
    assert register("https", server, scope, device_id, key)["assignedHub"].startswith(hub)


def test_deleting_says_what_goes(browser, origin, admin, hub, device_id):
    admin("iot", "hub", "device-identity", "create", "--hub-name", hub, "--device-id", device_id)
    browser.open(f"{origin}/portal/hubs/{GROUP}/{hub}/settings")
    browser.click("Delete the hub")
    assert "Gone with it: 1 device." in browser.text
    browser.click("Delete the hub")
    confirm(browser, "Delete the hub", "another", "Delete")
    browser.says("so nothing was done")
    confirm(browser, "Delete the hub", hub, "Delete")
    browser.says(f"{hub} is deleted, with 1 device.")
    assert hub not in [one["name"] for one in admin("iot", "hub", "list")]


def test_a_plant_is_made_from_nothing(browser, origin, admin, server, device_id):
    """A resource group, a hub and a DPS instance, linked, and a device that registers: all in the browser but the device."""
    tail = uuid.uuid4().hex[:6]
    browser.open(f"{origin}/portal/")
    browser.click("Create a hub, a DPS instance or a resource group")
    browser.fill("Name of the resource group", f"plant-{tail}")
    browser.click("Create the resource group")
    browser.says(f"The resource group plant-{tail} is there")
    try:
        browser.fill("Name of the hub", admin.hub_name)
        browser.driver.find_element("xpath", "//button[@value='check-hub']").click()
        browser.says("cannot be had")
        assert browser.field("Name of the hub") == admin.hub_name
        browser.fill("Name of the hub", f"hub-{tail}")
        browser.choose_option("Resource group", f"plant-{tail}")
        browser.fill("Partitions", "2")
        browser.click("Create the hub")
        browser.says(f"hub-{tail} is there: its devices connect to hub-{tail}.")
        made = admin("iot", "hub", "show", "-n", f"hub-{tail}")
        assert made["resourcegroup"] == f"plant-{tail}"
        assert made["properties"]["eventHubEndpoints"]["events"]["partitionCount"] == 2
        browser.open(f"{origin}/portal/create")
        browser.fill("Name of the DPS instance", f"dps-{tail}")
        group = browser.driver.find_element("id", "group-dps")
        group.send_keys(f"plant-{tail}")
        browser.click("Create the DPS instance")
        browser.says(f"dps-{tail} is there: link a hub")
        browser.choose_option("Hub of this server", f"hub-{tail}")
        browser.click("Link")
        browser.says("is linked")
        scope = admin("iot", "dps", "show", "-n", f"dps-{tail}")["properties"]["idScope"]
        key = enroll(admin, f"dps-{tail}", device_id, group=f"plant-{tail}")
        assert register("mqtt", server, scope, device_id, key)["assignedHub"] == made["properties"]["hostName"]
        browser.open(f"{origin}/portal/dps/plant-{tail}/dps-{tail}")
        browser.click("Delete the DPS instance")
        assert "Gone with it: 1 enrollment, 1 registration." in browser.text
    finally:
        admin("group", "delete", "-n", f"plant-{tail}", "--yes")
