"""A registration over bare MQTT and bare HTTPS: status and JSON, whatever they say."""

import json
from dataclasses import dataclass
from pathlib import Path

import requests

from . import sas
from .rawmqtt import RawMqtt, tls_context
from .server import Server

API_VERSION = "2021-06-01"


@dataclass
class Credential:
    """Either a SAS token or a certificate `(chain file, key file)`; neither is a credential too."""

    token: str | None = None
    certificate: tuple[Path, Path] | None = None


@dataclass
class Answer:
    status: int
    body: dict

    @property
    def message(self) -> str:
        """The sentence that tells the cause, of a refusal or of a registration that ended badly."""
        return self.body.get("message") or self.body["registrationState"].get("errorMessage", "")


def key_credential(server: Server, registration_id: str, key: str, ttl_s: int = 3600, id_scope: str | None = None) -> Credential:
    resource = f"{id_scope or server.id_scope}/registrations/{registration_id}"
    return Credential(token=sas.token(resource, key, ttl_s, policy="registration"))


def register(face: str, server: Server, registration_id: str, credential: Credential, id_scope=None, payload=None) -> Answer:
    """Registers and polls until the answer is final. `face` is `mqtt` or `https`; `payload` replaces the JSON sent."""
    scope = server.id_scope if id_scope is None else id_scope
    sent = json.dumps({"registrationId": registration_id}).encode() if payload is None else payload
    over = {"mqtt": _over_mqtt, "https": _over_https}[face]
    return over(server, scope, registration_id, credential, sent)


def _over_mqtt(server: Server, scope: str, registration_id: str, credential: Credential, sent: bytes) -> Answer:
    context = tls_context(server.ca_file, credential.certificate)
    with RawMqtt(server.dps_host, server.mqtt_port, context) as mqtt:
        username = f"{scope}/registrations/{registration_id}/api-version={API_VERSION}"
        assert mqtt.connect(registration_id, username, credential.token).code == 0
        assert mqtt.subscribe("$dps/registrations/res/#") == [1]
        mqtt.publish("$dps/registrations/PUT/iotdps-register/?$rid=1", sent)
        answer = _read_answer(mqtt, "1")
        request = 1
        while answer.body.get("status") == "assigning":
            request += 1
            operation = answer.body["operationId"]
            mqtt.publish(f"$dps/registrations/GET/iotdps-get-operationstatus/?$rid={request}&operationId={operation}", b" ")
            answer = _read_answer(mqtt, str(request))
        mqtt.disconnect()
        return answer


def _read_answer(mqtt: RawMqtt, request: str) -> Answer:
    message = mqtt.message()
    path, query = message.topic.split("/?", 1)
    prefix, status = path.rsplit("/", 1)
    assert prefix == "$dps/registrations/res", message.topic
    assert query.split("&")[0] == f"$rid={request}", message.topic
    return Answer(int(status), json.loads(message.payload))


def _over_https(server: Server, scope: str, registration_id: str, credential: Credential, sent: bytes) -> Answer:
    base = server.url(server.dps_host, f"/{scope}/registrations/{registration_id}")
    with requests.Session() as session:
        session.trust_env = False
        session.verify = server.ca_file
        if credential.certificate is not None:
            session.cert = tuple(map(str, credential.certificate))
        if credential.token is not None:
            session.headers["Authorization"] = credential.token
        session.headers["Content-Type"] = "application/json"
        versioned = {"api-version": API_VERSION}
        response = session.put(f"{base}/register", params=versioned, data=sent, timeout=10)
        if response.ok:
            assert response.status_code == 202, "C# takes nothing but 202 for a registration"
        while response.ok and response.json()["status"] == "assigning":
            operation = response.json()["operationId"]
            response = session.get(f"{base}/operations/{operation}", params=versioned, timeout=10)
        return Answer(response.status_code, response.json())
