"""A hub's service API by plain HTTPS: what a back end without an SDK would send, and every answer as it came."""

import json

import requests

from . import hub, sas, wait
from .server import Server

API_VERSION = "2021-04-12"
TIMEOUT_S = 60
GONE_WITHIN_S = 30


class Service:
    """Speaks as one shared access policy, `iothubowner` unless told otherwise."""

    def __init__(self, server: Server, connection_string: str | None = None):
        self.server = server
        self.connection_string = connection_string or server.exports["IOTHUB_CONNECTION_STRING"]
        given = sas.parse_connection_string(self.connection_string)
        self._policy, self._key = given["SharedAccessKeyName"], given["SharedAccessKey"]
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = server.ca_file

    def token(self, ttl_s: int = 3600) -> str:
        return sas.token(self.server.hub_host, self._key, ttl_s, policy=self._policy)

    def call(self, method: str, path: str, body=None, headers=None, token: str | None = None, raw: bytes | None = None, **query):
        """The response, whatever it is. `body` is sent as JSON, `raw` as it is."""
        sent = {"Authorization": token or self.token(), **(headers or {})}
        data = raw
        if body is not None:
            sent.setdefault("Content-Type", "application/json; charset=utf-8")
            data = json.dumps(body).encode()
        url = self.server.url(self.server.hub_host, path)
        parameters = {"api-version": API_VERSION, **query}
        return self._session.request(method, url, params=parameters, data=data, headers=sent, timeout=TIMEOUT_S)

    def ok(self, method: str, path: str, *arguments, **options):
        """The parsed body of an answer that is no refusal; `None` when it has none."""
        response = self.call(method, path, *arguments, **options)
        assert response.ok, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    def connected_since(self, device_id: str) -> str | None:
        """The time of the device's present connection; `None` while there is none."""
        identity = self.ok("GET", f"/devices/{device_id}")
        return identity["connectionStateUpdatedTime"] if identity["connectionState"] == "Connected" else None

    def wait_gone(self, device_id: str) -> None:
        """Until the hub has seen the device go: who says goodbye does not wait for that."""
        wait.until(lambda: self.connected_since(device_id) is None, GONE_WITHIN_S, f"{device_id} is gone")

    def twin(self, device_id: str, module_id: str | None = None) -> dict:
        return self.ok("GET", twin_path(device_id, module_id))

    def patch_twin(self, device_id: str, patch: dict, module_id: str | None = None, etag: str | None = None) -> dict:
        return self.ok("PATCH", twin_path(device_id, module_id), patch, headers={"If-Match": etag} if etag else None)

    def replace_twin(self, device_id: str, twin: dict, module_id: str | None = None) -> dict:
        return self.ok("PUT", twin_path(device_id, module_id), twin)

    def desire(self, device_id: str, desired: dict, module_id: str | None = None) -> dict:
        """Patches desired properties; the twin afterwards."""
        return self.patch_twin(device_id, {"properties": {"desired": desired}}, module_id)

    def invoke(self, device_id: str, name: str, module_id: str | None = None, **call):
        """A direct method: the response, whatever it is. `call` are members of the body: `payload`, `connectTimeoutInSeconds`."""
        return self.call("POST", f"{twin_path(device_id, module_id)}/methods", {"methodName": name, **call})

    def invoked(self, device_id: str, name: str, payload=None, module_id: str | None = None, connect_s: int = 0) -> dict:
        """A direct method that is answered: `{"status": 200, "payload": ...}`."""
        limits = {"connectTimeoutInSeconds": connect_s, "responseTimeoutInSeconds": 30}
        response = self.invoke(device_id, name, module_id, payload=payload, **limits)
        assert response.status_code == 200, f"{response.status_code} {response.text}"
        return response.json()

    def send(self, device_id: str, body: bytes = b"{}", **headers: str):
        """A cloud-to-device message by `POST /messages/devicebound`: the response, whatever it is.

        `message_id="m1"` is sent as `iothub-messageid`, `app_color="red"` as `iothub-app-color`.
        """
        named = {f"iothub-{header_name(name)}": value for name, value in headers.items()}
        to = {"iothub-to": f"/devices/{device_id}/messages/devicebound"}
        return self.call("POST", "/messages/devicebound", raw=body, headers={**to, **named})

    def sent(self, device_id: str, body: bytes = b"{}", **headers: str) -> None:
        """A cloud-to-device message that is taken."""
        response = self.send(device_id, body, **headers)
        assert response.ok, f"{response.status_code} {response.text}"

    def take_messages(self, device_id: str, key: str) -> list:
        """The cloud-to-device messages that wait for a device, by HTTPS; each is completed."""
        found = []
        token = hub.device_token(self.server, device_id, key)
        path = f"/devices/{device_id}/messages/deviceBound"
        while True:
            response = self.call("GET", path, token=token)
            if response.status_code == 204:
                return found
            assert response.status_code == 200, response.text
            found.append(response)
            lock = response.headers["ETag"].strip('"')
            assert self.call("DELETE", f"{path}/{lock}", token=token).status_code == 204

    def query(self, text: str, page: int | None = None, continuation: str | None = None):
        """One page: the response, whatever it is."""
        headers = {"x-ms-max-item-count": str(page)} if page else {}
        if continuation:
            headers["x-ms-continuation"] = continuation
        return self.call("POST", "/devices/query", {"query": text}, headers=headers)

    def rows(self, text: str) -> list:
        """All rows of a query, page after page."""
        found, continuation = [], None
        while True:
            response = self.query(text, continuation=continuation)
            assert response.ok, f"{text}: {response.status_code} {response.text}"
            found += response.json()
            continuation = response.headers.get("x-ms-continuation")
            if continuation is None:
                return found


def twin_path(device_id: str, module_id: str | None = None) -> str:
    return f"/twins/{device_id}" + (f"/modules/{module_id}" if module_id else "")


def header_name(name: str) -> str:
    """`message_id` as `messageid`, `app_color` as `app-color`."""
    return name.replace("app_", "app-", 1) if name.startswith("app_") else name.replace("_", "")


def refusal_a(response) -> tuple[int, str, str]:
    """Status, error name and sentence of the shape that registry, twins and messages answer with."""
    body = response.json()
    assert response.headers["Content-Type"].startswith("application/json")
    name, sentence = body["Message"].removeprefix("ErrorCode:").split(";", 1)
    assert response.headers["iothub-errorcode"] == name, "C# believes neither when header and body disagree"
    assert sentence
    return response.status_code, name, sentence


def refusal_b(response) -> tuple[int, int, str]:
    """Status, error number and header of the shape that direct methods answer with: JSON inside JSON."""
    inner = json.loads(response.json()["Message"])
    assert inner["message"] and inner["trackingId"]
    return response.status_code, inner["errorCode"], response.headers["iothub-errorcode"]
