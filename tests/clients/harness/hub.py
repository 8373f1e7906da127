"""A device on the hub over bare MQTT and bare HTTPS."""

import requests

from . import sas
from .rawmqtt import Connack, RawMqtt, tls_context
from .server import Server

API_VERSION = "2021-04-12"


def username(hub_host: str, device_id: str, module_id: str | None = None) -> str:
    who = f"{device_id}/{module_id}" if module_id else device_id
    return f"{hub_host}/{who}/?api-version={API_VERSION}"


def events_topic(device_id: str, bag: str = "") -> str:
    return f"devices/{device_id}/messages/events/{bag}"


def device_token(server: Server, device_id: str, key: str, ttl_s: int = 3600, hub_host: str | None = None, module_id=None) -> str:
    module = f"/modules/{module_id}" if module_id else ""
    return sas.token(f"{hub_host or server.hub_host}/devices/{device_id}{module}", key, ttl_s)


def dial(server: Server, certificate=None, timeout_s: float = 30) -> RawMqtt:
    """TLS is up, nothing is said yet."""
    return RawMqtt(server.hub_host, server.mqtt_port, tls_context(server.ca_file, certificate), timeout_s)


def connect(server: Server, device_id: str, key: str, module_id: str | None = None, **options) -> tuple[RawMqtt, Connack]:
    mqtt = dial(server)
    client_id = f"{device_id}/{module_id}" if module_id else device_id
    token = device_token(server, device_id, key, module_id=module_id)
    return mqtt, mqtt.connect(client_id, username(server.hub_host, device_id, module_id), token, **options)


def connected(server: Server, device_id: str, key: str, **options) -> RawMqtt:
    mqtt, connack = connect(server, device_id, key, **options)
    assert connack.code == 0, connack
    return mqtt


def post_event(server: Server, device_id: str, body: bytes, token: str | None = None, certificate=None, headers=None):
    """`POST /devices/{id}/messages/events`; the response, whatever it is."""
    with requests.Session() as session:
        session.trust_env = False
        sent = {**({"Authorization": token} if token else {}), **(headers or {})}
        url = server.url(server.hub_host, f"/devices/{device_id}/messages/events")
        pair = tuple(map(str, certificate)) if certificate else None
        parameters = {"api-version": API_VERSION}
        return session.post(url, params=parameters, data=body, headers=sent, verify=server.ca_file, cert=pair, timeout=60)
