"""SAS tokens and group-derived keys, written down from the documents and not from our own code."""

import base64
import hashlib
import hmac
import time
from urllib.parse import quote


def sign(text: str, key: str) -> str:
    digest = hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def token(resource: str, key: str, ttl_s: int = 3600, policy: str | None = None) -> str:
    """`resource` unencoded: `hub/devices/id` or `scope/registrations/id`; a negative `ttl_s` makes an expired token."""
    expiry = int(time.time()) + ttl_s
    encoded = quote(resource, safe="")
    signature = quote(sign(f"{encoded}\n{expiry}", key), safe="")
    parts = f"SharedAccessSignature sr={encoded}&sig={signature}&se={expiry}"
    return parts if policy is None else f"{parts}&skn={policy}"


def tampered(token_text: str) -> str:
    """The same token with one character of its signature changed."""
    head, signature = token_text.split("sig=", 1)
    first = "B" if signature[0] == "A" else "A"
    return f"{head}sig={first}{signature[1:]}"


def device_key(group_key: str, registration_id: str) -> str:
    return sign(registration_id, group_key)


def parse_connection_string(text: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in text.strip().split(";") if part)
