"""Whom and what is refused to Qpid Proton, in which words, and what becomes of its connections."""

import time

import proton
import pytest
from proton import Message
from proton.reactor import Selector
from proton.utils import BlockingConnection

from harness import qpid, sas
from harness.qpid import Peer

UNAUTHORIZED, NOT_FOUND = "amqp:unauthorized-access", "amqp:not-found"


class TestRefusals:
    def test_addresses(self, server, peer):
        entity = qpid.entity(server)
        nobody = [
            ("another/ConsumerGroups/$Default/Partitions/0", "another"),
            (qpid.partition_address(server, 999), "999"),
            (qpid.partition_address(server, "x"), "x"),
            (entity, "ConsumerGroups/$Default/Partitions/0"),
            ("/messages/colour", "messages"),
            (qpid.DEVICEBOUND, "nobody receives"),
            ("", "nobody receives"),
        ]
        for address, words in nobody:
            condition = peer.refused(peer.receiver(address, credit=1))
            assert condition.name == NOT_FOUND and words in condition.description, address
        condition = peer.refused(peer.sender(qpid.FEEDBACK))
        assert condition.name == NOT_FOUND and "nobody sends" in condition.description
        for address in (entity, qpid.partition_address(server, 0)):
            condition = peer.refused(peer.sender(address))
            assert condition.name == UNAUTHORIZED and "filled by the hub" in condition.description
        peer.attached(peer.receiver(qpid.partition_address(server, 0)))

    def test_hosts(self, server):
        peer = Peer(server, host="nobody.example")
        condition = peer.closed()
        assert condition.name == "com.microsoft:iot-hub-not-found-error" and "`nobody.example`" in condition.description
        peer.cut()

    def test_no_token(self, server):
        with Peer(server).opened() as peer:
            for link in (
                peer.receiver(qpid.partition_address(server, 0)),
                peer.sender(qpid.DEVICEBOUND),
                peer.receiver(qpid.FEEDBACK),
                peer.receiver("/messages/events/$management"),
            ):
                assert peer.refused(link).name == UNAUTHORIZED, link.name
            answer = peer.ask("$management", {"operation": "READ", "name": qpid.entity(server), "type": "com.microsoft:eventhub"})
            assert answer.properties["status-code"] == 401

    def test_tokens_that_open_nothing(self, server, roadstead, device_id):
        name, key = qpid.policy(server)
        other = sas.sign("another", key)
        with Peer(server).opened() as peer:
            for what, token, words in [
                ("wrong key", sas.token(server.hub_host, other, policy=name), "not signed with a key of policy"),
                ("expired", sas.token(server.hub_host, key, -3600, policy=name), "expired"),
                ("no such policy", sas.token(server.hub_host, key, policy="nobody"), "nobody"),
                ("tampered", sas.tampered(qpid.token(server)), ""),
                ("no token", "colour", ""),
                ("empty", "", ""),
            ]:
                answer = peer.put_token(token)
                assert answer.properties["status-code"] == 401, what
                assert words in answer.properties["status-description"], (what, answer.properties)
                assert peer.refused(peer.receiver(qpid.partition_address(server, 0))).name == UNAUTHORIZED, what
            assert peer.put_token(qpid.token(server)).properties["status-code"] == 200
            peer.attached(peer.receiver(qpid.partition_address(server, 0)))

    def test_a_token_covers_its_resource_alone(self, server):
        with Peer(server).opened() as peer:
            resource = f"{server.hub_host}/{qpid.partition_address(server, 0)}"
            assert peer.put_token(qpid.token(server, resource=resource)).properties["status-code"] == 200
            peer.attached(peer.receiver(qpid.partition_address(server, 0)))
            for link in (peer.receiver(qpid.partition_address(server, 1)), peer.sender(qpid.DEVICEBOUND)):
                assert peer.refused(link).name == UNAUTHORIZED

    def test_plain_that_opens_nothing(self, server, wire):
        name, key = qpid.policy(server)
        label = server.hub_host.split(".")[0]
        for user, password in [
            (f"{name}@sas.root.{label}", sas.token(server.hub_host, key, -3600, policy=name)),
            (f"{name}@sas.root.{label}", sas.tampered(qpid.token(server))),
            (f"service@sas.root.{label}", qpid.token(server)),
            (f"{name}@sas.root.nobody", "x"),
            ("colour", qpid.token(server)),
            ("", ""),
        ]:
            peer = Peer(server, wire, user=user, password=password)
            peer.until(lambda: peer.lost or peer.transport.condition, "refusal")
            assert peer.transport.sasl().outcome != proton.SASL.OK, user
            assert not peer.transport.authenticated, user
            peer.cut()

    def test_a_token_that_ends(self, server, device_id, peer):
        """Links stay as long as their token, clock skew forgiven, and no longer; a renewed one takes its place."""
        with Peer(server).opened() as short:
            # Five minutes of skew are forgiven: it ends in some seconds.
            soon = -300 + 5
            assert short.put_token(qpid.token(server, soon)).properties["status-code"] == 200
            link = short.attached(short.receiver(qpid.partition_address(server, 0)))
            assert short.refused(link).name == UNAUTHORIZED
            assert short.put_token(qpid.token(server)).properties["status-code"] == 200
            short.attached(short.receiver(qpid.partition_address(server, 0)))


class TestConnection:
    def test_the_client_is_impatient(self, server):
        """It wants a sign of life every two seconds, which Proton itself sees to; an hour of nothing would be the same."""
        with qpid.plain(server, idle_timeout_s=2) as peer:
            link = peer.attached(peer.receiver(qpid.partition_address(server, 0)))
            before, begin = peer.transport.frames_input, time.monotonic()
            peer.until(lambda: time.monotonic() - begin > 3 and peer.transport.frames_input - before >= 3, "empty frames", 10)
            assert peer.transport.condition is None and peer.lost is None
            assert link.state & proton.Endpoint.REMOTE_ACTIVE
            peer.settled()

    def test_the_server_tells_its_patience(self, peer):
        assert peer.transport.remote_idle_timeout == 240
        assert peer.transport.remote_max_frame_size == 65536
        assert peer.connection.remote_container

    def test_detach_with_an_error(self, server, peer):
        link = peer.attached(peer.receiver(qpid.partition_address(server, 0)))
        link.condition = proton.Condition("colour:wrong", "not as I like it")
        link.close()
        peer.until(lambda: link.state & proton.Endpoint.REMOTE_CLOSED, "the answer")
        assert link.remote_condition is None
        sender = peer.attached(peer.sender(qpid.DEVICEBOUND))
        sender.detach()
        peer.until(lambda: sender.name in peer.gone, "the answer to a detach that closes nothing")
        peer.attached(peer.receiver(qpid.partition_address(server, 0)))

    def test_close_with_an_error(self, server):
        peer = qpid.plain(server)
        peer.connection.condition = proton.Condition("colour:wrong", "not as I like it")
        peer.connection.close()
        assert peer.closed() is None

    def test_names_are_taken_once(self, server, peer):
        """A second link of the same name in the same direction: the standard gives it to the newer."""
        for _ in range(20):
            link = peer.first_session.receiver("always-the-same")
            link.source.address = qpid.partition_address(server, 0)
            peer.received[link.name] = []
            link.open()
            peer.attached(link)
            link.close()
            peer.until(lambda: link.state & proton.Endpoint.REMOTE_CLOSED, "its end")
            link.free()
        peer.settled()

    def test_as_most_use_it(self, server, send, device_id):
        """`BlockingConnection`, as Proton's own documentation begins: it resolves, connects, shakes hands and reads by itself."""
        selector = qpid.just_now(server)
        send(b"1")
        with qpid.plain(server) as peer:
            partition = qpid.partition_of(peer, device_id, selector)
        domain = proton.SSLDomain(proton.SSLDomain.MODE_CLIENT)
        domain.set_trusted_ca_db(server.ca_file)
        domain.set_peer_authentication(proton.SSLDomain.VERIFY_PEER_NAME)
        name = qpid.policy(server)[0]
        connection = BlockingConnection(
            f"amqps://{server.hub_host}:{server.amqp_port}",
            timeout=30,
            ssl_domain=domain,
            allowed_mechs="PLAIN",
            user=f"{name}@sas.root.{server.hub_host.split('.')[0]}",
            password=qpid.token(server),
            heartbeat=30,
        )
        try:
            receiver = connection.create_receiver(qpid.partition_address(server, partition), credit=10, options=Selector(selector))
            message = receiver.receive(timeout=30)
            assert (message.annotations["iothub-connection-device-id"], bytes(message.body)) == (device_id, b"1")
            receiver.accept()
            sender = connection.create_sender(qpid.DEVICEBOUND)
            sender.send(Message(b"x", address=qpid.to(device_id)), timeout=30)
        finally:
            connection.close()
