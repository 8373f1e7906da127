"""The portal's certificates: CAs that the server holds, what they issue, the walk with one made here, the calendar."""

import uuid

import pytest
from azure.iot.device import X509

from harness.certs import openssl
from harness.portal import sign_in

# The ids of the certificates that a CA issued, as its page lists them.
ISSUED = "return [...document.querySelectorAll('#issued tbody tr')].map((row) => row.cells[0].textContent.trim())"
# The link of each row of the calendar's tables, and all that the row says.
ROWS = "return [...document.querySelectorAll('tbody tr')].map((row) => [row.querySelector('a').textContent, row.textContent])"


def test_a_ca_is_made_and_issues(browser, dps_page, roadstead, server, monitor, blocking, device_id, download, tmp_path):
    """For an id with a key that is downloaded once, and for a request; what was issued is listed and searched."""
    name = f"held-{device_id}"
    browser.open(f"{dps_page}/certificates")
    browser.fill("Name of the CA", name)
    roadstead.remember_ca(name)
    browser.click("Make the CA")
    browser.says("key is here")
    assert "It has issued nothing yet." in browser.text and "PRIVATE" not in browser.source
    browser.fill("Device's registration id", device_id)
    pem = download("Issue and download", f"{device_id}.pem")
    text = pem.read_text()
    assert text.count("BEGIN PRIVATE KEY") == 1 and text.count("BEGIN CERTIFICATE") == 2
    browser.says("made here")
    assert "PRIVATE" not in browser.source, "no page shows it"

    roadstead.dps("enrollment-group", "create", "--enrollment-id", name, "--ca-name", name)
    x509 = X509(str(pem), str(pem))
    assert blocking.provision_and_send(server, "x509_certificate", device_id, x509=x509).device_id == device_id
    assert len(monitor.wait(device_id, 1)) == 1

    other = f"{device_id}-2"
    openssl(tmp_path, f"req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={other} -keyout k.key -out r.csr")
    browser.fill("Certificate request", str(tmp_path / "r.csr"))
    signed = download("Sign and download", f"{other}.pem")
    assert "PRIVATE" not in signed.read_text()
    browser.says("the device's own")
    browser.fill("Id begins with", other.upper())
    browser.click("Search")
    assert browser.driver.execute_script(ISSUED) == [other]


@pytest.fixture
def walk(roadstead):
    """What the walk makes at the DPS instance goes with the test: the CA, and the group that has its name."""
    name = "devices"
    roadstead.remember_ca(name)
    yield
    if name in [group["enrollmentGroupId"] for group in roadstead.dps("enrollment-group", "list")]:
        roadstead.dps("enrollment-group", "delete", "--enrollment-id", name)


@pytest.mark.usefixtures("walk")
def test_a_device_is_connected_with_a_certificate_made_here(browser, origin, device_id, download, run):
    """From nothing to the first message: a CA and its group are made, or used where they are there."""
    browser.open(f"{origin}/portal/connect")
    browser.choose("a certificate made here")
    browser.fill("Device id", device_id)
    browser.click("Enroll it")
    browser.says("Waiting: download it below.")
    download("Download the certificate", f"{device_id}.pem")
    browser.says("good until")
    assert run(browser, "Python").endswith(f" as {device_id}\n")
    browser.says("It is there.")
    browser.click("Open the device")
    browser.says('{"temperature": 21.5}')

    other = f"{device_id}-2"
    browser.open(f"{origin}/portal/connect")
    browser.choose("a certificate made here")
    browser.fill("Device id", other)
    browser.click("Enroll it")
    browser.says("by the group devices")
    download("Download the certificate", f"{other}.pem")
    assert run(browser, "curl").endswith(f" as {other}\n")
    browser.says("It is there.")
    browser.open(browser.driver.current_url)
    assert "Download another" in browser.buttons()


def test_a_reader_sees_neither_button_nor_key(visitor, origin, dps_page, roadstead, person, device_id, tmp_path):
    name = f"held-{device_id}"
    roadstead.remember_ca(name)
    roadstead.dps("certificate", "create-ca", "--certificate-name", name)
    issued = roadstead.dps("certificate", "issue", "--certificate-name", name, "--id", device_id, cwd=tmp_path)
    sign_in(visitor, origin, person("Reader"))
    visitor.open(f"{dps_page}/certificates")
    visitor.says("key is here")
    assert "Make the CA" not in visitor.buttons()
    visitor.open(f"{dps_page}/certificates/{name}")
    assert visitor.driver.execute_script(ISSUED) == [device_id]
    assert [words for words in visitor.buttons() if "download" in words.lower() or words == "Delete"] == []
    assert "PRIVATE" not in visitor.source
    visitor.open(f"{origin}/portal/certificates?from={issued['notAfter']}")
    assert device_id in dict(visitor.driver.execute_script(ROWS))
    assert "PRIVATE" not in visitor.source and set(visitor.buttons()) == {"Sign out"}


@pytest.fixture
def instance(roadstead):
    """A DPS instance of this test's own: says commands about it."""
    tail = uuid.uuid4().hex[:6]
    group, name = f"calendar-{tail}", f"dps-{tail}"
    roadstead("group", "create", "-n", group, "-l", "local")
    try:
        roadstead("iot", "dps", "create", "-n", name, "-g", group)
        yield lambda *words, cwd=None: roadstead("iot", "dps", *words, "--dps-name", name, "-g", group, cwd=cwd)
    finally:
        roadstead("group", "delete", "-n", group, "--yes")


def test_the_calendar_names_what_ends_soon(browser, origin, instance, certificates, device_id, tmp_path):
    """CAs, devices' certificates that were issued here and enrollments' own, the nearest first; each leads to its place."""
    name, soon, far = f"held-{device_id}", f"{device_id}-soon", f"{device_id}-far"
    instance("certificate", "create-ca", "--certificate-name", name)
    issue = ("certificate", "issue", "--certificate-name", name)
    ends = {id: instance(*issue, "--id", id, "--days", days, cwd=tmp_path)["notAfter"] for id, days in ((soon, "3"), (far, "400"))}
    path = certificates.self_signed(device_id).path
    instance("enrollment", "create", "--enrollment-id", device_id, "--attestation-type", "x509", "--certificate-path", path)
    browser.open(f"{origin}/portal/")
    browser.click("All certificates by their end")
    seen: dict[str, str] = {}
    while True:
        for link, text in browser.driver.execute_script(ROWS):
            seen.setdefault(link, text)
        if not browser.driver.find_elements("link text", "Next page"):
            break
        browser.click("Next page")
    assert "within 30 days" in seen[soon] and "within 30 days" not in seen[far]
    assert "enrollment" in seen[device_id] and "CA" in seen[name]
    assert list(seen).index(soon) < list(seen).index(far) < list(seen).index(name)
    browser.open(f"{origin}/portal/certificates?from={ends[soon]}")
    browser.click(soon)
    assert f"/certificates/{name}" in browser.path and soon in browser.text and far not in browser.text
