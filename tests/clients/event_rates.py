#!/usr/bin/env python3
"""Prints how fast a server hands out stored events to `azure-eventhub`, and what each costs it.

    python event_rates.py ../../target/release/roadstead

The client is slower than the server; the example `hub_rates` of roadstead-simulator only counts events and so tells of the server.

It starts the server with a new data directory, stores events over MQTT, then reads them from the first on, several times. Each
reader is a process with a client of its own and reads all partitions. Ports 5671 and 5672 must be free. `--server-core 0` keeps the
server on one core, and everybody else off it.
"""

import argparse
import multiprocessing
import os
import tempfile
import time
from pathlib import Path

from harness import eventhub, hub
from harness.cli import Roadstead
from harness.rawmqtt import PUBACK, publish_packet
from harness.server import Server, free_port

DEVICES, BURST = 16, 200
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """Seconds that a process has used, all threads together."""
    words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / TICKS


def fill(server: Server, keys: dict[str, str], events: int, body_bytes: int) -> None:
    """Each device sends its share, a burst at a time."""
    body, each = b"x" * body_bytes, events // len(keys)
    for device_id, key in keys.items():
        with hub.connected(server, device_id, key) as mqtt:
            burst = b"".join(publish_packet(hub.events_topic(device_id), body, packet_id=number + 1) for number in range(BURST))
            for _ in range(each // BURST):
                mqtt.send(burst)
                for _ in range(BURST):
                    mqtt.expect(PUBACK)


def read(server: Server, flavour: str, counter, until: float) -> None:
    """One reader, in a process of its own."""
    client = eventhub.client(server, flavour)

    def take(_context, events) -> None:
        with counter.get_lock():
            counter.value += len(events)
        if time.monotonic() >= until:
            os._exit(0)

    client.receive_batch(on_event_batch=take, starting_position="-1", max_batch_size=300, max_wait_time=1)


def with_clients(server: Server, flavour: str, readers: int, stored: int, seconds: float) -> dict:
    """From the first event that any reader gets until the time is up, or everybody has everything."""
    counter = multiprocessing.Value("q", 0)
    until = time.monotonic() + seconds + 30
    processes = [multiprocessing.Process(target=read, args=(server, flavour, counter, until), daemon=True) for _ in range(readers)]
    for process in processes:
        process.start()
    while counter.value == 0:
        assert time.monotonic() < until, "nothing comes"
        time.sleep(0.01)
    begin, used, had = time.monotonic(), cpu_s(server.process.pid), counter.value
    while time.monotonic() < begin + seconds and counter.value < readers * stored:
        time.sleep(0.01)
    result = {"events": counter.value - had, "seconds": time.monotonic() - begin, "cpu": cpu_s(server.process.pid) - used}
    for process in processes:
        process.kill()
        process.join()
    return result


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("server", help="the roadstead binary")
    asked.add_argument("--events", type=int, default=400_000, help="how many are stored")
    asked.add_argument("--body-bytes", type=int, default=256)
    asked.add_argument("--readers", default="1,10", help="how many read at once, one after another")
    asked.add_argument("--flavours", default="sync-plain,sync-amqp", help=f"of {', '.join(eventhub.FLAVOURS)}")
    asked.add_argument("--seconds", type=float, default=10, help="of each measurement at most")
    asked.add_argument("--server-core", type=int, help="the core that is the server's alone")
    given = asked.parse_args()
    os.environ["ROADSTEAD_BIN"] = str(Path(given.server).resolve())
    with tempfile.TemporaryDirectory() as home:
        server = Server(Path(home), free_port(), free_port(), amqp_port=5671, amqp_plain_port=5672)
        try:
            if given.server_core is not None:
                os.sched_setaffinity(0, {given.server_core})
            server.start("--log", "error")
            if given.server_core is not None:
                os.sched_setaffinity(0, set(range(os.cpu_count())) - {given.server_core})
            measure(server, given)
        finally:
            server.end()


def measure(server: Server, given: argparse.Namespace) -> None:
    os.environ.update(server.exports)
    roadstead = Roadstead(server)
    keys = {f"rates-{number}": roadstead.device_key(f"rates-{number}") for number in range(DEVICES)}
    begin = time.monotonic()
    fill(server, keys, given.events, given.body_bytes)
    stored = given.events // DEVICES // BURST * BURST * DEVICES
    print(f"{stored} events of {given.body_bytes} bytes stored in {time.monotonic() - begin:.1f} s\n")
    print("| readers | events per second, all readers together | server's CPU per event | server's share of a core |\n|---|---|---|---|")
    for readers in map(int, given.readers.split(",")):
        results = {}
        for flavour in given.flavours.split(","):
            results[f"azure-eventhub, {flavour}"] = with_clients(server, flavour, readers, stored, given.seconds)
        for what, found in results.items():
            events, seconds, cpu = found["events"], max(found["seconds"], 0.001), found["cpu"]
            print(f"| {readers} {what} | {events / seconds:,.0f} | {cpu / max(events, 1) * 1e6:.2f} µs | {cpu / seconds:.0%} |", flush=True)


if __name__ == "__main__":
    main()
