"""Twins and messages to devices under load, with a memory of what was acknowledged, while somebody pulls the plug."""

import itertools
import threading

import requests

from . import bare, hub
from .bare import TWIN_ANSWERS
from .rawmqtt import Closed
from .server import Server
from .service import Service


class Worker:
    """Works in a thread of its own until stopped or until the server is gone; anything else is a surprise."""

    surprise: BaseException | None = None
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.work(self._stopped)
        except (Closed, OSError, requests.RequestException):
            pass
        except BaseException as error:
            self.surprise = error

    def join(self) -> None:
        self._stopped.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), f"{self} is stuck"
        if self.surprise is not None:
            raise self.surprise

    def work(self, stopped: threading.Event) -> None:
        raise NotImplementedError


class Reporter(Worker):
    """A device that reports one number after the other."""

    def __init__(self, server: Server, device_id: str, key: str):
        self.server, self.device_id, self.key = server, device_id, key
        self.sent = self.acknowledged = 0
        self.version = 1
        self._kept: dict[str, int] = {}

    def work(self, stopped: threading.Event) -> None:
        with bare.connected(self.server, self.device_id, self.key, TWIN_ANSWERS) as device:
            while not stopped.is_set():
                self.sent += 1
                name = f"k{self.sent % 20}"
                answer = device.report({"n": self.sent, name: self.sent})
                assert answer.status == 204, answer
                self.acknowledged, self.version = self.sent, answer.version
                self._kept[name] = self.sent

    def assert_kept(self, service: Service) -> None:
        """The last report is there, or one that was on its way; and with it every key that was ever acknowledged."""
        reported = service.twin(self.device_id)["properties"]["reported"]
        assert reported.get("n", 0) in (self.acknowledged, self.sent)
        assert reported["$version"] >= self.version
        for name, number in self._kept.items():
            assert reported[name] in (number, self.sent)
        self._kept = {name: reported[name] for name in self._kept}
        # What was on its way counts from now on, and is neither reported again nor taken back.
        self.acknowledged, self.version = reported.get("n", 0), reported["$version"]


class Owner(Worker):
    """A back end that wishes one number after the other of the same device."""

    def __init__(self, service: Service, device_id: str):
        self.service, self.device_id = service, device_id
        self.sent = self.acknowledged = 0
        self.version = 1

    def work(self, stopped: threading.Event) -> None:
        while not stopped.is_set():
            self.sent += 1
            twin = self.service.desire(self.device_id, {"n": self.sent})
            self.acknowledged, self.version = self.sent, twin["properties"]["desired"]["$version"]

    def assert_kept(self) -> None:
        desired = self.service.twin(self.device_id)["properties"]["desired"]
        assert desired.get("n", 0) in (self.acknowledged, self.sent)
        assert desired["$version"] >= self.version


class Postman(Worker):
    """Sends messages to one device and completes them there over HTTPS, where a completion is acknowledged."""

    def __init__(self, service: Service, device_id: str, key: str):
        self.service, self.device_id = service, device_id
        self._numbers = itertools.count(1)
        self.sent: set[str] = set()
        self.enqueued: set[str] = set()
        self.completed: set[str] = set()
        self._maybe_completed: set[str] = set()
        self._token = hub.device_token(service.server, device_id, key)

    def work(self, stopped: threading.Event) -> None:
        while not stopped.is_set():
            # Two for one, so that some always wait; the queue holds fifty.
            for _ in range(2 if len(self.enqueued) - len(self.completed) < 30 else 0):
                number = f"m{next(self._numbers)}"
                self.sent.add(number)
                self.service.sent(self.device_id, number.encode(), message_id=number)
                self.enqueued.add(number)
            self.complete_one()

    def complete_one(self) -> bool:
        """Whether there was one to complete."""
        path = f"/devices/{self.device_id}/messages/devicebound"
        received = self.service.call("GET", path, token=self._token)
        if received.status_code == 204:
            return False
        assert received.status_code == 200, received.text
        number = received.content.decode()
        assert number in self.sent and number not in self.completed, f"{number} was completed, and comes again"
        self._maybe_completed.add(number)
        lock = received.headers["ETag"].strip('"')
        done = self.service.call("DELETE", f"{path}/{lock}", token=self._token)
        assert done.status_code == 204, done.text
        self.completed.add(number)
        return True

    def left(self) -> set[str]:
        """What must still be waiting: taken, and never handed to a completion that may have gone through."""
        return self.enqueued - self.completed - self._maybe_completed
