"""A device that speaks twins, methods and messages over bare MQTT: what SDKs hide is visible here."""

import contextlib
import itertools
import json
import threading
from dataclasses import dataclass
from urllib.parse import unquote

from . import hub
from .rawmqtt import PUBACK, Closed, Message, RawMqtt, publish_packet
from .server import Server

TWIN_ANSWERS = "$iothub/twin/res/#"
DESIRED = "$iothub/twin/PATCH/properties/desired/#"
METHODS = "$iothub/methods/POST/#"


def devicebound(device_id: str) -> str:
    return f"devices/{device_id}/messages/devicebound/#"


@dataclass
class TwinAnswer:
    status: int
    version: int | None
    body: dict | None


class Device:
    """One connection of one device, subscribed to what it was asked to."""

    def __init__(self, mqtt: RawMqtt, device_id: str):
        self.mqtt = mqtt
        self.device_id = device_id
        self._requests = itertools.count(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.mqtt.drop()

    def get(self, payload: bytes = b"", qos: int = 0) -> TwinAnswer:
        return self._request("$iothub/twin/GET/", payload, qos)

    def report(self, patch, qos: int = 0, version: int | None = None) -> TwinAnswer:
        """`patch` is bytes as they are, or what is sent as JSON."""
        raw = patch if isinstance(patch, bytes) else json.dumps(patch).encode()
        return self._request("$iothub/twin/PATCH/properties/reported/", raw, qos, f"&$version={version}" if version else "")

    def _request(self, topic: str, payload: bytes, qos: int, more: str = "") -> TwinAnswer:
        request = f"r{next(self._requests)}"
        packet_id = self.mqtt.next_id()
        self.mqtt.send(publish_packet(f"{topic}?$rid={request}{more}", payload, qos, packet_id))
        if qos == 0:
            return self.twin_answer(request)
        # Which of the two comes first is the server's business.
        acknowledged, answered = sorted((self.mqtt.read(), self.mqtt.read()), key=lambda each: each.kind, reverse=True)
        assert (acknowledged.kind, acknowledged.packet_id) == (PUBACK, packet_id)
        return twin_answer(self.mqtt.as_message(answered), request)

    def twin_answer(self, request: str) -> TwinAnswer:
        """The next PUBLISH, which must be the answer to `request`."""
        return twin_answer(self.mqtt.message(), request)

    def desired(self) -> dict:
        """The next PUBLISH, which must be a change of desired properties."""
        message = self.mqtt.message()
        assert message.topic.startswith("$iothub/twin/PATCH/properties/desired/?$version="), message.topic
        patch = json.loads(message.payload)
        assert patch["$version"] == int(message.topic.split("=")[1])
        return patch

    def method(self) -> tuple[str, str, bytes]:
        """Name, request id and payload of the next PUBLISH, which must be a direct method."""
        message = self.mqtt.message()
        path, request = message.topic.split("/?$rid=")
        assert path.startswith("$iothub/methods/POST/"), message.topic
        return path.removeprefix("$iothub/methods/POST/"), request, message.payload

    def answer(self, request: str, status: int = 200, payload: bytes = b"null", qos: int = 0) -> None:
        self.mqtt.publish(f"$iothub/methods/res/{status}/?$rid={request}", payload, qos)

    def received(self, acknowledge: bool = True) -> Message:
        """The next PUBLISH, which must be a cloud-to-device message."""
        message = self.mqtt.message(acknowledge)
        assert message.topic.startswith(f"devices/{self.device_id}/messages/devicebound/"), message.topic
        return message

    def marker(self) -> None:
        """Proves that nothing is under way: the very next PUBLISH is the answer to a request made now."""
        assert self.get().status == 200


def twin_answer(message: Message, request: str) -> TwinAnswer:
    """Reads an answer as Java does, which goes by position."""
    assert message.qos == 0, "a twin answer is sent at QoS 0"
    assert message.topic.startswith("$iothub/twin/res/"), message.topic
    status, query = message.topic.removeprefix("$iothub/twin/res/").split("/?")
    assert len(status) == 3
    pairs = query.split("&")
    assert pairs[0] == f"$rid={request}", message.topic
    version = int(pairs[1].removeprefix("$version=")) if len(pairs) > 1 else None
    return TwinAnswer(int(status), version, json.loads(message.payload) if message.payload else None)


def bag(message: Message) -> dict[str, str]:
    """The property bag of a cloud-to-device topic, decoded."""
    raw = message.topic.split("/messages/devicebound/", 1)[1]
    return {unquote(key): unquote(value) for key, value in (part.split("=", 1) for part in raw.split("&"))}


def connected(server: Server, device_id: str, key: str, *filters: str, qos: int = 1, clean: bool = True, module_id=None) -> Device:
    """A connected device or module; each filter is granted before this returns."""
    mqtt = hub.connected(server, device_id, key, clean=clean, module_id=module_id)
    if filters:
        assert mqtt.subscribe(*filters, qos=qos) == [min(qos, 1)] * len(filters)
    return Device(mqtt, device_id)


class answering:
    """A device or module that answers every method with 200 and what it was given, in a thread of its own."""

    def __init__(self, server: Server, device_id: str, key: str, module_id: str | None = None):
        self._device = connected(server, device_id, key, METHODS, module_id=module_id)
        self._thread = threading.Thread(target=self._answer, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def _answer(self) -> None:
        try:
            while True:
                # Who calls may take longer to start than a read waits.
                with contextlib.suppress(TimeoutError):
                    _, request, payload = self._device.method()
                    self._device.answer(request, 200, payload)
        except (Closed, OSError, ValueError):
            return

    def __exit__(self, *_):
        self._device.mqtt.shut()
        self._thread.join(60)
