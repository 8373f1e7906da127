"""The portal: who comes in, who may see and do what, and what other sites cannot make it do."""

import re

import pytest
import requests

from harness.cli import Roadstead
from harness.portal import sign_in
from harness.server import Server, free_port


@pytest.fixture(scope="module")
def own_server(tmp_path_factory):
    """A server that nobody was at yet: for its link, which only counts for minutes, and for counted log-ins."""
    alone = Server(tmp_path_factory.mktemp("own-server"), free_port(), free_port())
    try:
        yield alone.start()
    finally:
        alone.end()


def test_the_link_signs_in_once(own_server, visitor):
    link = own_server.portal_link()
    visitor.open(link)
    visitor.says("devices connected")
    cookie = visitor.cookies()["__Host-roadstead"]
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, True, "Lax", "/")
    again = requests.get(link, verify=own_server.ca_file, timeout=20)
    assert "This link was used already" in again.text and "Set-Cookie" not in again.headers
    code = link.rsplit("/", 1)[1]
    assert own_server.log().count(code) == 1, "it is printed, and nowhere else"


def keys_of(resource: dict) -> set[str]:
    """Every key in what the command line shows."""
    return set(re.findall(r"[A-Za-z0-9+/]{43}=", str(resource)))


def test_a_reader_sees_no_key_and_no_button(browser, visitor, origin, hub_page, device_page, dps_page, roadstead, device_id, person):
    group = f"{device_id}-group"
    key = roadstead.device_key(device_id)
    keys = {key, roadstead.enroll_with_key(device_id), roadstead.enroll_group_with_key(group)}
    keys |= keys_of(roadstead.hub("policy", "list")) | keys_of(roadstead.dps("policy", "list"))
    # Each has two, and there are five policies of a hub and one of a DPS instance at least.
    assert len(keys) >= 3 + 2 * 6
    browser.open(device_page)
    assert key not in browser.source
    browser.click("Show keys")
    browser.says("Hide the keys")
    assert key in browser.source, "whoever may, sees it when asked for"
    sign_in(visitor, origin, person("Reader", "IoT Hub Data Reader", "Device Provisioning Service Data Reader"))
    tails = ("", "/devices", "/events", "/events/log", "/refusals", "/certificates", "/policies", "/settings")
    pages = [f"{hub_page}{tail}" for tail in tails]
    pages += [device_page, *(f"{device_page}/{tail}" for tail in ("twin/history", "timeline", "uploads"))]
    tails = ("", "/policies", "/enrollments", f"/enrollments/of/{device_id}", "/groups", f"/groups/of/{group}", "/refusals", "/certificates")
    pages += [f"{dps_page}{tail}" for tail in tails]
    for page in pages:
        visitor.open(page)
        assert visitor.status == 200, page
        assert set(visitor.buttons()) - {"copy"} <= {"Sign out", "Search", "Follow", "Show its programs"}, page
        source = visitor.source
        assert [one for one in keys if one in source] == [], page
    visitor.open(f"{device_page}/twin")
    assert "Your roles do not let you change the devices" in visitor.text


def test_who_may_not_see_devices_sees_no_timeline(visitor, origin, hub_page, device_page, dps_page, roadstead, device_id, person):
    """A Reader of resources, without a role for data."""
    roadstead.create_device(device_id)
    sign_in(visitor, origin, person("Reader"))
    for page in (device_page, f"{device_page}/timeline", f"{hub_page}/refusals", f"{dps_page}/refusals"):
        visitor.open(page)
        assert "Your roles do not let you see the" in visitor.text and "Data Reader" in visitor.text, page
        assert "Timeline" not in visitor.text


def test_a_password_that_is_wrong_is_refused_and_counted(own_server):
    """At a server of its own: whoever is refused so often is counted by address, too, for a minute."""
    user = Roadstead(own_server)("user", "create", "-n", "lena@plant.example")
    page = own_server.url(own_server.hub_host, "/portal/sign-in")
    headers = {"Sec-Fetch-Site": "same-origin"}
    said = []
    for _ in range(12):
        form = {"username": user["userPrincipalName"], "password": "wrong"}
        answer = requests.post(page, data=form, headers=headers, verify=own_server.ca_file, timeout=20, allow_redirects=False)
        assert answer.status_code == 403 and "Set-Cookie" not in answer.headers
        said.append("too many" if "oo many" in answer.text else "wrong" if "wrong password" in answer.text else answer.text)
    assert said == ["wrong"] * 10 + ["too many"] * 2


def test_a_form_of_another_site_changes_nothing(browser, device_page, roadstead, device_id):
    """With the cookie that the browser adds; with the token of the form, too, which other sites do not know."""
    roadstead.create_device(device_id)
    browser.open(device_page)
    cookies = {"__Host-roadstead": browser.cookies()["__Host-roadstead"]["value"]}
    token = browser.driver.find_element("name", "csrf").get_attribute("value")
    here = {"Sec-Fetch-Site": "same-origin"}

    def sent(headers: dict, csrf: str | None):
        form = {"do": "disable"} | ({} if csrf is None else {"csrf": csrf})
        return requests.post(device_page, data=form, cookies=cookies, headers=headers, timeout=20, allow_redirects=False)

    for headers, csrf in (
        ({"Sec-Fetch-Site": "cross-site"}, token),
        ({"Sec-Fetch-Site": "same-site"}, token),
        ({"Origin": "https://evil.example"}, token),
        ({}, token),
        (here, None),
        (here, "x" * 43),
    ):
        answer = sent(headers, csrf)
        assert answer.status_code == 403 and "nothing was done" in answer.text, headers
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'") and "unsafe" not in policy
    status = lambda: roadstead.hub("device-identity", "show", "--device-id", device_id)["status"]  # noqa: E731
    assert status() == "enabled"
    assert sent(here, token).status_code == 303
    assert status() == "disabled", "the same from the page itself"


def elsewhere(origin, user: dict) -> requests.Session:
    """Another browser in which this user is signed in."""
    session = requests.Session()
    form = {"username": user["userPrincipalName"], "password": user["password"]}
    headers = {"Sec-Fetch-Site": "same-origin", "User-Agent": "Firefox/140.0 (Windows)"}
    session.post(f"{origin}/portal/sign-in", data=form, headers=headers, timeout=20)
    return session


def test_sessions_are_shown_and_ended(origin, person, visitor):
    user = person("Reader")
    other = elsewhere(origin, user)
    assert "Sign out everywhere" in other.get(f"{origin}/portal/sessions", timeout=20).text
    sign_in(visitor, origin, user)
    visitor.open(f"{origin}/portal/sessions")
    assert "Chrome, Linux this one" in visitor.text and "Firefox, Windows" in visitor.text
    visitor.click("Sign out everywhere")
    visitor.says("User name")
    assert "User name" in other.get(f"{origin}/portal/sessions", timeout=20).text


def test_a_page_says_when_nobody_is_signed_in(origin, person, visitor):
    """The overview, which looks again by itself, when another browser has ended all sessions; its link leads back to it."""
    user = person("Reader")
    other = elsewhere(origin, user)
    sign_in(visitor, origin, user)
    visitor.says("devices connected")
    token = re.search(r'name="csrf" value="([^"]+)"', other.get(f"{origin}/portal/sessions", timeout=20).text)[1]
    headers = {"Sec-Fetch-Site": "same-origin"}
    other.post(f"{origin}/portal/sign-out-everywhere", data={"csrf": token}, headers=headers, timeout=20)
    visitor.says("You are not signed in any more: what is shown here does not change.")
    assert "devices connected" in visitor.text, "what was shown stays"
    visitor.click("Sign in again")
    assert visitor.path.startswith("/portal/sign-in")
    visitor.fill("User name", user["userPrincipalName"])
    visitor.fill("Password", user["password"])
    visitor.click("Sign in")
    visitor.says("devices connected")
    assert visitor.path == "/portal/"


def test_it_works_without_javascript(origin, person, plain, device_page, roadstead, device_id):
    roadstead.create_device(device_id)
    sign_in(plain, origin, person("Reader", "IoT Hub Data Contributor"))
    plain.open(f"{device_page}/twin")
    plain.fill("Desired properties", '{"interval": 5}')
    plain.click("Compare")
    plain.says("desired.interval")
    plain.click("Save")
    plain.says("The twin is saved: 1 change.")
    plain.open(device_page)
    assert "This list needs JavaScript" in plain.text
