"""A service principal that logs in with a token of an issuer which the configuration trusts, with `azure-identity` as it is."""

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientAssertionCredential
from cryptography.hazmat.primitives.asymmetric import rsa

from harness.cli import Roadstead
from harness.production import Production

AUDIENCE = "api://AzureADTokenExchange"


class Issuer:
    """An OpenID Connect issuer on this machine: metadata, keys, tokens."""

    def __init__(self):
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.asked.append(self.path)
                body = json.dumps(issuer.documents().get(self.path, {})).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.asked = []
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def documents(self):
        numbers = self.key.public_key().public_numbers()
        key = {"kty": "RSA", "kid": "1", "use": "sig", "n": number(numbers.n), "e": number(numbers.e)}
        metadata = {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        return {"/.well-known/openid-configuration": metadata, "/keys": {"keys": [key]}}

    def token(self, **changes):
        claims = {"iss": self.url, "sub": "repo:plant", "aud": AUDIENCE, "exp": int(time.time()) + 60} | changes
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": "1"})

    def end(self):
        self._server.shutdown()


def number(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()


@pytest.fixture
def issuer():
    running = Issuer()
    yield running
    running.end()


@pytest.fixture
def production(tmp_path, issuer):
    server = Production(tmp_path)
    server.write_config()
    server.config.write_text(server.config.read_text() + f'\n[[issuers]]\nurl = "{issuer.url}"\n')
    server.serve()
    yield server
    server.end()


def test_a_workload_without_a_secret(production, issuer):
    roadstead = Roadstead(production)
    made = roadstead("service-principal", "create", "-n", "ci", "--role", "Reader")
    words = ("--id", made["appId"], "-n", "ci", "--issuer", issuer.url, "--subject", "repo:plant")
    roadstead("service-principal", "federated-credential", "create", *words)
    endpoint, ca_file = f"https://localhost:{production.https_port}", production.ca_file

    def log_in(token):
        credential = ClientAssertionCredential(
            "adfs",
            made["appId"],
            lambda: token,
            authority=endpoint,
            disable_instance_discovery=True,
            connection_verify=ca_file,
        )
        return credential.get_token(f"{endpoint}/.default").token

    token = log_in(issuer.token())
    me = requests.get(f"{endpoint}/v1.0/me", headers={"Authorization": f"Bearer {token}"}, verify=ca_file, timeout=60)
    assert me.json()["id"] == made["appId"]
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]
    for changes, text in [({"sub": "repo:other"}, "unknown client id"), ({"aud": "x"}, "not for this server"), ({"exp": 1}, "not in date")]:
        with pytest.raises(ClientAuthenticationError) as refused:
            log_in(issuer.token(**changes))
        assert text in str(refused.value)
    assert len(issuer.asked) == 2, "keys are kept"
