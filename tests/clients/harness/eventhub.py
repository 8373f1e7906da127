"""Back ends on azure-eventhub, in every flavour: sync and aio, its own AMQP and uamqp, by TLS, in WebSockets, without TLS."""

import asyncio
import threading

from azure.eventhub import EventHubConsumerClient, TransportType
from azure.eventhub.aio import EventHubConsumerClient as AioConsumerClient

from . import wait
from .login import aio_credential, credential
from .sas import parse_connection_string
from .server import Server

FLAVOURS = ["sync-amqp", "sync-ws", "sync-plain", "aio-amqp", "aio-ws", "uamqp-amqp", "uamqp-ws"]


def connection_string(server: Server, policy_string: str | None = None) -> str:
    """As the portal shows it: no port, so 5671."""
    given = parse_connection_string(policy_string or server.exports["IOTHUB_CONNECTION_STRING"])
    name, key = given["SharedAccessKeyName"], given["SharedAccessKey"]
    return f"Endpoint=sb://{server.hub_host}/;SharedAccessKeyName={name};SharedAccessKey={key};EntityPath={entity(server)}"


def entity(server: Server) -> str:
    return parse_connection_string(server.exports["EVENTHUB_CONNECTION_STRING"])["EntityPath"]


def client(
    server: Server,
    flavour: str = "sync-amqp",
    group: str = "$Default",
    string: str | None = None,
    service_principal: dict | None = None,
):
    """With a policy's key, or as a service principal who has none."""
    kind, transport = flavour.split("-")
    made = AioConsumerClient if kind == "aio" else EventHubConsumerClient
    options = {"connection_verify": server.ca_file, "retry_total": 0}
    if transport == "plain":
        # Without TLS it goes to the port it is told, and to no other CA.
        return made.from_connection_string(string or server.exports["EVENTHUB_CONNECTION_STRING"], group, retry_total=0)
    if transport == "ws":
        options["transport_type"] = TransportType.AmqpOverWebsocket
    if kind == "uamqp":
        options["uamqp_transport"] = True
    if service_principal:
        made_credential = aio_credential if kind == "aio" else credential
        logged_in = made_credential(service_principal, f"https://{server.hub_host}:{server.https_port}")
        return made(server.hub_host, entity(server), group, logged_in, **options)
    return made.from_connection_string(string or connection_string(server), group, **options)


class Reader:
    """One client that receives in a thread of its own; what it was given so far is in `events` and `errors`."""

    def __init__(
        self,
        server: Server,
        flavour: str = "sync-amqp",
        group: str = "$Default",
        string: str | None = None,
        service_principal: dict | None = None,
        **receive,
    ):
        self.events: list = []
        self.errors: list = []
        self.contexts: dict = {}
        self._stopped = threading.Event()
        self._client = client(server, flavour, group, string, service_principal)
        self._receive = {"starting_position": "-1", **receive}
        target = self._run_aio if flavour.startswith("aio") else self._run
        self._thread = threading.Thread(target=target, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._client.receive(on_event=self._take, on_error=self._fail, **self._receive)
        except Exception as error:
            self.errors.append(error)

    def _run_aio(self) -> None:
        async def take(context, event):
            self._take(context, event)

        async def fail(context, error):
            self._fail(context, error)

        async def run():
            async with self._client:
                receiving = asyncio.ensure_future(self._client.receive(on_event=take, on_error=fail, **self._receive))
                while not self._stopped.is_set() and not receiving.done():
                    await asyncio.sleep(0.05)
                receiving.cancel()

        asyncio.run(run())

    def _take(self, context, event) -> None:
        if event is not None:
            self.contexts[context.partition_id] = context
            self.events.append((context.partition_id, event))

    def _fail(self, context, error) -> None:
        self.errors.append(error)

    def of(self, device_id: str) -> list:
        """The device's events so far, in order."""
        return [event for _, event in list(self.events) if device(event) == device_id]

    def wait(self, device_id: str, count: int, timeout_s: float = 30) -> list:
        """At least `count` events of a device."""
        wait.until(lambda: len(self.of(device_id)) >= count, timeout_s, f"{count} events of {device_id}, errors {self.errors}")
        return self.of(device_id)

    def wait_error(self, timeout_s: float = 30) -> Exception:
        wait.until(lambda: self.errors, timeout_s, "an error")
        return self.errors[0]

    def end(self) -> None:
        self._stopped.set()
        if isinstance(self._client, EventHubConsumerClient):
            self._client.close()
        self._thread.join(30)
        assert not self._thread.is_alive()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def device(event) -> str:
    return event.system_properties[b"iothub-connection-device-id"].decode()
