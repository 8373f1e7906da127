"""The portal: who comes in, who may see and do what, and what other sites cannot make it do."""

import requests

from harness.portal import sign_in, start


def test_the_link_signs_in_once(own_server):
    own_server.start()
    link, opened = own_server.portal_link(), start()
    try:
        opened.open(link)
        opened.says("devices connected")
        cookie = opened.cookies()["__Host-roadstead"]
        assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, True, "Lax", "/")
    finally:
        opened.end()
    again = requests.get(link, verify=own_server.ca_file, timeout=20)
    assert "This link was used already" in again.text and "Set-Cookie" not in again.headers
    code = link.rsplit("/", 1)[1]
    assert own_server.log().count(code) == 1, "it is printed, and nowhere else"


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
        pages = [f"{hub}{tail}" for tail in ("", "/devices", "/events", "/refusals", "/certificates", "/policies", "/settings")]
        pages += [device_page]
        pages += [f"{dps_page}{tail}" for tail in ("", "/policies", "/enrollments", f"/enrollments/of/{device_id}", "/refusals", "/certificates")]
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
