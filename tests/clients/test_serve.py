"""`roadstead init`, `serve` and `doctor`: production, with a configuration and certificates of one's own."""

import signal
import socket
import ssl
import subprocess

import pytest

from harness import hub, injection, wait
from harness.cli import Roadstead
from harness.monitor import Monitor, application, body
from harness.production import Production
from harness.rawmqtt import RawMqtt, tls_context


@pytest.fixture
def production(tmp_path):
    server = Production(tmp_path)
    server.write_config()
    yield server
    server.end()


def test_init_serve_and_a_device(production):
    """From nothing to a device that is heard, with what `init` wrote and nothing else."""
    production.serve()
    roadstead = Roadstead(production)
    roadstead("group", "create", "-n", "plant-rg", "-l", "local")
    made = roadstead("iot", "hub", "create", "-n", "plant", "-g", "plant-rg")
    host = made["properties"]["hostName"]
    device = roadstead("iot", "hub", "device-identity", "create", "-n", "plant", "-d", "dev")
    token = hub.device_token(production, "dev", device["authentication"]["symmetricKey"]["primaryKey"], hub_host=host)
    command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H", f"Authorization: {token}", "-d", "{}"]
    command += ["--cacert", production.ca_file]
    command += ["--resolve", f"{host}:{production.https_port}:127.0.0.1"]
    command += [f"https://{host}:{production.https_port}/devices/dev/messages/events?api-version=2021-04-12"]
    assert subprocess.run(command, capture_output=True, text=True, timeout=30).stdout == "204"
    assert production.terminate() == 0


def test_faults_are_not_injected(production):
    """What `dev` takes for a wish to be disconnected is telemetry here."""
    production.serve()
    roadstead = Roadstead(production)
    roadstead("group", "create", "-n", "plant-rg", "-l", "local")
    host = roadstead("iot", "hub", "create", "-n", "plant", "-g", "plant-rg")["properties"]["hostName"]
    device = roadstead("iot", "hub", "device-identity", "create", "-n", "plant", "-d", "dev")
    token = hub.device_token(production, "dev", device["authentication"]["symmetricKey"]["primaryKey"], hub_host=host)
    context = tls_context(production.ca_file)
    asked = injection.fault("KillTcp", delay_s=0)
    with RawMqtt(host, production.mqtt_port, context, address="127.0.0.1") as mqtt:
        assert mqtt.connect("dev", hub.username(host, "dev"), token).code == 0
        mqtt.publish(hub.events_topic("dev", injection.bag(asked)), b'{"n": 1}')
        mqtt.publish(hub.events_topic("dev"), b'{"n": 2}')
    watching = Monitor(roadstead, 0, hub_name="plant")
    try:
        first, second = watching.wait("dev", 2)
    finally:
        watching.end()
    assert (body(first), application(first), body(second)) == ({"n": 1}, asked, {"n": 2})


def test_init_overwrites_nothing(production):
    before = production.config.read_text()
    assert production.run("init", "--config", production.config, "--data-dir", production.data_dir).returncode != 0
    assert production.config.read_text() == before


@pytest.mark.parametrize("how", ["sighup", "change"])
def test_certificate_is_reloaded(production, certificates, how):
    """Without a restart, and what is connected stays connected."""
    first, second = certificates.self_signed("plant.localhost"), certificates.self_signed("plant.localhost")
    production.use_certificate(first)
    production.serve()
    assert production.presented() == ssl.PEM_cert_to_DER_cert(first.path.read_text())
    with socket.create_connection(("127.0.0.1", production.mqtt_port), timeout=60) as plain:
        with ssl._create_unverified_context().wrap_socket(plain, server_hostname="plant.localhost") as open_all_along:
            production.use_certificate(second)
            if how == "sighup":
                production.process.send_signal(signal.SIGHUP)
            expected = ssl.PEM_cert_to_DER_cert(second.path.read_text())
            wait.until(lambda: production.presented() == expected, 30, "the new certificate")
            open_all_along.settimeout(0.2)
            with pytest.raises(TimeoutError):
                open_all_along.recv(1)


def test_broken_certificate_changes_nothing(production, certificates):
    """A file that cannot be read is said in the log; the server goes on with what it had."""
    good = certificates.self_signed("plant.localhost")
    production.use_certificate(good)
    production.serve()
    log_start = production.log_bytes()
    (production.home / "server.pem").write_text("no certificate")
    production.process.send_signal(signal.SIGHUP)
    wait.until(lambda: "server.pem" in production.log(log_start), 30, "a word in the log")
    assert production.presented() == ssl.PEM_cert_to_DER_cert(good.path.read_text())


def test_unknown_setting_is_refused_with_advice(production):
    production.config.write_text(production.config.read_text().replace("hub_domain", "hub_domian"))
    done = production.run("serve", "--config", production.config)
    assert done.returncode != 0
    assert "hub_domian" in done.stderr and "hub_domain" in done.stderr


def test_doctor_finds_nothing_wrong(production):
    """Before the first start, while it runs, and after it ended."""
    for step in (lambda: None, production.serve, production.terminate):
        step()
        done = production.run("doctor", "--config", production.config)
        assert done.returncode == 0, done.stdout + done.stderr


def assert_wrong(production, *words: str) -> None:
    done = production.run("doctor", "--config", production.config)
    assert done.returncode != 0
    wrong = "\n".join(line for line in (done.stdout + done.stderr).splitlines() if line.startswith("WRONG"))
    for word in words:
        assert word in wrong, done.stdout + done.stderr


def test_doctor_finds_what_is_wrong(production, certificates):
    """An expired certificate for another name, and a port that somebody else has."""
    production.use_certificate(certificates.self_signed("plant.localhost", from_days=-10, to_days=-1))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", production.mqtt_port))
        taken.listen()
        assert_wrong(production, "expired", "does not hold for `localhost`", str(production.mqtt_port))


def test_doctor_reads_key_and_chain(production, certificates):
    """A key of another certificate, and a chain out of order."""
    root = certificates.root("root")
    intermediate = certificates.issue(root, "intermediate", ca=True)
    leaf = certificates.issue(intermediate, "localhost")
    production.use_certificate(leaf)
    (production.home / "server.pem").write_bytes(leaf.chained(root, intermediate)[0].read_bytes())
    assert_wrong(production, "`localhost` is not issued by `root`")
    production.use_certificate(leaf)
    (production.home / "server.key").write_bytes(root.key_path.read_bytes())
    assert_wrong(production, "server.key is not the key of")
    (production.home / "server.pem").unlink()
    assert_wrong(production, "server.pem")
