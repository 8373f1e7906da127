"""What is gone with a hub, a DPS or a resource group: from the connections, from the disk; and how much of it people are told."""

import contextlib
import json
import os
import random
import sqlite3
import subprocess
import threading
from pathlib import Path

import pytest

from harness import hub as hubs
from harness import wait
from harness.cli import Roadstead

MARK = "a-text-that-is-nowhere-else"
DEVICE = "thermo-deleted"
KILLS = 12
HUBS_EACH_ROUND = 4
SEED = int(os.environ.get("ROADSTEAD_CRASH_SEED", "20261122"))


def run(server, *words):
    """The command line by itself, nobody at its terminal: exit code, standard output, standard error."""
    given = {"env": server.environment, "stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "timeout": 60}
    done = subprocess.run([server.binary, *words], **given)
    return done.returncode, done.stdout, done.stderr


def rows(data: Path) -> dict[str, int]:
    """How many rows each table has. The server must have ended."""
    (file,) = [each for each in data.glob("*") if each.is_file() and each.read_bytes()[:15] == b"SQLite format 3"]
    with contextlib.closing(sqlite3.connect(file)) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}


def holding(directory: Path) -> list[Path]:
    return [file for file in directory.rglob("*") if file.is_file() and MARK.encode() in file.read_bytes()]


@pytest.fixture
def filled(own_server, tmp_path):
    """A hub with a device, its twin and the event of its change, a message that waits and an uploaded file; a DPS; a role on the hub."""
    server = own_server.start()
    roadstead = Roadstead(server)
    key = roadstead.create_device(DEVICE)["authentication"]["symmetricKey"]["primaryKey"]
    roadstead.hub("module-identity", "create", "-d", DEVICE, "-m", "filter")
    roadstead.hub("device-twin", "update", "-d", DEVICE, "--tags", json.dumps({"mark": MARK}))
    file = tmp_path / "log.txt"
    file.write_text(MARK)
    roadstead.text("iot", "device", "upload-file", "-n", roadstead.hub_name, "-d", DEVICE, "--fp", str(file), "--ct", "text/plain")
    roadstead.text("iot", "device", "c2d-message", "send", "-n", roadstead.hub_name, "-d", DEVICE, "--data", MARK)
    roadstead.dps("enrollment", "create", "--enrollment-id", "e", "--attestation-type", "symmetrickey")
    roadstead("user", "create", "-n", "carol")
    scope = roadstead("iot", "hub", "show", "-n", roadstead.hub_name)["id"]
    roadstead("role", "assignment", "create", "--assignee", "carol", "--role", "Reader", "--scope", scope)
    assert holding(server.data_dir / "blobs")
    return server, roadstead, key


def destroyed(roadstead) -> dict[str, dict]:
    """What the audit log says of it, by what was done."""
    lines = [line for line in roadstead("audit", "--max-events", "50") if line.get("properties")]
    return {line["operationName"]["value"]: json.loads(line["properties"]["destroyed"]) for line in lines}


def test_a_hub(filled):
    server, roadstead, key = filled
    hub, before = roadstead.hub_name, len(list((server.data_dir / "events").iterdir()))
    with hubs.connected(server, DEVICE, key) as mqtt:
        mqtt.publish(hubs.events_topic(DEVICE), MARK.encode())
        assert holding(server.data_dir / "events")
        code, out, told = run(server, "iot", "hub", "delete", "-n", hub)
        assert (code, out) == (0, "")
        assert "1 connected), 2 events (" in told and "of uploaded files" in told and f"hub `{hub}`" in told
        mqtt.wait_closed()
    held = destroyed(roadstead)["Microsoft.Devices/IotHubs/delete"]
    assert (held["connected"], held["events"]) == (1, 2) and held["fileBytes"] >= len(MARK)
    assert roadstead("role", "assignment", "list", "--assignee", "carol", "--all") == []
    for place in ("events", "blobs"):
        assert holding(server.data_dir / place) == []
    assert len(list((server.data_dir / "events").iterdir())) == before - 1
    assert list((server.data_dir / "blobs").iterdir()) == []
    server.terminate()
    left = rows(server.data_dir)
    for table in ("hubs", "devices", "modules", "twins", "messages", "tag_values"):
        assert left[table] == 0, table
    assert left["enrollments"] == 1


def test_a_group(filled):
    """Asked first, with what is at stake; nothing happens while nobody answers."""
    server, roadstead, _ = filled
    group = roadstead.group
    code, _, asked = run(server, "group", "delete", "-n", group)
    assert code == 1 and "1 hub, 1 DPS instance, " in asked and "1 enrollment" in asked and "--yes" in asked
    assert roadstead("group", "show", "-n", group)["name"] == group
    code, _, told = run(server, "group", "delete", "-n", group, "--yes")
    assert code == 0 and told.startswith(f"deleted resource group `{group}` with 1 hub, 1 DPS instance, ")
    held = destroyed(roadstead)["Microsoft.Resources/subscriptions/resourceGroups/delete"]
    assert (held["hubs"], held["provisioningServices"], held["enrollments"]) == (1, 1, 1) and held["devices"] >= 1
    assert list((server.data_dir / "blobs").iterdir()) == list((server.data_dir / "events").iterdir()) == []
    server.terminate()
    left = rows(server.data_dir)
    for table in ("resource_groups", "hubs", "dps", "devices", "twins", "messages", "enrollments", "registrations"):
        assert left[table] == 0, table


def test_a_crash_before_the_data_is_removed(filled):
    """The directories that are in the way let the removal fail; the next start finishes it."""
    server, roadstead, _ = filled
    (events,), (blobs,) = ((server.data_dir / place).iterdir() for place in ("events", "blobs"))
    remains = (events, blobs)
    for directory in remains:
        obstacle = directory.with_name(directory.name + ".removed")
        obstacle.mkdir()
        (obstacle / "in-the-way").touch()
    roadstead.text("iot", "hub", "delete", "-n", roadstead.hub_name)
    assert "a deleted hub could not be removed" in server.log()
    assert roadstead("iot", "hub", "list") == []
    server.kill()
    assert holding(events) and holding(blobs)
    server.start()
    left = lambda: [entry for each in remains for entry in each.parent.glob(each.name + "*")]
    wait.until(lambda: not left(), 30, "events and files of the deleted hub are removed")


def test_killed_while_it_deletes(own_server, record_property):
    """Whenever the server is killed: a hub is there with its events, or neither is."""
    chance = random.Random(SEED)
    record_property("seed", SEED)
    server = own_server.start()
    roadstead = Roadstead(server)
    for kill in range(KILLS):
        roadstead("group", "create", "-n", f"doomed-{kill}", "-l", "here")
        for number in range(HUBS_EACH_ROUND):
            roadstead("iot", "hub", "create", "-n", f"doomed-{kill}-{number}", "-g", f"doomed-{kill}", "-l", "here")
        words = [server.binary, "group", "delete", "-n", f"doomed-{kill}", "--yes"]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(words, env=server.environment, **quiet) as command:
            # Counted from the start of the command: before the commit, after it, or when all is done.
            threading.Event().wait(chance.uniform(0.0, 0.2))
            server.kill()
        server.start()
        hubs_there = len(roadstead("iot", "hub", "list"))
        assert hubs_there in (1, 1 + HUBS_EACH_ROUND)
        logs = lambda: len(list((server.data_dir / "events").iterdir())) == hubs_there
        wait.until(logs, 30, f"as many logs of events as hubs, {hubs_there}")
        if hubs_there > 1:
            roadstead.text("group", "delete", "-n", f"doomed-{kill}", "--yes")
