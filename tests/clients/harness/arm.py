"""What Resource Manager changes of the hub of the exports, as `az` asks for it: the whole resource, read and written back."""

import tomllib
from collections.abc import Callable

import requests

from .server import Server

VERSION = {"api-version": "2023-06-30"}


class Arm:
    """One login."""

    def __init__(self, server: Server):
        context = tomllib.loads((server.data_dir / "context.toml").read_text())
        self._host, self._endpoint, self._session = server.hub_host, context["endpoint"], requests.Session()
        self._session.trust_env, self._session.verify = False, server.ca_file
        form = {name: context[name] for name in ("client_id", "client_secret")}
        form |= {"grant_type": "client_credentials", "resource": "https://management.core.windows.net/"}
        token = self._session.post(f"{self._endpoint}/adfs/oauth2/token", data=form, timeout=60).json()["access_token"]
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._hubs = f"/subscriptions/{context['subscription_id']}/providers/Microsoft.Devices/IotHubs"

    def _ask(self, method: str, path: str, body=None) -> dict:
        response = self._session.request(method, f"{self._endpoint}{path}", params=VERSION, json=body, timeout=60)
        assert response.ok, response.text
        return response.json()

    def change_hub(self, change: Callable[[dict], None]) -> None:
        """Lets `change` work on the hub's properties."""
        found = self._ask("GET", self._hubs)["value"]
        made = next(one for one in found if one["properties"]["hostName"] == self._host)
        keys = self._ask("POST", f"{made['id']}/listkeys")["value"]
        made["properties"]["authorizationPolicies"] = keys
        change(made["properties"])
        self._ask("PUT", made["id"], made)

    def put_policy(self, name: str, rights: str, primary: str | None = None, secondary: str | None = None) -> None:
        """Makes a shared access policy, with keys of its own making where none are given, or replaces one."""
        policy = {"keyName": name, "rights": rights, "primaryKey": primary, "secondaryKey": secondary}

        def change(properties: dict) -> None:
            others = [one for one in properties["authorizationPolicies"] if one["keyName"] != name]
            properties["authorizationPolicies"] = [*others, policy]

        self.change_hub(change)

    def delete_policy(self, name: str) -> None:
        def change(properties: dict) -> None:
            others = [one for one in properties["authorizationPolicies"] if one["keyName"] != name]
            properties["authorizationPolicies"] = others

        self.change_hub(change)
