"""A disk that fills up, a file cut short, a flipped bit: nothing acknowledged goes astray, and the log says what is wrong."""

import contextlib
import random
import subprocess
from pathlib import Path

import pytest

from harness import wait
from harness.cli import Roadstead
from harness.load import Sender, assert_exactly_once_in_order, numbers, read_up_to
from harness.monitor import Monitor
from harness.rawmqtt import Closed
from harness.server import Server, free_port

DISK_MIB = 48
MESSAGES = 300


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, small enough to fill."""
    mounted = tmp_path / "disk"
    mounted.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", mounted], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {done.stderr.strip()}")
    yield mounted
    subprocess.run(["umount", "-l", mounted], check=True)


@pytest.fixture
def server_on_small_disk(small_disk, tmp_path):
    server = Server(tmp_path, free_port(), free_port(), data_dir=small_disk / "data")
    yield server
    server.end()


def assert_all_there(server, roadstead, sender, since_ms) -> list[int]:
    watching = Monitor(roadstead, since_ms)
    try:
        found = numbers(sender, read_up_to(watching, sender, sender.acknowledged[-1]))
    finally:
        watching.end()
    assert_exactly_once_in_order(sender, found)
    return found


@pytest.mark.timeout(180)
def test_full_disk(server_on_small_disk, small_disk):
    """While it is full nothing is acknowledged; with room again the same process goes on; after a kill all is there."""
    server, since_ms = server_on_small_disk, server_on_small_disk.now_ms()
    server.start()
    roadstead = Roadstead(server)
    sender = Sender(server, "full", roadstead.device_key("full"), body_bytes=10_000)
    sender.send(100)

    ballast = small_disk / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(b"\0" * 65536):
            pass
    log_start = server.log_bytes()
    with pytest.raises((Closed, OSError)):
        sender.send(20_000)
    before = len(sender.acknowledged)
    with contextlib.suppress(Closed, OSError, AssertionError):
        sender.send(20)
    assert len(sender.acknowledged) <= before + 20
    assert server.process.poll() is None, "a full disk ended the server"
    said = server.log(log_start).lower()
    assert "space" in said or "disk" in said, said

    ballast.unlink()

    def goes_on() -> bool:
        with contextlib.suppress(Closed, OSError, AssertionError):
            sender.send(50)
            return True
        return False

    wait.until(goes_on, 60, "sending after the disk had room again")
    server.kill()
    server.start()
    sender.send(1)
    assert_all_there(server, roadstead, sender, since_ms)


@pytest.fixture
def written(own_server):
    """A server killed after one device's messages; the sender, the command line, and the moment before all."""
    since_ms = own_server.now_ms()
    own_server.start()
    roadstead = Roadstead(own_server)
    sender = Sender(own_server, "damaged", roadstead.device_key("damaged"), body_bytes=200)
    sender.send(MESSAGES)
    own_server.kill()
    return own_server, roadstead, sender, since_ms


def newest_segment(server: Server, sender: Sender) -> Path:
    """The newest file that holds message bodies as they were sent."""
    needle = sender.text(MESSAGES)
    holding = [path for path in server.data_dir.rglob("*") if path.is_file() and needle in path.read_bytes()]
    assert holding, f"no file under {server.data_dir} holds the messages"
    return max(holding, key=lambda path: path.stat().st_mtime_ns)


def position_of(segment: Path, sender: Sender, number: int) -> int:
    return segment.read_bytes().index(sender.text(number))


def read_after_damage(server, roadstead, sender, since_ms) -> list[int]:
    """Starts the server, sends one more message, and reads all numbers up to it."""
    server.start()
    sender.send(1)
    watching = Monitor(roadstead, since_ms)
    try:
        return numbers(sender, read_up_to(watching, sender, sender.acknowledged[-1]))
    finally:
        watching.end()


@pytest.mark.parametrize("seed", range(5))
def test_truncated_segment(written, seed):
    """Cut in the middle of a message: what stands before is there, the rest is gone and said to be, new ones follow."""
    server, roadstead, sender, since_ms = written
    chance = random.Random(seed)
    torn = chance.randrange(2, MESSAGES + 1)
    segment = newest_segment(server, sender)
    cut = position_of(segment, sender, torn) + chance.randrange(1, 200)
    with segment.open("r+b") as file:
        file.truncate(cut)
    log_start = server.log_bytes()
    found = read_after_damage(server, roadstead, sender, since_ms)

    newest = sender.acknowledged[-1]
    assert found[-1] == newest
    kept = found[:-1]
    assert kept == list(range(1, len(kept) + 1)), "what is kept is a beginning without gaps"
    # A commit is kept whole or not at all, and no commit is larger than what one sender has in flight.
    assert torn - 1 - 8 <= len(kept) < torn
    assert segment.name in server.log(log_start), "the log names the file that was cut"


@pytest.mark.parametrize("seed", range(5))
def test_flipped_bit(written, seed):
    """A damaged message is never handed out as if it were whole; all before it are there; the log names the file."""
    server, roadstead, sender, since_ms = written
    chance = random.Random(seed)
    hit = chance.randrange(2, MESSAGES + 1)
    segment = newest_segment(server, sender)
    position = position_of(segment, sender, hit) + chance.randrange(0, 200)
    with segment.open("r+b") as file:
        file.seek(position)
        byte = file.read(1)[0]
        file.seek(position)
        file.write(bytes([byte ^ 1 << chance.randrange(8)]))
    log_start = server.log_bytes()
    found = read_after_damage(server, roadstead, sender, since_ms)

    assert found == sorted(set(found))
    assert hit not in found
    assert set(range(1, hit - 8)) <= set(found), "whole messages before the damage are lost"
    assert found[-1] == sender.acknowledged[-1]
    assert segment.name in server.log(log_start), "the log names the damaged file"
