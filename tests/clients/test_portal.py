"""The portal in headless Chromium (Debian's, driven by Selenium): the seeds' walk, roles, the proof of a CA, and what it refuses."""

import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
import requests
from azure.iot.device import IoTHubDeviceClient, Message, X509

from harness import browser as browsers
from harness import wait
from harness.browser import DESKTOP, PHONE, Browser
from harness.python_sdk import Sdk

SOON_S = 20
PROGRAMS = ("Python", "Node.js", "curl", "mosquitto_pub")
NODE_MODULES = Path(__file__).parent / "node" / "node_modules"


@pytest.fixture(scope="module")
def origin(server):
    port = "" if server.https_port == 443 else f":{server.https_port}"
    return f"https://{server.hub_host}{port}"


def start(**options) -> Browser:
    if browsers.programs() is None:
        pytest.skip("there is no Chromium here: install chromium and chromium-driver")
    return Browser(**options)


@pytest.fixture(scope="module")
def link(server):
    """What `roadstead dev` printed. It signs in once, so it is kept for one browser."""
    return server.portal_link()


@pytest.fixture(scope="module")
def browser(link):
    """Signed in by the link."""
    opened = start()
    opened.open(link)
    opened.says("devices connected")
    yield opened
    opened.end()


@pytest.fixture(autouse=True)
def no_complaints(request):
    """No page breaks its own content policy, no script of it fails."""
    yield
    if "browser" in request.fixturenames:
        assert request.getfixturevalue("browser").complaints() == []


@pytest.fixture
def blocking(server, roadstead):
    made = Sdk("sync", "mqtt")
    yield made
    made.end()


@pytest.fixture
def device_page(origin, roadstead, device_id):
    return f"{origin}/portal/hubs/{roadstead.group}/{roadstead.hub_name}/devices/{device_id}"


@pytest.fixture
def dps_page(origin, roadstead):
    return f"{origin}/portal/dps/{roadstead.group}/{roadstead.dps_name}"


@pytest.fixture
def person(roadstead):
    """A user with these roles everywhere."""
    made = []

    def create(*roles):
        made.append(roadstead("user", "create", "-n", f"reader-{uuid.uuid4().hex[:8]}@plant.example"))
        for role in roles:
            roadstead("role", "assignment", "create", "--assignee", made[-1]["userPrincipalName"], "--role", role)
        return made[-1]

    yield create
    for one in made:
        roadstead("user", "delete", "-n", one["userPrincipalName"])


def sign_in(opened: Browser, origin: str, user: dict) -> None:
    opened.open(f"{origin}/portal/")
    opened.fill("User name", user["userPrincipalName"])
    opened.fill("Password", user["password"])
    opened.click("Sign in")
    opened.says("Sign out")


def test_the_link_signs_in_once(browser, link, server):
    cookie = browser.cookies()["__Host-roadstead"]
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, True, "Lax", "/")
    again = requests.get(link, timeout=20)
    assert "This link was used already" in again.text and "Set-Cookie" not in again.headers
    code = link.rsplit("/", 1)[1]
    assert server.log().count(code) == 1, "it is printed, and nowhere else"


def test_a_certificate_is_enrolled_and_its_device_seen(browser, dps_page, certificates, device_id, server, blocking):
    """The seeds' walk: add an enrollment by its certificate's file, start the device, look it up, see its twin and telemetry."""
    device = certificates.self_signed(device_id)
    browser.open(f"{dps_page}/enrollments")
    browser.click("Add an enrollment")
    browser.fill("Certificate", str(device.path))
    browser.click("Add")
    browser.says(f"{device_id} may register.")
    assert browser.path.endswith(f"/enrollments/of/{device_id}"), "the registration id is the certificate's common name"
    assert device.thumbprint in browser.text and server.id_scope in browser.text

    x509 = X509(*map(str, device.pair))
    assigned = blocking.provision_and_send(server, "x509_certificate", device_id, x509=x509)
    browser.says("assigned")
    browser.click(device_id)
    browser.says("connected")

    client = blocking._clients[-1]
    client.patch_twin_reported_properties({"firmware": "1.2.3"})
    browser.says('"firmware": "1.2.3"')
    client.send_message(Message('{"temperature": 21.5}', content_type="application/json", content_encoding="utf-8"))
    browser.says('{"temperature": 21.5}')
    browser.says('{"from": "dps"}')
    assert assigned.device_id == device_id
    browser.open(browser.driver.current_url.split("/devices/")[0] + "/events")
    browser.says('{"temperature": 21.5}')
    browser.click(device_id)
    browser.says('"firmware": "1.2.3"')


def test_a_cer_file_is_taken_too(browser, dps_page, certificates, device_id, tmp_path):
    from cryptography.hazmat.primitives import serialization

    path = tmp_path / "device.cer"
    path.write_bytes(certificates.self_signed(device_id).certificate.public_bytes(serialization.Encoding.DER))
    browser.open(f"{dps_page}/enrollments/new")
    browser.fill("Certificate", str(path))
    browser.click("Add")
    browser.says(f"{device_id} may register.")


def test_an_enrollment_is_edited(browser, dps_page, roadstead, device_id, certificates):
    """What is not in the form stays; another certificate beside the first lets the device in, too."""
    first, second = certificates.self_signed(device_id), certificates.self_signed(device_id)
    roadstead.enroll_certificate(device_id, first.path)
    browser.open(f"{dps_page}/enrollments/of/{device_id}")
    browser.click("Disable")
    browser.says("It is disabled")
    browser.click("Edit")
    browser.fill("Another secondary certificate", str(second.path))
    browser.fill("Device id", f"{device_id}-renamed")
    browser.fill("Desired properties", '{"interval": 60}')
    browser.choose_option("A device that registers again", "begins with a new twin")
    browser.click("Save")
    browser.says("It is changed.")
    assert first.thumbprint in browser.text and second.thumbprint in browser.text
    shown = roadstead.dps("enrollment", "show", "--enrollment-id", device_id)
    assert (shown["provisioningStatus"], shown["deviceId"]) == ("disabled", f"{device_id}-renamed")
    assert shown["initialTwin"]["properties"]["desired"] == {"interval": 60}
    assert shown["reprovisionPolicy"] == {"updateHubAssignment": True, "migrateDeviceData": False}


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
    client = IoTHubDeviceClient.create_from_connection_string(roadstead.connection_string(device_id), connection_retry=False)
    try:
        client.connect()
        browser.open(device_page)
        browser.click("Show keys")
        browser.click("Make a new primary key")
        browser.fill("Type", device_id)
        browser.click("Make it")
        browser.says("The key is another one now.")
        wait.until(lambda: not client.connected, SOON_S, "the device is disconnected")
    finally:
        client.shutdown()
    now = roadstead.hub("device-identity", "show", "--device-id", device_id)["authentication"]["symmetricKey"]
    assert now["primaryKey"] != keys["primaryKey"] and now["secondaryKey"] == keys["secondaryKey"]


@pytest.fixture
def run(server, tmp_path):
    """A program that a page shows, as somebody runs it who pasted it."""

    def running(browser, language: str) -> str:
        text = browser.driver.find_element("xpath", f"//pre[@aria-label='{language}']").get_attribute("textContent")
        file = tmp_path / {"Python": "device.py", "Node.js": "device.js"}.get(language, "device.sh")
        file.write_text(text)
        environment = {**os.environ, **server.exports, "NODE_PATH": str(NODE_MODULES)}
        command = {"Python": sys.executable, "Node.js": "node"}.get(language, "bash")
        done = subprocess.run([command, file], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{text}\n{done.stderr}"
        return done.stdout

    return running


def test_the_programs_it_shows_run(browser, dps_page, roadstead, device_id, certificates, run, tmp_path, monitor):
    """Pasted as they stand: by a certificate, and by a key of a group. Each sends one message."""
    device = certificates.self_signed(device_id)
    roadstead.enroll_certificate(device_id, device.path)
    for suffix, path in ((".pem", device.path), (".key", device.key_path)):
        shutil.copy(path, tmp_path / f"{device_id}{suffix}")
    browser.open(f"{dps_page}/enrollments/of/{device_id}")
    for program in PROGRAMS:
        assert run(browser, program).endswith(f" as {device_id}\n"), program
    assert len(monitor.wait(device_id, len(PROGRAMS))) == len(PROGRAMS)
    roadstead.enroll_group_with_key(device_id)
    browser.open(f"{dps_page}/groups/of/{device_id}")
    browser.click("Show keys")
    browser.says("Hide the keys")
    for program in PROGRAMS:
        assert run(browser, program).endswith(" as my-device\n"), program
    assert len(monitor.wait("my-device", len(PROGRAMS))) == len(PROGRAMS)


def test_a_device_is_connected_from_nothing(browser, origin, roadstead, device_id, run):
    """The walk: an id, a program to paste, and a page that turns green by itself."""
    browser.open(f"{origin}/portal/")
    browser.click("Connect a device")
    browser.fill("Device id", device_id)
    browser.click("Enroll it")
    browser.says("Waiting: run one of the programs below.")
    key = roadstead.dps("enrollment", "show", "--enrollment-id", device_id, "--show-keys")["attestation"]["symmetricKey"]["primaryKey"]
    assert key in browser.source
    steps = lambda: browser.driver.execute_script("return document.querySelectorAll('.steps .good').length")  # noqa: E731
    assert steps() == 1, "nothing is green but what was done"
    assert run(browser, "Python").endswith(f" as {device_id}\n")
    browser.says("It is there.")
    assert steps() == 4 and '{"temperature": 21.5}' in browser.text
    assert key in browser.source, "the program stays"
    browser.click("Open the device")
    browser.says('{"temperature": 21.5}')

    browser.open(f"{origin}/portal/connect")
    browser.fill("Device id", device_id)
    browser.click("Enroll it")
    browser.says(f"{device_id} is enrolled at {roadstead.dps_name} already")
    assert browser.field("Device id") == device_id, "what was typed stays"


def test_a_device_with_a_certificate_is_connected_without_javascript(origin, person, certificates, device_id, run, tmp_path):
    """The same with a file and another device id, where the steps are seen by looking again; and a Reader is told why not."""
    device = certificates.self_signed(device_id)
    for suffix, path in ((".pem", device.path), (".key", device.key_path)):
        shutil.copy(path, tmp_path / f"{device_id}{suffix}")
    plain = start(scripts=False)
    try:
        roles = ("Reader", "IoT Hub Data Reader", "Device Provisioning Service Data Contributor")
        sign_in(plain, origin, person(*roles))
        plain.open(f"{origin}/portal/connect")
        plain.choose("a certificate that it has")
        plain.fill("Device id", f"{device_id}-renamed")
        plain.fill("Certificate", str(device.key_path))
        plain.click("Enroll it")
        plain.says("The certificate cannot be read")
        assert plain.field("Device id") == f"{device_id}-renamed"
        plain.fill("Certificate", str(device.path))
        plain.click("Enroll it")
        plain.says("Without JavaScript the steps stand still")
        assert run(plain, "curl").endswith(f" as {device_id}-renamed\n")
        plain.click("look again")
        plain.says("It is there.")
    finally:
        plain.end()
    reading = start()
    try:
        sign_in(reading, origin, person("Reader", "Device Provisioning Service Data Reader"))
        reading.open(f"{origin}/portal/connect")
        reading.says("Device Provisioning Service Data Contributor")
        assert "Enroll it" not in reading.buttons()
    finally:
        reading.end()


def test_disabling_bites(browser, device_page, roadstead, device_id):
    roadstead.create_device(device_id)
    client = IoTHubDeviceClient.create_from_connection_string(roadstead.connection_string(device_id), connection_retry=False)
    try:
        client.connect()
        browser.open(device_page)
        browser.says("connected since")
        browser.click("Disable")
        browser.says("It is disabled: its connections are closed")
        wait.until(lambda: not client.connected, SOON_S, "the device is disconnected")
        browser.says("disconnected")
        browser.click("Enable")
        browser.says("It is enabled")
        client.connect()
        browser.says("connected since")
    finally:
        client.shutdown()


def connect(connection_string: str) -> IoTHubDeviceClient:
    """The Python SDK's client, connected; what refuses it is raised."""
    client = IoTHubDeviceClient.create_from_connection_string(connection_string, connection_retry=False)
    try:
        client.connect()
    except BaseException:
        client.shutdown()
        raise
    return client


def test_a_refused_device_is_explained_and_mended(browser, device_page, roadstead, server, device_id):
    """The Python SDK with another device's key: its page says why, and the command that it shows mends it."""
    roadstead.create_device(device_id)
    right, wrong = roadstead.connection_string(device_id), roadstead.device_key(f"{device_id}-other")
    browser.open(device_page)
    with pytest.raises(Exception):
        connect(re.sub("SharedAccessKey=.*", f"SharedAccessKey={wrong}", right))
    browser.says("token signed with another key over MQTT from 127.0.0.1 (CONNACK 5)")
    browser.says("Give the device its own key")
    assert wrong not in browser.source
    command = browser.driver.find_element("css selector", "[data-copy='the command']").text.split()
    assert command[0] == "roadstead"
    printed = subprocess.run([server.binary, *command[1:]], env=server.environment, capture_output=True, text=True, check=True)
    client = connect(json.loads(printed.stdout)["connectionString"])
    browser.says("connected with its key over MQTT from 127.0.0.1")
    wait.until(lambda: "Give the device its own key" not in browser.text, SOON_S, "what is mended is not to be mended")
    assert "token signed with another key" in browser.text, "it is still told"

    browser.click("Disable")
    browser.says("disconnected it was disabled")
    wait.until(lambda: not client.connected, SOON_S, "the device is disconnected")
    client.shutdown()
    with pytest.raises(Exception):
        connect(right)
    browser.says(f"--device-id {device_id} --status enabled")
    browser.click("Enable")
    browser.says("enabled it may connect")
    assert "--status enabled" not in browser.text, "that is done"
    client = connect(right)
    client.shutdown()
    browser.says("disconnected it said goodbye")

    browser.open(f"{device_page.split('/devices/')[0]}/refusals")
    browser.fill("Id begins with", device_id)
    browser.choose_option("Cause", "device is disabled")
    browser.click("Search")
    browser.says("device is disabled (CONNACK 3)")
    assert "another key" not in browser.driver.find_element("tag name", "table").text
    browser.click("What to do")
    browser.says("--status enabled")
    browser.click(device_id)
    browser.says("Timeline")
    assert browser.path.endswith(f"/devices/{device_id}")


def test_one_that_nobody_knows_is_explained(browser, device_page, dps_page, roadstead, server, device_id, blocking, certificates):
    """A device that is registered nowhere, and one that is enrolled nowhere, each have a page once they were refused."""
    stranger = f"HostName={server.hub_host};DeviceId={device_id};SharedAccessKey={roadstead.device_key(f'{device_id}-other')}"
    with pytest.raises(Exception):
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
    with pytest.raises(Exception):
        blocking.provision_and_send(server, "x509_certificate", device_id, x509=x509)
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


def test_a_ca_is_verified(browser, dps_page, roadstead, certificates, device_id, tmp_path):
    root = certificates.root(f"{device_id}-root")
    browser.open(f"{dps_page}/certificates")
    browser.fill("Name", device_id)
    browser.fill("File", str(root.path))
    browser.click("Upload")
    browser.says("counts for nothing until you prove")
    code = re.search(r"--code (\S+)", browser.text)[1]
    proof = tmp_path / "verification.pem"
    roadstead.text("ca", "verify", "--ca", root.path, "--code", code, "--out", proof)
    browser.fill("verification.pem", str(proof))
    browser.click("Verify")
    browser.says("It is verified")
    browser.click("Delete the certificate")
    browser.fill("Type", device_id)
    browser.click("Delete")
    browser.says(f"{device_id} is deleted")


def test_a_reader_sees_no_key_and_no_button(browser, origin, device_page, dps_page, roadstead, device_id, person):
    key = roadstead.create_device(device_id)["authentication"]["symmetricKey"]["primaryKey"]
    browser.open(device_page)
    assert key not in browser.source
    browser.click("Show keys")
    browser.says("Hide the keys")
    assert key in browser.source, "whoever may, sees it when asked for"
    roles = ("Reader", "IoT Hub Data Reader", "Device Provisioning Service Data Reader")
    reading = start()
    try:
        sign_in(reading, origin, person(*roles))
        hub = device_page.split("/devices/")[0]
        roadstead.enroll_with_key(device_id)
        pages = [f"{hub}{tail}" for tail in ("", "/devices", "/events", "/refusals", "/certificates")] + [device_page]
        pages += [f"{dps_page}{tail}" for tail in ("/enrollments", f"/enrollments/of/{device_id}", "/refusals", "/certificates")]
        for page in pages:
            reading.open(page)
            assert set(reading.buttons()) - {"copy"} <= {"Sign out", "Search", "Follow"}, page
            assert key not in reading.source
        reading.open(f"{device_page}/twin")
        assert "Your roles do not let you change the devices" in reading.text
    finally:
        reading.end()


def test_who_may_not_see_devices_sees_no_timeline(origin, device_page, dps_page, roadstead, device_id, person):
    """A Reader of resources, without a role for data."""
    roadstead.create_device(device_id)
    opened = start()
    try:
        sign_in(opened, origin, person("Reader"))
        hub = device_page.split("/devices/")[0]
        for page in (device_page, f"{device_page}/timeline", f"{hub}/refusals", f"{dps_page}/refusals"):
            opened.open(page)
            assert "Your roles do not let you see the" in opened.text and "Data Reader" in opened.text, page
            assert "Timeline" not in opened.text
    finally:
        opened.end()


def test_a_password_that_is_wrong_is_refused_and_counted(origin, person):
    user = person("Reader")
    page = f"{origin}/portal/sign-in"
    headers = {"Sec-Fetch-Site": "same-origin"}
    said = []
    for _ in range(12):
        form = {"username": user["userPrincipalName"], "password": "wrong"}
        answer = requests.post(page, data=form, headers=headers, timeout=20, allow_redirects=False)
        assert answer.status_code == 403 and "Set-Cookie" not in answer.headers
        said.append("too many" if "oo many" in answer.text else "wrong" if "wrong password" in answer.text else answer.text)
    assert said[0] == "wrong" and said[-1] == "too many", said


def test_a_form_of_another_site_changes_nothing(browser, device_page, roadstead, device_id):
    roadstead.create_device(device_id)
    cookies = {"__Host-roadstead": browser.cookies()["__Host-roadstead"]["value"]}
    for headers, form in (
        ({"Sec-Fetch-Site": "cross-site"}, {"do": "disable"}),
        ({"Sec-Fetch-Site": "same-origin"}, {"do": "disable"}),
        ({"Sec-Fetch-Site": "same-origin"}, {"do": "disable", "csrf": "x" * 43}),
        ({"Origin": "https://evil.example"}, {"do": "disable"}),
    ):
        answer = requests.post(device_page, data=form, cookies=cookies, headers=headers, timeout=20, allow_redirects=False)
        assert answer.status_code == 403 and "nothing was done" in answer.text, headers
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'") and "unsafe" not in policy
    assert roadstead.hub("device-identity", "show", "--device-id", device_id)["status"] == "enabled"


def test_sessions_are_shown_and_ended(origin, person):
    user = person("Reader")
    other = requests.Session()
    form = {"username": user["userPrincipalName"], "password": user["password"]}
    headers = {"Sec-Fetch-Site": "same-origin", "User-Agent": "Firefox/140.0 (Windows)"}
    other.post(f"{origin}/portal/sign-in", data=form, headers=headers, timeout=20)
    assert "Sign out everywhere" in other.get(f"{origin}/portal/sessions", timeout=20).text
    opened = start()
    try:
        sign_in(opened, origin, user)
        opened.open(f"{origin}/portal/sessions")
        assert "Chrome, Linux this one" in opened.text and "Firefox, Windows" in opened.text
        opened.click("Sign out everywhere")
        opened.says("User name")
    finally:
        opened.end()
    assert "User name" in other.get(f"{origin}/portal/sessions", timeout=20).text


def test_it_works_without_javascript(server, origin, person, device_page, roadstead, device_id):
    roadstead.create_device(device_id)
    plain = start(scripts=False)
    try:
        sign_in(plain, origin, person("Reader", "IoT Hub Data Contributor"))
        plain.open(f"{device_page}/twin")
        plain.fill("Desired properties", '{"interval": 5}')
        plain.click("Compare")
        plain.says("desired.interval")
        plain.click("Save")
        plain.says("The twin is saved: 1 change.")
        assert "This list needs JavaScript" in plain.text
    finally:
        plain.end()


@pytest.fixture
def pages(origin, device_page, dps_page, roadstead, device_id):
    """The addresses of all pages that are there without anything being done first."""
    roadstead.create_device(device_id)
    hub = device_page.split("/devices/")[0]
    hubs = ("", "/devices", "/events", "/refusals", "/certificates")
    provisioning = ("/enrollments", "/enrollments/new", "/groups", "/groups/new", "/refusals", "/certificates")
    found = [f"{hub}{tail}" for tail in hubs] + [f"{dps_page}{tail}" for tail in provisioning]
    found += [device_page, f"{device_page}/timeline", f"{device_page}/twin"]
    return found + [f"{origin}/portal/{path}" for path in ("", "connect", "audit", "sessions")]


def test_every_page_fits_a_phone(browser, pages):
    browser.look(PHONE)
    try:
        assert [(page, browser.overflow()) for page in pages if browser.open(page) or browser.overflow() > 0] == []
    finally:
        browser.look(DESKTOP)


@pytest.mark.parametrize(("size", "dark"), [(DESKTOP, False), (PHONE, True)], ids=["desktop-light", "phone-dark"])
def test_axe_finds_no_fault(browser, pages, size, dark):
    """What anybody can use: names, contrast, order."""
    browser.look(size, dark)
    try:
        faults = []
        for page in pages:
            browser.open(page)
            faults += [f"{page} {violation}" for violation in browser.violations()]
        assert not faults, "\n".join(faults)
    finally:
        browser.look(DESKTOP)
