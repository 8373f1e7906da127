"""What a device left behind, on its pages: files that it uploaded, what back ends made of its twin, a WebSocket that was not opened."""

import os
import re
import ssl
from functools import partial

import paho.mqtt.client as mqtt
import pytest
from azure.iot.hub import IoTHubRegistryManager
from azure.iot.hub.models import Twin, TwinProperties

from harness import wait
from harness.browser import LOOK_AGAIN_S, SOON_S
from harness.portal import upload


@pytest.fixture
def uploaded(server, roadstead, blocking, port_443, device_id):
    """Uploads files of the device."""
    roadstead.create_device(device_id)
    client = blocking.hub_client("connection_string", connection_string=roadstead.connection_string(device_id))
    client.connect()
    return partial(upload, client, server)


@pytest.fixture
def registry(server):
    return IoTHubRegistryManager.from_connection_string(server.exports["IOTHUB_CONNECTION_STRING"])


def test_files_are_listed_saved_and_deleted(browser, device_page, uploaded, download):
    """One of several blocks, one that would be a page with a script if a browser showed it."""
    large, page = os.urandom(3_000_000), b"<!doctype html><script>document.title = 'taken over'</script>"
    uploaded("logs/large.bin", large)
    uploaded("page.html", page)
    browser.open(device_page)
    browser.says("Uploaded files")
    browser.says("logs/large.bin")
    browser.click("All uploaded files")
    browser.says("3.0 MB")
    assert browser.violations() == []
    assert download("logs/large.bin", "large.bin").read_bytes() == large
    assert download("page.html", "page.html").read_bytes() == page
    browser.open(f"{device_page}/uploads/page.html")
    assert browser.driver.title != "taken over"
    browser.open(f"{device_page}/uploads")
    form = browser.driver.find_element("xpath", "//tr[contains(., 'page.html')]//details")
    form.find_element("tag name", "summary").click()
    form.find_element("name", "name").send_keys("page.html")
    form.find_element("tag name", "button").click()
    browser.says("The file page.html is deleted.")
    rows = browser.driver.find_elements("css selector", "tbody tr")
    assert [row.find_element("tag name", "a").text for row in rows] == ["logs/large.bin"]


def test_files_from_a_shell(roadstead, uploaded, device_id, tmp_path):
    content = os.urandom(10_000)
    uploaded("logs/1.bin", content)
    of = ("--device-id", device_id)
    listed = roadstead.hub("device-upload", "list", *of)
    assert [(file["blobName"], file["blobSizeInBytes"]) for file in listed] == [(f"{device_id}/logs/1.bin", len(content))]
    path = tmp_path / "fetched"
    roadstead.hub("device-upload", "download", *of, "--blob-name", listed[0]["blobName"], "--file-path", str(path))
    assert path.read_bytes() == content
    roadstead.hub("device-upload", "delete", *of, "--blob-name", listed[0]["blobName"])
    assert roadstead.hub("device-upload", "list", *of) == []


def test_a_twin_is_put_back_and_its_device_hears_of_it(browser, device_page, roadstead, server, blocking, device_id, registry):
    """Three changes by the Python service SDK; the first is put back from the page, compared before it is saved."""
    roadstead.create_device(device_id)
    for hz, extra in ((1, {"mode": "slow"}), (5, {"mode": "fast"}), (7, {"mode": None})):
        registry.update_twin(device_id, Twin(tags={"hz": hz}, properties=TwinProperties(desired={"hz": hz, **extra})), "*")
    client = blocking.hub_client("connection_string", connection_string=roadstead.connection_string(device_id))
    client.connect()
    heard = blocking.desired(client)

    browser.open(device_page)
    browser.click("history")
    text = browser.text
    assert re.findall(r"^Version (\d+)$", text, re.MULTILINE) == ["5", "4", "3"]
    assert "by the policy iothubowner" in text
    assert browser.violations() == []
    rows = browser.driver.find_elements("css selector", "section:first-of-type tbody tr")
    found = [[cell.text for cell in row.find_elements("css selector", "th, td")] for row in rows]
    assert found == [["tags.hz", "5", "7"], ["desired.hz", "5", "7"], ["desired.mode", '"fast"', "gone"]]
    browser.driver.find_element("css selector", "[aria-label='Put these desired properties back: version 3']").click()
    browser.says("Nothing of")
    assert '"slow"' in browser.field("Desired properties")
    browser.click("Compare")
    browser.says("desired.hz")
    assert registry.get_twin(device_id).properties.desired["hz"] == 7, "nothing is saved yet"
    browser.click("Save")
    browser.says("The twin is saved: 2 changes.")
    assert {name: value for name, value in heard.take().items() if name != "$version"} == {"hz": 1, "mode": "slow"}
    told = roadstead.hub("device-twin", "history", "--device-id", device_id)
    assert [one["properties"]["desired"]["hz"] for one in told] == [1, 7, 5, 1]
    assert [one["actor"] for one in told] == ["principal", "policy", "policy", "policy"]


def test_a_websocket_that_is_not_opened_is_explained(browser, hub_page, server, device_id):
    """paho, which offers `mqtt`, with a header of its own that offers another protocol. It never says who it is."""

    def refused() -> list[str]:
        """The rows of the page. One that came again has another time, and another number."""
        browser.open(f"{hub_page}/refusals?cause=badRequest")
        return browser.driver.execute_script("return [...document.querySelectorAll('tbody tr')].map((row) => row.innerHTML)")

    before = refused()
    client = mqtt.Client(client_id=device_id, protocol=mqtt.MQTTv311, transport="websockets")
    client.tls_set_context(ssl.create_default_context(cafile=server.ca_file))
    client.ws_set_options(path="/$iothub/websocket", headers=lambda headers: {**headers, "Sec-Websocket-Protocol": "mqttv3.1"})
    with pytest.raises(mqtt.WebsocketConnectionError):
        client.connect(server.hub_host, server.https_port)
    words = "Sec-WebSocket-Protocol must offer mqtt or AMQPWSB10"
    wait.until(lambda: [row for row in refused() if words in row and row not in before], SOON_S, words, LOOK_AGAIN_S)
