"""The portal's pages of DPS: the seeds' walk, enrollments, CAs, the way from nothing to a first message."""

import re

from azure.iot.device import Message, X509

from harness.portal import sign_in

PROGRAMS = ("Python", "Node.js", "curl", "mosquitto_pub")


def test_a_certificate_is_enrolled_and_its_device_seen(browser, hub_page, dps_page, certificates, device_id, server, blocking):
    """The seeds' walk: add an enrollment by its certificate's file, start the device, look it up, see its twin and telemetry."""
    device = certificates.self_signed(device_id)
    browser.open(f"{dps_page}/enrollments")
    browser.click("Add an enrollment")
    browser.fill("Certificate", str(device.path))
    browser.click("Add")
    browser.says(f"{device_id} may register.")
    assert browser.path.endswith(f"/enrollments/of/{device_id}"), "the registration id is the certificate's common name"
    assert device.thumbprint in browser.text and server.id_scope in browser.text

    x509 = X509(*map(str, device.pair))
    assigned = blocking.register(server, "x509_certificate", device_id, x509=x509).registration_state
    assert assigned.device_id == device_id
    client = blocking.hub_client("x509_certificate", hostname=assigned.assigned_hub, device_id=device_id, x509=x509)
    client.connect()
    client.send_message(Message('{"from": "dps"}'))
    browser.says("assigned")
    browser.click(device_id)
    browser.part_says("#state", "connected since")

    client.patch_twin_reported_properties({"firmware": "1.2.3"})
    browser.says('"firmware": "1.2.3"')
    client.send_message(Message('{"temperature": 21.5}', content_type="application/json", content_encoding="utf-8"))
    browser.says('{"temperature": 21.5}')
    browser.says('{"from": "dps"}')
    browser.open(f"{hub_page}/events")
    browser.says('{"temperature": 21.5}')
    browser.click(device_id)
    browser.says('"firmware": "1.2.3"')


def test_a_cer_file_is_taken_too(browser, dps_page, certificates, device_id, tmp_path):
    from cryptography.hazmat.primitives import serialization

    path = tmp_path / "device.cer"
    path.write_bytes(certificates.self_signed(device_id).certificate.public_bytes(serialization.Encoding.DER))
    browser.open(f"{dps_page}/enrollments/new")
    browser.fill("Certificate", str(path))
    browser.click("Add")
    browser.says(f"{device_id} may register.")


def test_an_enrollment_is_edited(browser, dps_page, roadstead, device_id, certificates):
    """What is not in the form stays; another certificate beside the first lets the device in, too."""
    first, second = certificates.self_signed(device_id), certificates.self_signed(device_id)
    roadstead.enroll_certificate(device_id, first.path)
    browser.open(f"{dps_page}/enrollments/of/{device_id}")
    browser.click("Disable")
    browser.says("It is disabled")
    browser.click("Edit")
    browser.fill("Another secondary certificate", str(second.path))
    browser.fill("Device id", f"{device_id}-renamed")
    browser.fill("Desired properties", '{"interval": 60}')
    browser.choose_option("A device that registers again", "begins with a new twin")
    browser.click("Save")
    browser.says("It is changed.")
    assert first.thumbprint in browser.text and second.thumbprint in browser.text
    shown = roadstead.dps("enrollment", "show", "--enrollment-id", device_id)
    assert (shown["provisioningStatus"], shown["deviceId"]) == ("disabled", f"{device_id}-renamed")
    assert shown["initialTwin"]["properties"]["desired"] == {"interval": 60}
    assert shown["reprovisionPolicy"] == {"updateHubAssignment": True, "migrateDeviceData": False}


def test_the_programs_it_shows_run(browser, dps_page, roadstead, device_id, certificates, run, tmp_path, monitor):
    """Pasted as they stand: by a certificate, and by a key derived from a group's. Each sends one message."""
    device = certificates.self_signed(device_id)
    roadstead.enroll_certificate(device_id, device.path)
    device.copy_to(tmp_path, device_id)
    browser.open(f"{dps_page}/enrollments/of/{device_id}")
    for program in PROGRAMS:
        assert run(browser, program).endswith(f" as {device_id}\n"), program
    assert len(monitor.wait(device_id, len(PROGRAMS))) == len(PROGRAMS)
    group_key = roadstead.enroll_group_with_key(device_id)
    browser.open(f"{dps_page}/groups/of/{device_id}")
    member = f"{device_id}-member"
    browser.fill("Its registration id", member)
    browser.click("Show its key in the programs")
    browser.says(f"derived from the group's for {member}")
    assert group_key not in browser.source
    for program in PROGRAMS:
        assert run(browser, program).endswith(f" as {member}\n"), program
    assert len(monitor.wait(member, len(PROGRAMS))) == len(PROGRAMS)


def test_the_programs_run_for_any_id(browser, dps_page, roadstead, device_id, certificates, run, tmp_path, monitor):
    """A registration id as network cards have it, whose colons are in no file's name; a device id that must be encoded in addresses."""
    card, odd = f"aa:bb:cc:01-{device_id}", f"50%?{device_id}"
    device = certificates.self_signed(card)
    roadstead.enroll_certificate(card, device.path)
    device.copy_to(tmp_path, card.replace(":", "_"))
    browser.open(f"{dps_page}/enrollments/of/{card.replace(':', '%3A')}")
    for program in PROGRAMS:
        assert run(browser, program).endswith(f" as {card}\n"), program
    assert len(monitor.wait(card, len(PROGRAMS))) == len(PROGRAMS)
    roadstead.enroll_with_key(device_id, "--device-id", odd)
    browser.open(f"{dps_page}/enrollments/of/{device_id}")
    browser.click("Show keys")
    browser.says("Hide the keys")
    for program in ("curl", "mosquitto_pub"):
        assert run(browser, program).endswith(f" as {odd}\n"), program
    assert len(monitor.wait(odd, 2)) == 2


def test_the_programs_say_why_dps_refused(browser, dps_page, roadstead, device_id, run):
    roadstead.enroll_with_key(device_id, "--provisioning-status", "disabled")
    browser.open(f"{dps_page}/enrollments/of/{device_id}")
    assert '"errorCode":401' in run(browser, "curl", fails=True), "it has no key yet"
    browser.click("Show keys")
    browser.says("Hide the keys")
    for program in ("curl", "mosquitto_pub"):
        assert f"enrollment `{device_id}` is disabled" in run(browser, program, fails=True), program


def test_a_device_is_connected_from_nothing(browser, origin, roadstead, device_id, run):
    """The walk: an id, a program to paste, and a page that turns green by itself."""
    browser.open(f"{origin}/portal/")
    browser.click("Connect a device")
    browser.fill("Device id", device_id)
    browser.click("Enroll it")
    browser.says("Waiting: run one of the programs below.")
    key = roadstead.dps("enrollment", "show", "--enrollment-id", device_id, "--show-keys")["attestation"]["symmetricKey"]["primaryKey"]
    assert key in browser.source
    steps = lambda: browser.driver.execute_script("return document.querySelectorAll('.steps .good').length")  # noqa: E731
    assert steps() == 1, "nothing is green but what was done"
    assert run(browser, "Python").endswith(f" as {device_id}\n")
    browser.says("It is there.")
    assert steps() == 4 and '{"temperature": 21.5}' in browser.text
    assert key in browser.source, "the program stays"
    browser.click("Open the device")
    browser.says('{"temperature": 21.5}')

    browser.open(f"{origin}/portal/connect")
    browser.fill("Device id", device_id)
    browser.click("Enroll it")
    browser.says(f"{device_id} is enrolled at {roadstead.dps_name} already")
    assert browser.field("Device id") == device_id, "what was typed stays"


def test_a_device_with_a_certificate_is_connected_without_javascript(origin, person, plain, certificates, device_id, run, tmp_path):
    """The same with a file and another device id, where the steps are seen by looking again."""
    device = certificates.self_signed(device_id)
    device.copy_to(tmp_path, device_id)
    roles = ("Reader", "IoT Hub Data Reader", "Device Provisioning Service Data Contributor")
    sign_in(plain, origin, person(*roles))
    plain.open(f"{origin}/portal/connect")
    plain.choose("a certificate that it has")
    plain.fill("Device id", f"{device_id}-renamed")
    plain.fill("Certificate", str(device.key_path))
    plain.click("Enroll it")
    plain.says("The certificate cannot be read")
    assert plain.field("Device id") == f"{device_id}-renamed"
    plain.fill("Certificate", str(device.path))
    plain.click("Enroll it")
    plain.says("Without JavaScript the steps stand still")
    assert run(plain, "curl").endswith(f" as {device_id}-renamed\n")
    plain.click("look again")
    plain.says("It is there.")


def test_a_reader_is_told_why_there_is_no_walk(origin, person, visitor):
    sign_in(visitor, origin, person("Reader", "Device Provisioning Service Data Reader"))
    visitor.open(f"{origin}/portal/connect")
    visitor.says("Device Provisioning Service Data Contributor")
    assert "Enroll it" not in visitor.buttons()


def test_a_ca_is_verified(browser, dps_page, roadstead, certificates, device_id, tmp_path):
    root = certificates.root(f"{device_id}-root")
    browser.open(f"{dps_page}/certificates")
    browser.fill("Name", device_id)
    browser.fill("File", str(root.path))
    browser.click("Upload")
    browser.says("counts for nothing until you prove")
    code = re.search(r"--code (\S+)", browser.text)[1]
    proof = tmp_path / "verification.pem"
    roadstead.text("ca", "verify", "--ca", root.path, "--code", code, "--out", proof)
    browser.fill("verification.pem", str(proof))
    browser.click("Verify")
    browser.says("It is verified")
    browser.click("Delete the certificate")
    browser.fill("Type", device_id)
    browser.click("Delete")
    browser.says(f"{device_id} is deleted")
