"""`roadstead dev` itself: what it prints, what it exports, how it ends, what it keeps."""

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from harness import dps, hub, sas, wait
from harness.cli import Roadstead
from harness.monitor import Monitor, body
from harness.server import free_port, parse_exports

EXPORTS = [
    "PROVISIONING_HOST",
    "PROVISIONING_IDSCOPE",
    "IOTHUB_CONNECTION_STRING",
    "DPS_CONNECTION_STRING",
    "SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "ROADSTEAD_CA_FILE",
    "ROADSTEAD_HTTPS_PORT",
]


def test_prints_what_to_paste(own_server):
    """Ports, scope, CA and one command per client, on one screen. No SDK finds MQTT on another port, so none is shown here."""
    own_server.start()
    printed = own_server.log()
    words = (own_server.mqtt_port, own_server.https_port, own_server.id_scope, own_server.ca_file, "curl", "mosquitto")
    for word in words:
        assert str(word).lower() in printed.lower(), f"{word} is not printed"
    assert len(printed.splitlines()) <= 60


def test_what_is_pasted_works(server, monitor, tmp_path):
    """Every line in turn, in one shell, but those that go on until Ctrl-C."""
    panel = server.log().partition("Roadstead is ready")[2].partition("Ctrl-C stops it.")[0]
    commands = ("eval", "roadstead", "SAS=", "mosquitto_pub", "curl", "export", "python3")
    lines = [line.strip() for line in panel.splitlines() if line.strip().startswith(commands)]
    endless = ("roadstead iot hub monitor-events", "roadstead simulate")
    pasted = [line for line in lines if not line.startswith(endless)]
    assert [command for command in (*commands, *endless) if not any(line.startswith(command) for line in lines)] == []
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "roadstead").symlink_to(server.binary)
    paths = f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {name: server.environment[name] for name in ("HOME", "XDG_DATA_HOME")} | {"PATH": paths}
    script = "set -e\n" + "\n".join(pasted)
    log_start = server.log_bytes()
    done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert [body(event) for event in monitor.wait("thermo-7", 3)] == [{"t": 21.5}, {"t": 21.5}, 21.5]
    assert "WARN" not in server.log(log_start), "there was nothing to be warned of"


def test_exports(server):
    for name in EXPORTS:
        assert server.exports.get(name), f"{name} is not exported"
    assert server.exports["ROADSTEAD_HTTPS_PORT"] == str(server.https_port)
    assert "." in server.hub_host, "the C SDK splits a hub's name at its first dot"
    for name in ("IOTHUB_CONNECTION_STRING", "DPS_CONNECTION_STRING"):
        assert set(sas.parse_connection_string(server.exports[name])) == {"HostName", "SharedAccessKeyName", "SharedAccessKey"}
    our_ca = Path(server.ca_file).read_text().strip()
    assert our_ca.startswith("-----BEGIN CERTIFICATE-----")
    for name in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"):
        assert our_ca in Path(server.exports[name]).read_text(), name


def test_exports_are_for_a_shell(server):
    """`eval "$(roadstead env)"` in a shell says the same."""
    script = 'eval "$("$0" env)" && printf %s "$IOTHUB_CONNECTION_STRING"'
    done = subprocess.run(["sh", "-c", script, server.binary], env=server.environment, capture_output=True, text=True, check=True)
    assert done.stdout == server.exports["IOTHUB_CONNECTION_STRING"]


def test_env_by_flag(server):
    done = subprocess.run([server.binary, "env", "--data-dir", server.data_dir], env={"PATH": ""}, capture_output=True, text=True)
    assert parse_exports(done.stdout) == server.exports


def test_server_certificate(server):
    """Holds for every name that a fresh `dev` answers to."""
    for host in {"localhost", "127.0.0.1", server.hub_host, socket.gethostname()}:
        for port in (server.https_port, server.mqtt_port):
            command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", server.ca_file, "-verify_return_error"]
            command += ["-verify_ip", host] if host[0].isdigit() else ["-servername", host, "-verify_hostname", host]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, f"{host}:{port}\n{done.stderr}"


def test_secrets_are_private(server):
    """Nobody else on this machine may read a key, a database or the administrator's credentials."""

    def open_to_others(path: Path) -> bool:
        folders = [server.data_dir, *(folder for folder in path.parents if server.data_dir in folder.parents)]
        return bool(path.stat().st_mode & stat.S_IROTH) and all(folder.stat().st_mode & stat.S_IXOTH for folder in folders)

    exposed = [path for path in server.data_dir.rglob("*") if path.is_file() and open_to_others(path)]
    certificates = [path for path in exposed if path.read_bytes().startswith(b"-----BEGIN CERTIFICATE-----")]
    assert exposed == certificates


def test_env_fails_without_a_server(own_server):
    """Before the start, and after a kill that left everything behind."""
    command = [own_server.binary, "env"]
    assert subprocess.run(command, env=own_server.environment, capture_output=True).returncode != 0
    own_server.start()
    own_server.kill()
    done = subprocess.run(command, env=own_server.environment, capture_output=True, text=True)
    assert done.returncode != 0 and done.stderr.strip()


def test_sigterm_ends_it_cleanly(own_server):
    own_server.start()
    key = Roadstead(own_server).device_key("dev")
    with hub.connected(own_server, "dev", key) as mqtt:
        assert own_server.terminate() == 0
        mqtt.wait_closed()


def test_ephemeral_leaves_nothing(own_server):
    """Works like any other, and its data are gone with it."""
    own_server.start("--ephemeral")
    key = Roadstead(own_server).device_key("dev")
    with hub.connected(own_server, "dev", key) as mqtt:
        mqtt.publish(hub.events_topic("dev"), b"{}")
    assert own_server.terminate() == 0
    left = [path for path in own_server.data_dir.rglob("*") if path.is_file()] if own_server.data_dir.exists() else []
    assert left == []


def test_everything_survives_a_restart(own_server):
    """Identities, enrollments, registrations, scope, keys, CA and events; and a monitor that was watching all along."""
    since_ms = own_server.now_ms()
    own_server.start()
    roadstead = Roadstead(own_server)
    key = roadstead.device_key("stays")
    group_key = roadstead.enroll_group_with_key("stays-too")
    registered = dps.register("mqtt", own_server, "came", dps.key_credential(own_server, "came", sas.device_key(group_key, "came")))
    assert registered.body["status"] == "assigned"
    exports = own_server.exports
    watching = Monitor(roadstead, since_ms)
    try:
        for number in range(3):
            with hub.connected(own_server, "stays", key) as mqtt:
                mqtt.publish(hub.events_topic("stays"), json.dumps({"start": number}).encode())
            watching.wait("stays", number + 1, timeout_s=30)
            assert own_server.terminate() == 0
            own_server.start()
            assert own_server.exports == exports
        assert [body(event) for event in watching.seen("stays")] == [{"start": 0}, {"start": 1}, {"start": 2}]
    finally:
        watching.end()
    group = roadstead.dps("enrollment-group", "registration", "list", "--enrollment-id", "stays-too")
    assert [each["registrationId"] for each in group] == ["came"]


def test_taken_port_is_said(own_server):
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", own_server.mqtt_port))
        taken.listen()
        command = [own_server.binary, "dev", "--ephemeral", "--mqtt-port", str(own_server.mqtt_port)]
        command += ["--https-port", str(own_server.https_port)]
        done = subprocess.run(command, env=own_server.environment, capture_output=True, text=True, timeout=60)
    assert done.returncode not in (0, None)
    assert str(own_server.mqtt_port) in done.stderr


def test_two_servers_on_one_directory(own_server):
    """The second is refused, the first unhurt."""
    own_server.start()
    command = [own_server.binary, "dev", "--data-dir", own_server.data_dir]
    command += ["--mqtt-port", str(free_port()), "--https-port", str(free_port())]
    done = subprocess.run(command, env=own_server.environment, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and str(own_server.data_dir) in done.stderr
    assert own_server.http_status("/readyz") == 200


def test_hostname(own_server):
    """A hub name of one's own choice is in the exports and in the certificate."""
    own_server.start("--hostname", "plant.localhost")
    assert own_server.exports["IOTHUB_CONNECTION_STRING"].startswith("HostName=plant.localhost;")
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{own_server.mqtt_port}", "-CAfile", own_server.ca_file]
    command += ["-verify_return_error", "-servername", "plant.localhost", "-verify_hostname", "plant.localhost"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_seed_file(own_server, certificates, tmp_path):
    """What a project wants in its hub is there when `dev` says that it is ready, and stays as it is at the next start."""
    ca = certificates.root("seeded-root")
    key = "c2VlZGVkc2VlZGVkc2VlZGVkc2VlZGVk"
    seed = tmp_path / "seed.toml"
    seed.write_text(f"""
        [[hub]]
        name = "second"
        partitions = 2
        [[device]]
        id = "seeded"
        key = "{key}"
        [[certificate]]
        name = "seeded-ca"
        file = "{ca.path.name}"
        verified = true
        [[enrollment_group]]
        id = "by-ca"
        ca = "seeded-ca"
        tags = {{ line = 3 }}
        [[enrollment]]
        id = "single"
        key = "{key}"
    """)
    for _ in range(2):
        log_start = own_server.log_bytes()
        own_server.start("--seed", str(seed))
        wait.until(lambda: "Roadstead is ready" in own_server.log(log_start), 30, "the word that it is ready")
        with hub.connected(own_server, "seeded", key) as mqtt:
            mqtt.publish(hub.events_topic("seeded"), b"{}")
        answer = dps.register("mqtt", own_server, "single", dps.key_credential(own_server, "single", key))
        assert answer.body["status"] == "assigned"
        by_ca = dps.Credential(certificate=certificates.issue(ca, "made-later").pair)
        assert dps.register("https", own_server, "made-later", by_ca).body["status"] == "assigned"
        roadstead = Roadstead(own_server)
        assert roadstead("iot", "hub", "show", "-n", "second")["properties"]["eventHubEndpoints"]["events"]["partitionCount"] == 2
        assert own_server.terminate() == 0


def test_log_says_no_secret(server, roadstead, device_id):
    """Neither keys nor tokens, whatever went wrong in this run."""
    key = roadstead.device_key(device_id)
    token = hub.device_token(server, device_id, key)
    with hub.dial(server) as mqtt:
        assert mqtt.connect(device_id, hub.username(server.hub_host, device_id), sas.tampered(token)).code == 5
    owner = sas.parse_connection_string(server.exports["IOTHUB_CONNECTION_STRING"])["SharedAccessKey"]
    wait.until(lambda: device_id in server.log(), 30, "a refusal is logged with the device")
    log = server.log()
    for secret in (key, owner, "sig=", "SharedAccessKey=", "-----BEGIN"):
        assert secret not in log


@pytest.mark.parametrize("words", [("dev", "--no-such-flag"), ("no-such-command",), ("dev", "--mqtt-port", "70000")])
def test_wrong_command_line(server, words):
    done = subprocess.run([server.binary, *words], env=server.environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stderr


def test_hosts(server):
    printed = Roadstead(server).text("hosts")
    names = [line.split()[1:] for line in printed.splitlines() if line.startswith("127.0.0.1")]
    flat = {name for line in names for name in line}
    assert "global.azure-devices-provisioning.net" in flat


def test_simulate(server, roadstead, monitor):
    """Three devices provision themselves and are heard."""
    printed = roadstead.text("simulate", "--devices", "3", "--count", "2")
    assert printed
    devices = [each["deviceId"] for each in roadstead.hub("query", "-q", "select deviceId from devices where startswith(deviceId, 'sim-')")]
    assert len(devices) == 3
    for device_id in devices:
        monitor.wait(device_id, 2)


def test_simulate_at_another_dps(roadstead, device_id):
    """Devices register at the instance that is named, and at no other."""

    def registered(*where) -> list[str]:
        """The registrations of this test's devices by the simulator's group, where there is one."""
        group = "roadstead-simulator-x509"
        if group not in [one["enrollmentGroupId"] for one in roadstead("iot", "dps", "enrollment-group", "list", *where)]:
            return []
        listed = roadstead("iot", "dps", "enrollment-group", "registration", "list", "--enrollment-id", group, *where)
        return [one["registrationId"] for one in listed if one["registrationId"].startswith(f"{device_id}-")]

    words = ("--dps-name", device_id, "-g", roadstead.group)
    roadstead("iot", "dps", "create", "-n", device_id, "-g", roadstead.group)
    try:
        roadstead("iot", "dps", "linked-hub", "create", *words, "--hub-name", roadstead.hub_name)
        roadstead.text("simulate", "--dps-name", device_id, "--devices", "2", "--count", "1", "--prefix", f"{device_id}-")
        assert len(registered(*words)) == 2
        assert registered("--dps-name", roadstead.dps_name, "-g", roadstead.group) == []
    finally:
        roadstead("iot", "dps", "delete", "-n", device_id, "-g", roadstead.group, "--yes")
