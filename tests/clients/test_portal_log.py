"""The portal's pages of a hub's messages: who has read how far, and the log page by page."""

import datetime
import subprocess

import pytest
from selenium.common.exceptions import WebDriverException

from harness import eventhub, wait
from harness.portal import sign_in, start


@pytest.fixture
def hub_page(device_page):
    return device_page.split("/devices/")[0]


@pytest.mark.usefixtures("port_5671")
def test_a_consumer_falls_behind_and_catches_up(server, browser, hub_page, roadstead, send, device_id):
    roadstead.hub("consumer-group", "create", "--name", device_id)
    since = datetime.datetime.now(datetime.UTC)
    try:
        send(b"1")

        def row() -> str:
            try:
                return browser.driver.find_element("xpath", f"//table//tr[th[normalize-space(.)='{device_id}']]").text
            except WebDriverException:  # it is just being replaced
                return ""

        def says(words: str) -> None:
            """Of the group, by itself."""
            wait.until(lambda: words in row(), 20, words)

        browser.open(hub_page)
        says("not read since the server started")
        with eventhub.Reader(server, group=device_id, starting_position=since) as reader:
            reader.wait(device_id, 1)
            places = [one["partitionId"] for one in roadstead.hub("consumer-group", "lag") if one["consumerGroup"] == device_id]
            says(f"{device_id} {len(places)} 0")
        says(f"{device_id} 0 0")
        place, event = next((place, event) for place, event in reader.events if eventhub.device(event) == device_id)
        for number in range(2, 5):
            send(b"%d" % number)
        says(f"{device_id} 0 3 partition {place}: 3")
        # It begins at the first message of every partition that is not named.
        positions = {**dict.fromkeys(places, "@latest"), place: event.offset}
        with eventhub.Reader(server, group=device_id, starting_position=positions) as reader:
            reader.wait(device_id, 3)
            says(f"{device_id} {len(places)} 0")
    finally:
        roadstead.hub("consumer-group", "delete", "--name", device_id)


def test_the_log_is_read_from_anywhere(server, browser, hub_page, roadstead, send, device_id):
    since = datetime.datetime.now(datetime.UTC)
    for number in range(3):
        send(b'{"number": %d}' % number, contenttype="application/json", messageid=f"m-{number}", app_colour="red")
    other = f"{device_id}-other"
    roadstead.create_device(other)
    roadstead("iot", "device", "send-d2c-message", "-n", roadstead.hub_name, "-d", other, "--data", "elsewhere")

    def squeezed() -> list[str]:
        """The messages that the page shows, without blanks."""
        cells = browser.driver.find_elements("xpath", "//tbody/tr/td[@data-name='Message']/code")
        return [cell.text.replace(" ", "") for cell in cells]

    newest_first = ['{"number":2}', '{"number":1}', '{"number":0}']
    browser.open(f"{hub_page}/events")
    browser.click("All messages that are kept, page by page")
    browser.fill("Of this device only", device_id)
    browser.click("Search")
    assert squeezed() == newest_first
    browser.driver.find_element("xpath", "//tbody//summary").click()
    for words in ("Sequence number", "m-2", "colour", "red", '"number": 2', "iothub-connection-auth-method"):
        browser.says(words)

    place, number = browser.driver.find_element("xpath", "//td[@data-name='Place']").text.removeprefix("partition ").split(", ")
    browser.choose_option("Partition", place)
    browser.fill("From sequence number", str(int(number) - 1))
    browser.click("Search")
    assert squeezed()[-2:] == newest_first[:2]
    browser.click("Older")
    assert squeezed()[0] == newest_first[2]
    browser.click("Newer")
    assert squeezed()[-2:] == newest_first[:2]

    browser.open(f"{hub_page}/events/log")
    browser.fill("From this time (UTC)", since.strftime("%Y-%m-%d %H:%M:%S"))
    browser.click("Search")
    assert {"elsewhere", *newest_first} <= set(squeezed())
    browser.fill("From this time (UTC)", "noon")
    browser.click("Search")
    browser.says("noon is no time")
    browser.open(f"{hub_page}/events/log?device={device_id}-nobody")
    browser.says("No message is here.")


def test_the_log_needs_no_javascript(server, origin, person, hub_page, send, device_id):
    send(b"\x00\xff")
    plain = start(scripts=False)
    try:
        sign_in(plain, origin, person("Reader", "IoT Hub Data Reader"))
        plain.open(f"{hub_page}/events/log?device={device_id}")
        plain.says("00 ff")
        assert "binary, 2 B" in plain.text
        plain.open(f"{origin}/portal/")
        assert "used by Roadstead" in plain.text and " free." in plain.text
        plain.open(hub_page)
        assert "Consumer groups" in plain.text and "refus" in plain.text
    finally:
        plain.end()


def test_who_may_not_see_data_sees_no_log(origin, person, hub_page):
    plain = start(scripts=False)
    try:
        sign_in(plain, origin, person("Reader"))
        plain.open(f"{hub_page}/events/log")
        plain.says("IoT Hub Data Reader")
        plain.open(hub_page)
        assert "$Default" in plain.text and "Not delivered yet" not in plain.text
    finally:
        plain.end()


# The longest time between two frames, in milliseconds: whoever reads the page waits so long at most.
LONGEST_FRAME = """
const done = arguments[0];
let last = performance.now();
let longest = 0;
const until = last + 3000;
const frame = (now) => {
  longest = Math.max(longest, now - last);
  last = now;
  if (now < until) requestAnimationFrame(frame);
  else done(longest);
};
requestAnimationFrame(frame);
"""


def test_a_busy_hub_is_sampled(server, browser, hub_page, roadstead, device_id):
    """A thousand messages a second: the page shows some of them, says how many more there were, and stays usable."""
    devices = [f"{device_id}-{number:06}" for number in range(1, 5)]
    words = ("simulate", "--sas", "--devices", str(len(devices)), "--total-rate", "1000", "--prefix", f"{device_id}-")
    fleet = subprocess.Popen([server.binary, *words], env=server.environment, stdout=subprocess.DEVNULL)
    try:
        browser.open(f"{hub_page}/events")
        browser.says("more came than can be shown")
        longest = browser.driver.execute_async_script(LONGEST_FRAME)
        assert longest < 1000, f"{longest:.0f} ms without a frame"
        assert 0 < len(browser.driver.find_elements("css selector", "[data-live] li")) <= 200
    finally:
        fleet.terminate()
        fleet.wait(30)
        for device in devices:
            roadstead.hub("device-identity", "delete", "--device-id", device)
