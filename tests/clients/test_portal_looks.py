"""Every page of the portal that is there without a click, on a desk in the light and on a phone in the dark, for everybody."""

import pytest

from harness.browser import DESKTOP, PHONE

HUB = ("", "/devices", "/events", "/events/log", "/refusals", "/refusals?who=services", "/certificates", "/policies", "/settings")
DEVICE = ("", "/timeline", "/twin", "/twin/history", "/uploads")
DPS = ("", "/policies", "/enrollments", "/enrollments/new", "/groups", "/groups/new", "/refusals", "/certificates")
ABOVE = ("", "create", "connect", "certificates", "audit", "sessions", "sign-in")


@pytest.fixture
def pages(origin, hub_page, device_page, dps_page, roadstead, send, device_id, certificates, tmp_path):
    """Their addresses, each with the status that it has; there is a device that spoke, and something of each kind."""
    send(b'{"temperature": 21.5}')
    roadstead.hub("module-identity", "create", "--device-id", device_id, "--module-id", "filter")
    roadstead.enroll_certificate(device_id, certificates.self_signed(device_id).path)
    roadstead.enroll_group_with_key(device_id)
    held, name = f"held-{device_id}", f"root-{device_id}"
    roadstead.remember_ca(held)
    roadstead.dps("certificate", "create-ca", "--certificate-name", held)
    roadstead.dps("certificate", "issue", "--certificate-name", held, "--id", device_id, cwd=tmp_path)
    root = certificates.root(name)
    roadstead.upload_ca(name, root.path, verified=False)
    roadstead.hub("certificate", "create", "--name", name, "--path", root.path)
    tails = [*DPS, *(f"/certificates/{ca}" for ca in (held, name)), f"/registrations/{device_id}", f"/connect/{device_id}"]
    tails += [f"/{kind}/of/{device_id}{tail}" for kind in ("enrollments", "groups") for tail in ("", "/edit")]
    found = [f"{hub_page}{tail}" for tail in (*HUB, f"/certificates/{name}")] + [f"{dps_page}{tail}" for tail in tails]
    found += [f"{device_page}{tail}" for tail in (*DEVICE, "/modules/filter/timeline")]
    there = dict.fromkeys(found + [f"{origin}/portal/{path}" for path in ABOVE], 200)
    yield there | {f"{hub_page}/devices/absent-{device_id}": 404, f"{origin}/portal/none": 404}
    etag = roadstead.hub("certificate", "show", "--name", name)["etag"]
    roadstead.hub("certificate", "delete", "--name", name, "--etag", etag)


@pytest.mark.timeout(600)
def test_axe_finds_no_fault(browser, pages):
    """What anybody can use: names, contrast, order. And on a phone, no page is wider than the window."""
    faults = []
    try:
        with browser.examined():
            for page, status in pages.items():
                browser.open(page)
                assert browser.status == status, page
                for size, dark in ((DESKTOP, False), (PHONE, True)):
                    browser.look(size, dark)
                    faults += [f"{page} {size} {violation}" for violation in browser.violations()]
                if (wide := browser.overflow()) > 0:
                    faults.append(f"{page} is {wide} pixels wider than a phone")
    finally:
        browser.look(DESKTOP)
    assert not faults, "\n".join(faults)
