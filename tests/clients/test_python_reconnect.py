"""What a Python client that uses everything still hears after its token was renewed and after its connection was cut."""

import threading

import pytest
from azure.iot.device import Message

from harness import hub, injection
from harness.monitor import telemetry
from harness.python_sdk import renew_token


class Everything:
    """One client with all its handlers set, and what proves that each still works."""

    def __init__(self, sdk, service, monitor, client, device_id: str):
        self.sdk, self.service, self.monitor, self.client, self.device_id = sdk, service, monitor, client, device_id
        self.patches, self.messages = sdk.desired(client), sdk.messages(client)
        sdk.answer_methods(client, lambda request: (200, request.payload))
        self.rounds = 0

    def works(self) -> None:
        self.rounds += 1
        service, device_id = self.service, self.device_id
        # A call may come while the client is away: the caller waits for it.
        assert service.invoked(device_id, "echo", self.rounds, connect_s=30)["payload"] == self.rounds
        service.desire(device_id, {"round": self.rounds})
        assert self.patches.take()["round"] == self.rounds
        service.sent(device_id, b"%d" % self.rounds)
        assert self.messages.take().data == b"%d" % self.rounds
        self.sdk(self.client.patch_twin_reported_properties({"round": self.rounds}))
        assert self.sdk(self.client.get_twin())["reported"]["round"] == self.rounds
        self.sdk(self.client.send_message(f'{{"round": {self.rounds}}}'))
        wanted = {"round": self.rounds}
        self.monitor.wait_for(device_id, lambda events: wanted in map(telemetry, events), f"round {self.rounds}")


def test_renewal_keeps_everything(sdk, service, roadstead, monitor, device_id):
    roadstead.create_device(device_id)
    client = sdk.hub_client("connection_string", connection_string=roadstead.connection_string(device_id))
    everything = Everything(sdk, service, monitor, client, device_id)
    everything.works()
    renew_token(client)
    everything.works()


@pytest.mark.parametrize("cut", ["take-over", "KillTcp", "ShutDownMqtt"])
def test_cut_keeps_everything(sdk, server, service, roadstead, monitor, device_id, cut):
    """A newer connection that goes away again, and the faults that the vendor's own suites ask their hub for."""
    key = roadstead.device_key(device_id)
    client = sdk.hub_client("connection_string", connection_string=roadstead.connection_string(device_id))
    everything = Everything(sdk, service, monitor, client, device_id)
    everything.works()
    lost = threading.Event()
    # The first change is the loss. When its handler runs the client may be connected again.
    client.on_connection_state_change = lost.set
    if cut == "take-over":
        hub.connected(server, device_id, key, clean=False).wait_closed()
    else:
        fault = Message(" ")
        fault.custom_properties.update(injection.fault(cut))
        sdk(client.send_message(fault))
    assert lost.wait(30)
    everything.works()
