"""The portal's certificates: CAs that the server holds, what they issue, the walk with one made here, the calendar."""

import pytest
from azure.iot.device import X509

from harness import wait
from harness.certs import openssl
from harness.portal import sign_in, start

SOON_S = 20


@pytest.fixture
def download(tmp_path):
    """Presses a button that answers with a file, and gives the file."""

    def press(browser, words: str, name: str):
        folder = tmp_path / "downloads"
        folder.mkdir(exist_ok=True)
        behaviour = {"behavior": "allow", "downloadPath": str(folder)}
        browser.driver.execute_cdp_cmd("Browser.setDownloadBehavior", behaviour)
        browser.driver.find_element("xpath", f"//button[normalize-space(.)='{words}']").click()
        wait.until((folder / name).exists, SOON_S, f"{name} is downloaded")
        return (folder / name).rename(tmp_path / name)

    return press


def test_a_ca_is_made_and_issues(browser, dps_page, roadstead, server, monitor, blocking, device_id, download, tmp_path):
    """For an id with a key that is downloaded once, and for a request; what was issued is listed and searched."""
    name = f"held-{device_id}"
    browser.open(f"{dps_page}/certificates")
    browser.fill("Name of the CA", name)
    browser.click("Make the CA")
    roadstead.remember_ca(name)
    browser.says("key is here")
    assert "It has issued nothing yet." in browser.text and "PRIVATE" not in browser.source
    browser.fill("Device's registration id", device_id)
    pem = download(browser, "Issue and download", f"{device_id}.pem")
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
    signed = download(browser, "Sign and download", f"{other}.pem")
    assert "PRIVATE" not in signed.read_text()
    browser.says("the device's own")
    browser.fill("Id begins with", other.upper())
    browser.click("Search")
    rows = "//div[@id='issued']//tbody/tr"
    assert [row.text.split()[0] for row in browser.driver.find_elements("xpath", rows)] == [other]


def test_a_device_is_connected_with_a_certificate_made_here(browser, origin, roadstead, device_id, download, run):
    """From nothing to the first message: a CA and its group are made, or used where they are there."""
    browser.open(f"{origin}/portal/connect")
    browser.choose("a certificate made here")
    browser.fill("Device id", device_id)
    browser.click("Enroll it")
    browser.says("Waiting: download it below.")
    roadstead.remember_ca("devices")
    download(browser, "Download the certificate", f"{device_id}.pem")
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
    download(browser, "Download the certificate", f"{other}.pem")
    assert run(browser, "curl").endswith(f" as {other}\n")
    browser.says("It is there.")
    browser.open(browser.driver.current_url)
    assert "Download another" in browser.buttons()


def test_a_reader_sees_neither_button_nor_key(origin, dps_page, roadstead, person, device_id, tmp_path):
    name = f"held-{device_id}"
    roadstead.dps("certificate", "create-ca", "--certificate-name", name)
    roadstead.remember_ca(name)
    roadstead.dps("certificate", "issue", "--certificate-name", name, "--id", device_id, cwd=tmp_path)
    reader = start()
    try:
        sign_in(reader, origin, person("Reader"))
        reader.open(f"{dps_page}/certificates")
        reader.says("key is here")
        assert "Make the CA" not in reader.buttons()
        reader.open(f"{dps_page}/certificates/{name}")
        reader.says(device_id)
        assert [words for words in reader.buttons() if "download" in words.lower() or words == "Delete"] == []
        assert "PRIVATE" not in reader.source
        reader.open(f"{origin}/portal/certificates")
        reader.says(device_id)
    finally:
        reader.end()


def test_the_calendar_names_what_ends_soon(browser, origin, roadstead, certificates, device_id, tmp_path):
    """CAs, devices' certificates that were issued here and enrollments' own, the nearest first; each leads to its place."""
    name, soon, far = f"held-{device_id}", f"{device_id}-soon", f"{device_id}-far"
    roadstead.dps("certificate", "create-ca", "--certificate-name", name)
    roadstead.remember_ca(name)
    for id, days in ((soon, "3"), (far, "400")):
        roadstead.dps("certificate", "issue", "--certificate-name", name, "--id", id, "--days", days, cwd=tmp_path)
    roadstead.enroll_certificate(device_id, certificates.self_signed(device_id).path)
    browser.open(f"{origin}/portal/")
    browser.click("All certificates by their end")
    seen: dict[str, str] = {}
    while True:
        for row in browser.driver.find_elements("xpath", "//tbody/tr"):
            seen.setdefault(row.find_element("tag name", "a").text, row.text)
        if not browser.driver.find_elements("link text", "Next page"):
            break
        browser.click("Next page")
    assert "within 30 days" in seen[soon] and "within 30 days" not in seen[far]
    assert "enrollment" in seen[device_id] and "CA" in seen[name]
    assert list(seen).index(soon) < list(seen).index(far) < list(seen).index(name)
    browser.open(f"{origin}/portal/certificates")
    browser.click(soon)
    assert f"/certificates/{name}" in browser.path and soon in browser.text and far not in browser.text
