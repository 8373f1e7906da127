"""SIGKILL under load, again and again, at moments that a seed chooses: what was acknowledged is there, once and in order."""

import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from harness import dps, sas, wait
from harness.cli import Refused, Roadstead
from harness.keeping import Owner, Postman, Reporter
from harness.load import Sender, assert_exactly_once_in_order, numbers, read_up_to
from harness.monitor import Monitor
from harness.rawmqtt import Closed
from harness.service import Service

KILLS = 50
SENDERS = 4
MESSAGES_EACH_ROUND = 1000
TWIN_KILLS = 25
# Of so many rounds one waits until all have got on, however slow the machine is.
ROUNDS_TO_GET_ON = 5
LOCK_S = 60
SEED = int(os.environ.get("ROADSTEAD_CRASH_SEED", "20261121"))


class Bureau:
    """Registers, creates and enrolls without pause, and writes down what it was told is done."""

    def __init__(self, server, roadstead):
        self.server, self.roadstead = server, roadstead
        self.registered: list[str] = []
        self.devices: list[str] = []
        self.enrollments: list[str] = []
        self.surprise: BaseException | None = None
        self._group_key = roadstead.enroll_group_with_key("crash-group")
        self._count = 0
        self._stop = threading.Event()

    def work(self) -> None:
        """One of each in turn, until stopped or until the server is gone."""
        self._stop.clear()
        steps = [self._register, self._register, self._create_device, self._enroll]
        try:
            while not self._stop.is_set():
                self._count += 1
                steps[self._count % len(steps)](self._count)
        except (Refused, Closed, OSError, requests.RequestException):
            pass
        except BaseException as error:
            self.surprise = error

    def stop(self) -> None:
        self._stop.set()

    def done(self) -> int:
        return len(self.registered) + len(self.devices) + len(self.enrollments)

    def _register(self, number: int) -> None:
        name = f"registered-{number}"
        credential = dps.key_credential(self.server, name, sas.device_key(self._group_key, name))
        answer = dps.register("mqtt" if number % 3 else "https", self.server, name, credential)
        assert answer.body["status"] == "assigned", answer
        self.registered.append(name)

    def _create_device(self, number: int) -> None:
        self.roadstead.create_device(f"created-{number}")
        self.devices.append(f"created-{number}")

    def _enroll(self, number: int) -> None:
        self.roadstead.enroll_with_key(f"enrolled-{number}")
        self.enrollments.append(f"enrolled-{number}")

    def assert_nothing_is_lost(self) -> None:
        # As with az, a list ends at 1000 devices unless it is told not to.
        devices = {each["deviceId"] for each in self.roadstead.hub("device-identity", "list", "--top", "-1")}
        assert set(self.devices + self.registered) <= devices
        enrolled = {each["registrationId"] for each in self.roadstead.dps("enrollment", "list")}
        assert set(self.enrollments) <= enrolled
        listed = self.roadstead.dps("enrollment-group", "registration", "list", "--enrollment-id", "crash-group")
        assert set(self.registered) <= {each["registrationId"] for each in listed if each["status"] == "assigned"}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_fifty_kills(own_server, record_property):
    chance = random.Random(SEED)
    record_property("seed", SEED)
    print(f"ROADSTEAD_CRASH_SEED={SEED} repeats this run")
    server, since_ms = own_server, own_server.now_ms()
    server.start()
    roadstead = Roadstead(server)
    senders = [Sender(server, f"crash-{n}", roadstead.device_key(f"crash-{n}")) for n in range(SENDERS)]
    bureau = Bureau(server, roadstead)

    with ThreadPoolExecutor(1) as office:
        for kill in range(KILLS):
            before, sent = bureau.done(), [len(sender.acknowledged) for sender in senders]

            def all_got_on() -> bool:
                """One of each was done in the bureau, and every sender was heard."""
                heard = all(len(sender.acknowledged) >= count + 20 for sender, count in zip(senders, sent))
                return heard and bureau.done() >= before + 4

            work = office.submit(bureau.work)
            for sender in senders:
                sender.start(MESSAGES_EACH_ROUND)
            # The moment is counted from the start of the load: mostly in the thick of it, sometimes before or after.
            threading.Event().wait(chance.uniform(0.02, 0.8))
            if kill % ROUNDS_TO_GET_ON == 0:
                wait.until(all_got_on, 120, "something of everything")
            server.kill()
            bureau.stop()
            work.result()
            for sender in senders:
                sender.join()
            server.start()
    assert bureau.surprise is None, bureau.surprise

    # The last message of each device ends what there is to read of it.
    for sender in senders:
        sender.send(1)
    watching = Monitor(roadstead, since_ms, with_properties=False)
    try:
        for sender in senders:
            events = read_up_to(watching, sender, sender.acknowledged[-1])
            assert_exactly_once_in_order(sender, numbers(sender, events))
    finally:
        watching.end()
    bureau.assert_nothing_is_lost()
    assert bureau.registered and bureau.devices and bureau.enrollments
    assert sum(len(sender.acknowledged) for sender in senders) > KILLS * SENDERS


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_twins_and_messages_to_devices(own_server, record_property):
    """Reported and desired patches, messages taken for a device, and completions of them."""
    chance = random.Random(SEED)
    record_property("seed", SEED)
    server = own_server
    server.start()
    roadstead, service = Roadstead(server), Service(server)
    keys = {name: roadstead.device_key(name) for name in ("twin", "queue")}
    reporter, owner = Reporter(server, "twin", keys["twin"]), Owner(service, "twin")
    postman = Postman(service, "queue", keys["queue"])

    def counts() -> list[int]:
        return [reporter.sent, owner.sent, len(postman.completed)]

    for kill in range(TWIN_KILLS):
        workers, before = [reporter, owner, postman], counts()
        for worker in workers:
            worker.start()
        threading.Event().wait(chance.uniform(0.05, 0.8))
        if kill % ROUNDS_TO_GET_ON == 0:
            wait.until(lambda: all(now >= then + 6 for now, then in zip(counts(), before)), 120, "something of everything")
        server.kill()
        for worker in workers:
            worker.join()
        server.start()
        reporter.assert_kept(service)
        owner.assert_kept()

    # What was handed out when the plug was pulled stays locked for a while.
    def is_empty() -> bool:
        while postman.complete_one():
            pass
        return not postman.left()

    wait.until(is_empty, LOCK_S + 60, "every message that was taken comes out")
    assert min(counts()) > TWIN_KILLS
