"""A browser at the portal of the server under test, and what its pages are about."""

import os
import subprocess
import sys
import uuid
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from azure.iot.device import IoTHubDeviceClient
from azure.storage.blob import BlobClient

from . import browser as browsers
from . import wait
from .browser import SOON_S, Browser
from .python_sdk import Sdk
from .server import Server

NODE_MODULES = Path(__file__).parents[1] / "node" / "node_modules"


def sign_in(opened: Browser, origin: str, user: dict) -> None:
    opened.open(f"{origin}/portal/")
    opened.fill("User name", user["userPrincipalName"])
    opened.fill("Password", user["password"])
    opened.click("Sign in")
    opened.says("Sign out")


def upload(client: IoTHubDeviceClient, server: Server, name: str, content: bytes, **options) -> None:
    """Uploads a file as the Python SDK's own sample does. The server must be at port 443."""
    place = client.get_storage_info_for_blob(name)
    url = "https://{hostName}/{containerName}/{blobName}{sasToken}".format(**place)
    with BlobClient.from_blob_url(url, connection_verify=server.ca_file, max_single_put_size=1 << 20, **options) as blob:
        blob.upload_blob(content, overwrite=True)
    client.notify_blob_upload_status(place["correlationId"], True, 200, "ok")


def connect(connection_string: str) -> IoTHubDeviceClient:
    """The Python SDK's client, connected; what refuses it is raised."""
    client = IoTHubDeviceClient.create_from_connection_string(connection_string, connection_retry=False)
    try:
        client.connect()
    except BaseException:
        client.shutdown()
        raise
    return client


@contextmanager
def connected(connection_string: str):
    """The same, until the end of it."""
    client = connect(connection_string)
    try:
        yield client
    finally:
        client.shutdown()


@pytest.fixture(scope="session")
def origin(server):
    port = "" if server.https_port == 443 else f":{server.https_port}"
    return f"https://{server.hub_host}{port}"


@pytest.fixture(scope="session")
def chromium():
    """Starts browsers, which end with the run."""
    if browsers.programs() is None:
        pytest.skip("there is no Chromium here: install chromium and chromium-driver")
    with ExitStack() as started:

        def start(**options) -> Browser:
            opened = Browser(**options)
            started.callback(opened.end)
            return opened

        yield start


@pytest.fixture(scope="session")
def administrator(command_line):
    """A user who may do everything."""
    made = command_line("user", "create", "-n", "administrator@plant.example")
    name = made["userPrincipalName"]
    try:
        for role in ("Owner", "IoT Hub Data Contributor", "Device Provisioning Service Data Contributor"):
            command_line("role", "assignment", "create", "--assignee", name, "--role", role)
        yield made
    finally:
        command_line("user", "delete", "-n", name)


@pytest.fixture(scope="session")
def browser(administrator, chromium, origin):
    """The administrator's, for all tests."""
    opened = chromium()
    sign_in(opened, origin, administrator)
    return opened


@pytest.fixture(scope="session")
def second_browser(chromium):
    return chromium()


@pytest.fixture(scope="session")
def browser_without_scripts(chromium):
    return chromium(scripts=False)


@pytest.fixture
def visitor(second_browser):
    """The browser of somebody who was nowhere yet."""
    yield second_browser
    second_browser.forget()


@pytest.fixture
def plain(browser_without_scripts):
    """The same, without JavaScript."""
    yield browser_without_scripts
    browser_without_scripts.forget()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Pages are left before what they show is deleted. None broke its own content policy, no script of one failed."""
    opened = [item.funcargs[name] for name in ("browser", "visitor", "plain") if name in item.funcargs]
    try:
        result = yield
    finally:
        complaints = [text for one in opened for text in one.leave_portal()]
    assert complaints == []
    return result


@pytest.fixture
def download(browser, tmp_path):
    """Presses what answers with a file, and gives the file."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    browser.save_to(folder)

    def press(words: str, name: str) -> Path:
        browser.press(words)
        wait.until((folder / name).exists, SOON_S, f"{name} is downloaded")
        return (folder / name).rename(tmp_path / name)

    yield press
    browser.save_to(None)


@pytest.fixture
def blocking(server, roadstead):
    made = Sdk("sync", "mqtt")
    yield made
    made.end()


@pytest.fixture
def hub_page(origin, roadstead):
    return f"{origin}/portal/hubs/{roadstead.group}/{roadstead.hub_name}"


@pytest.fixture
def device_page(hub_page, device_id):
    return f"{hub_page}/devices/{device_id}"


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


@pytest.fixture
def run(server, tmp_path):
    """A program that a page shows, as somebody runs it who pasted it: what it prints, or where it shall fail, complains of."""

    def running(browser, language: str, fails: bool = False) -> str:
        text = browser.driver.find_element("xpath", f"//pre[@aria-label='{language}']").get_attribute("textContent")
        file = tmp_path / {"Python": "device.py", "Node.js": "device.js"}.get(language, "device.sh")
        file.write_text(text)
        environment = {**os.environ, **server.exports, "NODE_PATH": str(NODE_MODULES)}
        command = {"Python": sys.executable, "Node.js": "node"}.get(language, "bash")
        done = subprocess.run([command, file], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
        assert (done.returncode != 0) == fails, f"{text}\n{done.stderr}"
        return done.stderr if fails else done.stdout

    return running
