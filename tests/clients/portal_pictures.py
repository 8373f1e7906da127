#!/usr/bin/env python3
"""Takes a picture of every page of the portal with devices in it: on a desk and a phone, light and dark.

    python portal_pictures.py ../../target/debug/roadstead ../../target/pictures

It starts the server with a new data directory and ends it. Look at each picture after a change of the pages.
"""

import argparse
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path

from azure.iot.device import IoTHubDeviceClient, Message, MethodResponse, X509

from harness.browser import DESKTOP, PHONE, Browser
from harness.certs import CertificateMaker
from harness.cli import Roadstead
from harness.portal import upload
from harness.python_sdk import Sdk
from harness.server import Server, free_port, is_free

# Those of the tour in the documentation, and their names there.
TOUR = {
    "overview-desk-light": "overview",
    "connect-device-desk-light": "connect",
    "device-desk-light": "device",
    "twin-history-desk-light": "twin-history",
    "device-refused-desk-light": "refused",
    "ca-held-desk-light": "ca",
    "calendar-desk-light": "calendar",
    "hub-settings-desk-light": "settings",
    "overview-phone-dark": "phone",
}
LOOKS = [(size, dark) for size in (DESKTOP, PHONE) for dark in (False, True)]


def fill(server: Server, roadstead: Roadstead, made: CertificateMaker) -> tuple[Sdk, threading.Event]:
    """A small plant: a device that enrolled itself and speaks, one with a module, many that are silent, groups, CAs, users."""
    root, unproven = made.root("plant-root"), made.root("supplier-root")
    roadstead.upload_ca("plant-root", root.path)
    roadstead.upload_ca("supplier-root", unproven.path, verified=False)
    group = ("enrollment-group", "create", "--enrollment-id")
    roadstead.dps(*group, "sensors", "--root-ca-name", "plant-root")
    roadstead.dps(*group, "meters")
    press = made.self_signed("press-7")
    roadstead.enroll_certificate("press-7", press.path)
    roadstead.enroll_with_key("press-8")
    roadstead.dps("enrollment", "update", "--enrollment-id", "press-8", "--provisioning-status", "disabled")
    for number in range(1, 25):
        roadstead.create_device(f"thermo-{number:02}")
    roadstead.update_device("thermo-03", "--status", "disabled", "--status-reason", "sent in for repair")
    roadstead.hub("module-identity", "create", "--device-id", "thermo-01", "--module-id", "filter")
    roadstead.hub("consumer-group", "create", "--name", "dashboard")
    roadstead("user", "create", "-n", "mara@plant.example")
    for role in ("Reader", "IoT Hub Data Reader", "Device Provisioning Service Data Reader"):
        roadstead("role", "assignment", "create", "--assignee", "mara@plant.example", "--role", role)

    sdk, over = Sdk("sync", "mqtt"), threading.Event()
    sdk.provision_and_send(server, "x509_certificate", "press-7", x509=X509(*map(str, press.pair)))
    sdk.provision_and_send(server, "x509_certificate", "pump-1", x509=X509(*map(str, made.issue(root, "pump-1").chained(root))))
    talking = sdk._clients[0]
    sdk.answer_methods(talking, lambda request: (200, {"heard": request.payload}))
    talking.patch_twin_reported_properties({"firmware": "1.4.2", "network": {"ip": "10.1.4.7", "signal": -61}})
    twin = ("device-twin", "update", "--device-id", "press-7")
    roadstead.hub(*twin, "--tags", '{"site": "north", "line": 3}', "--desired", '{"interval": 60}')
    roadstead.hub(*twin, "--tags", '{"site": "north", "line": 4}', "--desired", '{"interval": 5, "limits": {"temperature": 80}}')
    for name in ("logs/2026-11-21.txt", "logs/2026-11-22.txt", "vibration/bearing-2.bin"):
        upload(talking, server, name, name.encode() * 5000)
    roadstead.dps("certificate", "create-ca", "--certificate-name", "plant-devices", "--common-name", "Plant devices")
    for number, days in ((1, "20"), (2, "365"), (3, "365")):
        issue = ("certificate", "issue", "--certificate-name", "plant-devices", "--id", f"camera-{number}", "--days", days)
        roadstead.dps(*issue, cwd=made.folder)

    def refused(attempt) -> None:
        try:
            attempt()
        except Exception:  # as it shall be
            pass

    def knock(device_id: str, other: str) -> None:
        """Connects, or tries to, with another device's key."""
        key = roadstead.connection_string(other).rsplit("SharedAccessKey=", 1)[1]
        text = f"HostName={server.hub_host};DeviceId={device_id};SharedAccessKey={key}"
        client = IoTHubDeviceClient.create_from_connection_string(text, connection_retry=False)
        refused(client.connect)
        client.shutdown()

    for device_id, other in (("02", "01"), ("02", "02"), ("99", "01"), ("03", "03"), ("02", "01"), ("02", "01")):
        knock(f"thermo-{device_id}", f"thermo-{other}")
    refused(lambda: sdk.provision_and_send(server, "x509_certificate", "pump-9", x509=X509(*map(str, made.self_signed("pump-9").pair))))

    def talk():
        number = 0
        while not over.wait(0.4):
            number += 1
            message = Message('{"temperature": %.1f, "pressure": %d}' % (61 + number % 7 * 0.7, 180 + number % 5))
            message.content_type, message.content_encoding = "application/json", "utf-8"
            message.custom_properties["level"] = "storage" if number % 4 == 0 else "normal"
            talking.send_message(message)

    threading.Thread(target=talk, daemon=True).start()
    return sdk, over


def pages(roadstead: Roadstead) -> dict[str, str]:
    hub = f"/portal/hubs/{roadstead.group}/{roadstead.hub_name}"
    dps = f"/portal/dps/{roadstead.group}/{roadstead.dps_name}"
    return {
        "overview": "/portal/",
        "hub": hub,
        "hub-settings": f"{hub}/settings",
        "dps": dps,
        "devices": f"{hub}/devices",
        "devices-none": f"{hub}/devices?q=x",
        "devices-fault": f"{hub}/devices?where=tags.site+is+north",
        "device": f"{hub}/devices/press-7",
        "device-silent": f"{hub}/devices/thermo-01",
        "device-refused": f"{hub}/devices/thermo-02",
        "device-unknown": f"{hub}/devices/thermo-99",
        "timeline": f"{hub}/devices/press-7/timeline",
        "refusals": f"{hub}/refusals",
        "refusals-none": f"{hub}/refusals?q=x",
        "events": f"{hub}/events",
        "event-log": f"{hub}/events/log",
        "twin-history": f"{hub}/devices/press-7/twin/history",
        "uploads": f"{hub}/devices/press-7/uploads",
        "ca-held": f"{dps}/certificates/plant-devices",
        "calendar": "/portal/certificates",
        "device-twin": f"{hub}/devices/press-7/twin",
        "hub-certificates": f"{hub}/certificates",
        "enrollments": f"{dps}/enrollments",
        "enrollment-new": f"{dps}/enrollments/new",
        "enrollment": f"{dps}/enrollments/of/press-7",
        "enrollment-disabled": f"{dps}/enrollments/of/press-8",
        "enrollment-edit": f"{dps}/enrollments/of/press-7/edit",
        "groups": f"{dps}/groups",
        "group-new": f"{dps}/groups/new",
        "group": f"{dps}/groups/of/sensors",
        "group-edit": f"{dps}/groups/of/sensors/edit",
        "dps-refusals": f"{dps}/refusals",
        "registration-unknown": f"{dps}/registrations/pump-9",
        "certificates": f"{dps}/certificates",
        "certificate": f"{dps}/certificates/plant-root",
        "certificate-unproven": f"{dps}/certificates/supplier-root",
        "create": "/portal/create",
        "connect": "/portal/connect",
        "connect-over": f"{dps}/connect/press-7",
        "audit": "/portal/audit",
        "sessions": "/portal/sessions",
        "absent": f"{hub}/devices/none",
    }


def after_a_click(browser: Browser, origin: str, paths: dict[str, str]):
    """Pages that only a button shows; gives the name of each when it is there."""
    browser.open(origin + paths["device-silent"])
    browser.click("Show keys")
    browser.says("Connection string")
    yield "device-keys"
    browser.open(origin + paths["device"])
    browser.fill("Method", "reboot")
    browser.fill("Payload", '{"delay": 3}')
    browser.click("Call")
    browser.says("Status: 200")
    yield "device-method"
    browser.open(origin + paths["device"])
    browser.click("Delete the device")
    yield "device-delete"
    browser.open(origin + paths["device-twin"])
    browser.fill("Desired properties", '{"interval": 60, "limits": {"temperature": 80}}')
    browser.fill("Tags", '{"site": "north", "line": 4, "owner": "mara"}')
    browser.click("Compare")
    yield "twin-compared"
    browser.open(origin + paths["enrollment"])
    browser.click("Python")
    yield "enrollment-python"
    browser.click("Python")
    browser.click("curl")
    yield "enrollment-curl"
    browser.open(origin + "/portal/connect")
    browser.choose("a certificate that it has")
    yield "connect-certificate"
    browser.choose("a key, which DPS makes")
    browser.fill("Device id", "press-7")
    browser.click("Enroll it")
    yield "connect-taken"
    browser.fill("Device id", "fan-1")
    browser.click("Enroll it")
    browser.says("Waiting: run one of the programs below.")
    yield "connect-device"
    browser.click("C++ for ESP32 (Arduino)")
    yield "connect-arduino"
    browser.open(origin + paths["devices"])
    browser.click("Add a device")
    yield "devices-add"
    browser.open(origin + paths["refusals"])
    browser.click("What to do")
    yield "refusals-mend"
    browser.open(f"{origin}{paths['hub']}/policies")
    browser.click("Show policies and keys")
    yield "policies"
    browser.open(origin + paths["certificate-unproven"])
    if "Get a code" in browser.buttons():
        browser.click("Get a code")
    yield "certificate-code"


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("binary", type=Path)
    words.add_argument("folder", type=Path)
    words.add_argument("--only", default="", help="names of pages, with commas between")
    words.add_argument("--tour", type=Path, help="where those of the tour are copied to: ../../docs/portal")
    words.add_argument("--quick", action="store_true", help="one look: on a desk, light; and on a phone, dark")
    chosen = words.parse_args()
    if chosen.only and chosen.tour:
        words.error("the tour has pictures of many pages: leave out --only")
    os.environ["ROADSTEAD_BIN"] = str(chosen.binary.resolve())
    chosen.folder.mkdir(parents=True, exist_ok=True)
    only = set(filter(None, chosen.only.split(",")))
    looks = [LOOKS[0], LOOKS[3]] if chosen.quick else LOOKS
    with tempfile.TemporaryDirectory() as home:
        server = Server(Path(home), 8883, 443 if is_free(443) else free_port())
        browser = sdk = None
        try:
            server.start()
            os.environ.update(server.exports)
            roadstead = Roadstead(server)
            sdk, over = fill(server, roadstead, CertificateMaker(Path(home)))
            browser, origin, paths = Browser(), server.url(server.hub_host, ""), pages(roadstead)

            def shoot(name: str) -> None:
                if only and name not in only:
                    return
                for size, dark in looks:
                    browser.look(size, dark)
                    browser.shoot(chosen.folder / f"{name}-{'desk' if size == DESKTOP else 'phone'}-{'dark' if dark else 'light'}.png")
                browser.look(DESKTOP, False)
                if (wide := browser.overflow()) > 0:
                    print(f"{name}: {wide} pixels too wide")

            # The lines of the overview want some readings.
            time.sleep(12)
            browser.open(f"{origin}/portal/sign-in")
            shoot("sign-in")
            browser.open(server.portal_link())
            for name, path in paths.items():
                browser.open(origin + path)
                if name in ("device", "events"):
                    browser.says("pressure")
                shoot(name)
            for name in after_a_click(browser, origin, paths):
                shoot(name)
            for complaint in browser.complaints():
                print(complaint)
            for name, there in TOUR.items() if chosen.tour else ():
                shutil.copy(chosen.folder / f"{name}.png", chosen.tour / f"{there}.png")
            over.set()
        finally:
            for one in (browser, sdk, server):
                if one is not None:
                    one.end()


if __name__ == "__main__":
    main()
