"""The portal's pages of a hub's messages: who has read how far, and the log page by page."""

import datetime
import re
import subprocess

import pytest
from selenium.common.exceptions import WebDriverException

from harness import eventhub, wait
from harness.browser import LOOK_AGAIN_S, SOON_S
from harness.portal import sign_in


@pytest.mark.usefixtures("port_5671")
def test_a_consumer_falls_behind_and_catches_up(server, browser, hub_page, roadstead, send, device_id, consumer_group):
    since = datetime.datetime.now(datetime.UTC)
    send(b"1")

    def row() -> str:
        try:
            return browser.driver.find_element("xpath", f"//table//tr[th[normalize-space(.)='{consumer_group}']]").text
        except WebDriverException:  # it is just being replaced
            return ""

    def says(words: str) -> None:
        """Of the group, by itself."""
        wait.until(lambda: words in row(), SOON_S, words, LOOK_AGAIN_S)

    browser.open(hub_page)
    says("not read since the server started")
    rows = roadstead.hub("consumer-group", "lag")
    places = [one["partitionId"] for one in rows if one["consumerGroup"] == consumer_group]
    with eventhub.Reader(server, group=consumer_group, starting_position=since) as reader:
        reader.wait(device_id, 1)
        says(f"{consumer_group} {len(places)} 0")
    says(f"{consumer_group} 0 0")
    place, event = next((place, event) for place, event in reader.events if eventhub.device(event) == device_id)
    for number in range(2, 5):
        send(b"%d" % number)
    says(f"{consumer_group} 0 3 partition {place}: 3")
    # It begins at the first message of every partition that is not named.
    positions = {**dict.fromkeys(places, "@latest"), place: event.offset}
    with eventhub.Reader(server, group=consumer_group, starting_position=positions) as reader:
        reader.wait(device_id, 3)
        says(f"{consumer_group} {len(places)} 0")


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
    browser.fill("From this time (your time)", since.astimezone().strftime("%Y-%m-%d %H:%M:%S"))
    browser.click("Search")
    assert {"elsewhere", *newest_first} <= set(squeezed())
    browser.fill("From this time (your time)", "noon")
    browser.click("Search")
    browser.says("noon is no time")
    browser.open(f"{hub_page}/events/log?device={device_id}-nobody")
    browser.says("No message is here.")


def test_times_are_typed_as_they_are_shown(browser, hub_page, send, device_id):
    """In the reader's zone: taken for UTC, its time is hours ahead."""
    send(b"1")
    with browser.zone("Asia/Kathmandu"):
        browser.open(f"{hub_page}/events/log?device={device_id}")
        shown = browser.driver.find_element("xpath", "//tbody//time")
        local, utc = shown.text, shown.get_attribute("title").removesuffix(" UTC")
        read = datetime.datetime.fromisoformat
        assert read(local) - read(utc) == datetime.timedelta(hours=5, minutes=45)
        browser.fill("From this time (your time)", local)
        browser.click("Search")
        browser.says("text, 1 B")
        assert browser.field("From this time (your time)") == local
        browser.fill("From this time (your time)", str(read(local) + datetime.timedelta(seconds=1)))
        browser.click("Search")
        browser.says("No message is here.")


def test_the_log_needs_no_javascript(origin, person, plain, hub_page, send, device_id):
    send(b"\x00\xff")
    sign_in(plain, origin, person("Reader", "IoT Hub Data Reader"))
    plain.open(f"{hub_page}/events/log?device={device_id}")
    plain.says("00 ff")
    assert "binary, 2 B" in plain.text
    plain.open(f"{origin}/portal/")
    assert "used by Roadstead" in plain.text and " free." in plain.text
    plain.open(hub_page)
    assert "Not delivered yet" in plain.text and "Who was refused, and why" in plain.text


def test_who_may_not_see_data_sees_no_log(origin, person, plain, hub_page, send, device_id):
    send(b"not for everybody")
    sign_in(plain, origin, person("Reader"))
    for page in (f"{hub_page}/events/log", f"{hub_page}/events/log?device={device_id}"):
        plain.open(page)
        plain.says("IoT Hub Data Reader")
        assert "not for everybody" not in plain.source
    plain.open(hub_page)
    assert "$Default" in plain.text and "Not delivered yet" not in plain.text


# Messages a second that the page is given at most, and those of the past that it begins with.
SHOWN_PER_S, BEGINS_WITH = 20, 50
# Counts what a page adds to its list.
COUNT = """
window.shown = 0;
const count = (changes) => {
  for (const {target, addedNodes} of changes) if (target.dataset?.live) window.shown += addedNodes.length;
};
new MutationObserver(count).observe(document, {childList: true, subtree: true});
"""


@pytest.fixture
def fleet(server, roadstead, device_id):
    """A thousand messages a second, as far as the machine can; its devices go with the test."""
    prefix = f"{device_id}-"
    words = ("simulate", "--sas", "--devices", "4", "--total-rate", "1000", "--prefix", prefix)
    running = subprocess.Popen([server.binary, *words], env=server.environment, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        running.kill()
        running.wait(30)
        for device in roadstead.hub("device-identity", "list"):
            if device["deviceId"].startswith(prefix):
                roadstead.hub("device-identity", "delete", "--device-id", device["deviceId"])


@pytest.mark.usefixtures("fleet")
def test_a_busy_hub_is_sampled(browser, hub_page):
    """Far more messages than anybody reads: the page shows twenty a second, says how many more there were, and stays usable."""
    counting = browser.before_pages(COUNT)
    try:
        browser.open(f"{hub_page}/events")

        def skipped() -> int:
            found = re.search(r"([0-9,]+) more came than can be shown", browser.text)
            return int(found[1].replace(",", "")) if found else 0

        wait.until(lambda: skipped() > 1000, 2 * SOON_S, "a thousand messages more than are shown", LOOK_AGAIN_S)
        shown, opened_s = browser.driver.execute_script("return [window.shown, performance.now() / 1000]")
        assert 0 < shown <= BEGINS_WITH + SHOWN_PER_S * (opened_s + 1)
        assert 0 < len(browser.driver.find_elements("css selector", "[data-live] li")) <= 200
        browser.click("All messages that are kept, page by page")
        assert "/events/log" in browser.path and browser.status == 200
    finally:
        browser.after_all(counting)
