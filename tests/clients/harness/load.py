"""Devices that send without pause and write down every acknowledgement, while somebody pulls the plug."""

import json
import struct
import threading
from dataclasses import dataclass, field

from . import hub
from .monitor import Monitor, body
from .rawmqtt import PUBACK, Closed, publish_packet
from .server import Server

WINDOW = 8


@dataclass
class Sender:
    """One device. Numbers its messages, never sends a number twice, and goes on where it was after each fall."""

    server: Server
    device_id: str
    key: str
    body_bytes: int = 0
    next_number: int = 1
    acknowledged: list[int] = field(default_factory=list)
    surprise: BaseException | None = None
    _thread: threading.Thread | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _mqtt: object = None

    def start(self, messages_max: int) -> None:
        """Sends up to `messages_max` messages on one connection, from a thread of its own, until it is lost or stopped."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, args=(messages_max,), daemon=True)
        self._thread.start()

    @property
    def is_sending(self) -> bool:
        """Whether the thread of `start` is still at it."""
        return self._thread is not None and self._thread.is_alive()

    def join(self) -> None:
        """Waits for the thread; anything but a lost connection is a surprise, and raised here."""
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), f"{self.device_id} is stuck"
        if self.surprise is not None:
            raise self.surprise

    def _run(self, messages_max: int) -> None:
        try:
            self.send(messages_max)
        except (Closed, OSError):
            pass
        except BaseException as error:
            self.surprise = error

    def send(self, messages: int) -> None:
        """Sends `messages` messages with a window in flight. Errors: `Closed`, `OSError` when the server goes."""
        waiting: dict[int, int] = {}
        last = self.next_number + messages
        with hub.connected(self.server, self.device_id, self.key) as mqtt:
            while self.next_number < last and not self._stop.is_set():
                while len(waiting) < WINDOW and self.next_number < last:
                    number = self.next_number
                    self.next_number += 1
                    packet_id = number % 65535 + 1
                    waiting[packet_id] = number
                    mqtt.send(publish_packet(hub.events_topic(self.device_id), self.text(number), packet_id=packet_id))
                self._take_one(mqtt, waiting)
            while waiting:
                self._take_one(mqtt, waiting)
            mqtt.disconnect()

    def _take_one(self, mqtt, waiting: dict[int, int]) -> None:
        packet_id = struct.unpack("!H", mqtt.expect(PUBACK).rest[:2])[0]
        self.acknowledged.append(waiting.pop(packet_id))

    def text(self, number: int) -> bytes:
        return json.dumps({"n": number, "fill": "x" * self.body_bytes}).encode()


def read_up_to(watching: Monitor, sender: Sender, last: int, timeout_s: float = 120) -> list[dict]:
    """All events of a device, up to and with message number `last`."""

    def is_last_there(events: list[dict]) -> bool:
        return bool(events) and body(events[-1])["n"] >= last

    return watching.wait_for(sender.device_id, is_last_there, f"message {last}", timeout_s)


def numbers(sender: Sender, events: list[dict]) -> list[int]:
    """The numbers that were read back, each body checked to be what was sent."""
    found = []
    for event in events:
        read = body(event)
        assert read == json.loads(sender.text(read["n"])), f"{sender.device_id} never sent {read}"
        found.append(read["n"])
    return found


def assert_exactly_once_in_order(sender: Sender, found: list[int]) -> None:
    """Every acknowledged message is there once, and nothing is there twice or out of turn.

    A message that was sent and not acknowledged may be there or not.
    """
    assert found == sorted(set(found)), f"{sender.device_id}: twice or out of order: {out_of_order(found)}"
    lost = sorted(set(sender.acknowledged) - set(found))
    assert lost == [], f"{sender.device_id}: {len(lost)} of {len(sender.acknowledged)} acknowledged are lost: {lost[:20]}"


def out_of_order(found: list[int]) -> list[tuple[int, int]]:
    return [(before, after) for before, after in zip(found, found[1:]) if after <= before][:20]
