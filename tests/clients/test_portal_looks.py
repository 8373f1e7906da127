"""Every page of the portal, on desktops and phones, in light and dark, for everybody."""

import pytest

from harness.browser import DESKTOP, PHONE


@pytest.fixture
def pages(origin, device_page, dps_page, roadstead, device_id):
    """The addresses of all pages that are there without anything being done first."""
    roadstead.create_device(device_id)
    hub = device_page.split("/devices/")[0]
    hubs = ("", "/devices", "/events", "/events/log", "/refusals", "/certificates", "/policies", "/settings")
    provisioning = ("", "/policies", "/enrollments", "/enrollments/new", "/groups", "/groups/new", "/refusals", "/certificates")
    found = [f"{hub}{tail}" for tail in hubs] + [f"{dps_page}{tail}" for tail in provisioning]
    found += [device_page, *(f"{device_page}/{tail}" for tail in ("timeline", "twin", "twin/history", "uploads"))]
    return found + [f"{origin}/portal/{path}" for path in ("", "create", "connect", "certificates", "audit", "sessions")]


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
