"""The Python device SDK in both flavours and over both transports, driven the same way."""

import asyncio
import inspect
import logging
import threading

import azure.iot.device as sync_sdk
import azure.iot.device.aio as aio_sdk
from azure.iot.device import Message, MethodResponse
from azure.iot.device.common.pipeline.pipeline_stages_base import SasTokenStage

from .wait import Inbox


class Sdk:
    """One flavour of the SDK over one transport; called with what an SDK function returned, it gives the result."""

    def __init__(self, flavour: str, transport: str):
        module = {"sync": sync_sdk, "aio": aio_sdk}[flavour]
        self.flavour = flavour
        self.device = module.IoTHubDeviceClient
        self.module = module.IoTHubModuleClient
        self.dps = module.ProvisioningDeviceClient
        self.options = {"websockets": transport == "ws"}
        self._loop = asyncio.new_event_loop()
        self._clients = []

    def __call__(self, result):
        return self._loop.run_until_complete(result) if inspect.isawaitable(result) else result

    def hub_client(self, how: str, **arguments):
        return self._made(self.device, how, arguments)

    def module_client(self, how: str, **arguments):
        return self._made(self.module, how, arguments)

    def _made(self, kind, how: str, arguments: dict):
        client = getattr(kind, f"create_from_{how}")(**arguments, **self.options)
        self._clients.append(client)
        return client

    def register(self, server, how: str, registration_id: str, **arguments):
        where = {"provisioning_host": server.dps_host, "id_scope": server.id_scope, "registration_id": registration_id}
        client = getattr(self.dps, f"create_from_{how}")(**where, **arguments, **self.options)
        return self(client.register())

    def provision_and_send(self, server, how: str, registration_id: str, **arguments):
        """What the seeds' programs do: register, connect to the hub that was assigned, send one message."""
        result = self.register(server, how, registration_id, **arguments)
        assert result.status == "assigned", result
        assigned = result.registration_state
        client = self.hub_client(how, hostname=assigned.assigned_hub, device_id=assigned.device_id, **arguments)
        self(client.connect())
        self(client.send_message(Message('{"from": "dps"}')))
        return assigned

    def desired(self, client) -> Inbox:
        """Desired patches as they arrive; the subscription is there when this returns."""
        inbox = Inbox("a desired patch")
        client.on_twin_desired_properties_patch_received = inbox.put
        return inbox

    def messages(self, client) -> Inbox:
        """Cloud-to-device messages as they arrive."""
        inbox = Inbox("a cloud-to-device message")
        client.on_message_received = inbox.put
        return inbox

    def answer_methods(self, client, handle) -> None:
        """Has `handle(request)`, which gives status and payload, answer every method call."""

        def answer(request):
            return MethodResponse.create_from_method_request(request, *handle(request))

        def answer_blocking(request):
            client.send_method_response(answer(request))

        async def answer_awaiting(request):
            response = await asyncio.get_running_loop().run_in_executor(None, answer, request)
            await client.send_method_response(response)

        client.on_method_request_received = answer_blocking if self.flavour == "sync" else answer_awaiting

    def end(self) -> None:
        for client in self._clients:
            self(client.shutdown())
        self._loop.close()


class LogEvent(logging.Handler):
    """Set when the SDK logs a line with `words` in it."""

    def __init__(self, words: str):
        super().__init__(logging.INFO)
        self.words, self.happened = words, threading.Event()

    def emit(self, record):
        if self.words in record.getMessage():
            self.happened.set()


def renew_token(client) -> None:
    """Has the alarm ring that a connected client has set for 120 s before its token ends; returns when it is connected with another.

    A token that ends in truth would end again while a slow machine still looks at what became of the first.
    """
    stage = client._mqtt_pipeline._pipeline
    while not isinstance(stage, SasTokenStage):
        stage = stage.next
    logger, renewed = logging.getLogger("azure.iot.device.common"), LogEvent("Connection reauthorization successful")
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(renewed)
    try:
        stage._token_update_alarm.alarm_time = 0
        assert renewed.happened.wait(30), "the token was not renewed"
    finally:
        logger.removeHandler(renewed)
        logger.setLevel(level)
