"""`roadstead iot hub monitor-events`, read while it runs."""

import json
import subprocess
import threading

from .cli import Roadstead


class Monitor:
    """Every event of a hub from one moment on, by device and in the order in which they were printed.

    Reads history too (`--enqueued-time`), so a test need not wait for the monitor before it sends.
    """

    def __init__(
        self, roadstead: Roadstead, since_ms: int, hub_name: str | None = None, with_properties: bool = True, words: tuple = ()
    ):
        server = roadstead.server
        command = [server.binary, "iot", "hub", "monitor-events", "--hub-name", hub_name or roadstead.hub_name]
        command += ["--enqueued-time", str(since_ms), "--timeout", "0", "-o", "json"]
        command += ["--properties", "all"] if with_properties else []
        command += words
        self._stderr_path = server.home / f"monitor-{since_ms}.err"
        self._stderr = self._stderr_path.open("wb")
        self._process = subprocess.Popen(
            command, env=server.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._stderr, text=True
        )
        self._events: dict[str, list[dict]] = {}
        self._arrived = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        lines: list[str] = []
        for line in self._process.stdout:
            if not lines and not line.startswith("{"):
                continue
            lines.append(line)
            # Objects come indented or on one line each; either way the last line of one ends in a brace at its margin.
            if line.startswith("}") or (len(lines) == 1 and line.rstrip().endswith("}")):
                event = json.loads("".join(lines))["event"]
                lines.clear()
                with self._arrived:
                    self._events.setdefault(event["origin"], []).append(event)
                    self._arrived.notify_all()
        with self._arrived:
            self._ended = True
            self._arrived.notify_all()

    def seen(self, device_id: str) -> list[dict]:
        """What has arrived so far."""
        with self._arrived:
            return list(self._events.get(device_id, []))

    def wait(self, device_id: str, count: int, timeout_s: float = 30) -> list[dict]:
        """At least `count` events of a device."""
        return self.wait_for(device_id, lambda events: len(events) >= count, f"{count} events", timeout_s)

    def wait_for(self, device_id: str, enough, what: str, timeout_s: float = 30) -> list[dict]:
        """The device's events, once `enough(events)` holds."""
        with self._arrived:
            held = self._arrived.wait_for(lambda: self._ended or enough(self._events.get(device_id, [])), timeout_s)
            events = list(self._events.get(device_id, []))
        if not (held and enough(events)):
            state = f"the monitor ended: {self._stderr_path.read_text()}" if self._ended else "the monitor still runs"
            raise AssertionError(f"{what} of {device_id!r} not within {timeout_s} s; {len(events)} arrived; {state}")
        return events

    def said(self) -> str:
        """What the person in front of it was told."""
        return self._stderr_path.read_text()

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(60)
        self._reader.join(60)
        self._process.stdout.close()
        self._stderr.close()


def body(event: dict):
    """The payload as a value: a monitor shows it parsed only when the content type says JSON."""
    payload = event["payload"]
    return json.loads(payload) if isinstance(payload, str) else payload


def system(event: dict) -> dict:
    """System properties under the names that `az` prints: `message_id`, `content_type`."""
    return event["properties"]["system"]


def application(event: dict) -> dict:
    return event["properties"]["application"]


def telemetry(event: dict):
    """The payload of a message; `None` for an event that the hub made itself, such as a change of a twin."""
    return body(event) if event["annotations"]["iothub-message-source"] == "Telemetry" else None
