"""Whom and what the hub refuses: CONNACK codes and HTTP statuses as IoT Hub has them."""

from urllib.parse import quote

import pytest

from harness import hub, sas

ACCEPTED, CLIENT_ID, UNAVAILABLE, NOT_AUTHORIZED = 0, 2, 3, 5


@pytest.fixture
def key(roadstead, device_id):
    return roadstead.device_key(device_id)


def code(server, device_id, token, user=None, client_id=None, certificate=None) -> int:
    """The CONNACK code; after a refusing one the server closes."""
    with hub.dial(server, certificate) as mqtt:
        username = hub.username(server.hub_host, user or device_id)
        connack = mqtt.connect(client_id or device_id, username, token)
        assert not connack.session_present
        if connack.code != ACCEPTED:
            mqtt.wait_closed()
        return connack.code


def assert_unauthorized(response) -> None:
    assert response.status_code == 401, response.text
    assert response.headers["iothub-errorcode"].startswith("IotHubUnauthorized")
    assert response.json()["Message"].startswith(f"ErrorCode:{response.headers['iothub-errorcode']};")


def assert_refused(server, device_id, token=None, certificate=None) -> None:
    """Refused on both faces, for the same evidence."""
    assert code(server, device_id, token, certificate=certificate) == NOT_AUTHORIZED
    assert_unauthorized(hub.post_event(server, device_id, b"{}", token, certificate))


def test_wrong_key(server, roadstead, key, device_id):
    other = roadstead.device_key(f"{device_id}-other")
    assert_refused(server, device_id, hub.device_token(server, device_id, other))


def test_tampered_token(server, key, device_id):
    good = hub.device_token(server, device_id, key)
    assert_refused(server, device_id, sas.tampered(good))
    assert code(server, device_id, good) == ACCEPTED


def test_expired_token(server, key, device_id):
    assert_refused(server, device_id, hub.device_token(server, device_id, key, ttl_s=-3600))


def test_clock_skew_is_tolerated(server, key, device_id):
    """Five minutes, as documented."""
    assert code(server, device_id, hub.device_token(server, device_id, key, ttl_s=-120)) == ACCEPTED


def test_token_for_another_hub(server, key, device_id):
    assert_refused(server, device_id, hub.device_token(server, device_id, key, hub_host="other.example"))


def test_token_of_another_device(server, roadstead, key, device_id):
    other = f"{device_id}-other"
    assert_refused(server, device_id, hub.device_token(server, other, roadstead.device_key(other)))


def test_token_for_a_longer_name(server, roadstead, key, device_id):
    """A token covers whole path segments: one for `a` is none for `a-b`."""
    roadstead.device_key(f"{device_id}-b")
    assert_refused(server, f"{device_id}-b", hub.device_token(server, device_id, key))


@pytest.mark.parametrize("token", ["", "SharedAccessSignature", "SharedAccessSignature sr=&sig=&se=", "Bearer x", "x" * 5000])
def test_what_is_no_token(server, key, device_id, token):
    assert_refused(server, device_id, token)


def test_no_credential(server, key, device_id):
    assert_refused(server, device_id)


def test_unknown_device(server, key, device_id):
    unknown = f"{device_id}-unknown"
    assert_refused(server, unknown, hub.device_token(server, unknown, key))


@pytest.mark.parametrize("name", ["a#+b", "a b", "x" * 200])
def test_impossible_device(server, key, name):
    """An id that nothing can be registered under is a stranger's, and no reason to close without an answer."""
    token = hub.device_token(server, name, key)
    assert code(server, name, token) == NOT_AUTHORIZED
    assert hub.post_event(server, quote(name), b"{}", token).status_code == 401


def test_disabled_device(server, roadstead, key, device_id):
    token = hub.device_token(server, device_id, key)
    roadstead.update_device(device_id, "--status", "disabled")
    assert code(server, device_id, token) == UNAVAILABLE
    assert hub.post_event(server, device_id, b"{}", token).status_code in (401, 403)
    roadstead.update_device(device_id, "--status", "enabled")
    assert code(server, device_id, token) == ACCEPTED


def test_deleted_device(server, roadstead, key, device_id):
    token = hub.device_token(server, device_id, key)
    assert code(server, device_id, token) == ACCEPTED
    roadstead.hub("device-identity", "delete", "--device-id", device_id)
    assert_refused(server, device_id, token)


def test_client_id_is_not_the_user(server, roadstead, key, device_id):
    other = f"{device_id}-other"
    roadstead.device_key(other)
    token = hub.device_token(server, device_id, key)
    assert code(server, device_id, token, client_id=other) == CLIENT_ID
    assert code(server, device_id, token, client_id=device_id.upper()) == CLIENT_ID


@pytest.mark.parametrize("username", ["", "/", "no-slash", "a/b/c/d/e/f", "/dev/?api-version=2021-04-12", "{hub}//?api-version=1"])
def test_user_name_that_says_nothing(server, key, device_id, username):
    with hub.dial(server) as mqtt:
        token = hub.device_token(server, device_id, key)
        connack = mqtt.connect(device_id, username.format(hub=server.hub_host), token)
        assert connack.code in (CLIENT_ID, 4, NOT_AUTHORIZED)
        mqtt.wait_closed()


def test_unknown_hub(server, key, device_id):
    with hub.dial(server) as mqtt:
        token = hub.device_token(server, device_id, key, hub_host="other.example")
        assert mqtt.connect(device_id, hub.username("other.example", device_id), token).code == NOT_AUTHORIZED


class TestCertificates:
    @pytest.fixture
    def device(self, roadstead, certificates, device_id):
        made = certificates.self_signed(device_id)
        roadstead.create_device(device_id, "--auth-method", "x509_thumbprint", "--primary-thumbprint", made.thumbprint)
        return made

    def test_right_thumbprint(self, server, device, device_id):
        assert code(server, device_id, None, certificate=device.pair) == ACCEPTED
        assert hub.post_event(server, device_id, b"{}", certificate=device.pair).status_code == 204

    def test_other_certificate_of_that_name(self, server, device, certificates, device_id):
        assert_refused(server, device_id, certificate=certificates.self_signed(device_id).pair)

    def test_certificate_of_another_device(self, server, roadstead, device, device_id):
        other = f"{device_id}-other"
        roadstead.create_device(other)
        assert_refused(server, other, certificate=device.pair)

    def test_expired_certificate(self, server, roadstead, certificates, device_id):
        expired = certificates.self_signed(device_id, from_days=-10, to_days=-1)
        words = ("--auth-method", "x509_thumbprint", "--primary-thumbprint", expired.thumbprint)
        roadstead.create_device(device_id, *words)
        assert_refused(server, device_id, certificate=expired.pair)

    def test_certificate_not_yet_valid(self, server, roadstead, certificates, device_id):
        early = certificates.self_signed(device_id, from_days=1, to_days=10)
        roadstead.create_device(device_id, "--auth-method", "x509_thumbprint", "--primary-thumbprint", early.thumbprint)
        assert_refused(server, device_id, certificate=early.pair)

    def test_token_for_a_certificate_device(self, server, roadstead, device, device_id):
        """This device has no key, so no token is its own."""
        key = roadstead.device_key(f"{device_id}-other")
        assert_refused(server, device_id, hub.device_token(server, device_id, key))


def test_oversized_over_https(server, key, device_id):
    token = hub.device_token(server, device_id, key)
    assert hub.post_event(server, device_id, b"x" * 262_145, token).status_code == 413
    assert hub.post_event(server, device_id, b"x" * 262_000, token).status_code == 204


def test_oversized_in_chunks(server, key, device_id):
    """A body that does not say its length is bounded all the same."""
    token = hub.device_token(server, device_id, key)

    def endless():
        for _ in range(80):
            yield b"x" * 4096

    assert hub.post_event(server, device_id, endless(), token).status_code == 413


def test_foreign_path(server, roadstead, key, device_id):
    other = f"{device_id}-other"
    roadstead.device_key(other)
    assert_unauthorized(hub.post_event(server, other, b"{}", hub.device_token(server, device_id, key)))
