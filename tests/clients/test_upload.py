"""File upload: the hub names a place, azure-storage-blob or the Node SDK uploads there, the device tells the hub."""

import os
import socket

import pytest
import requests
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobBlock, BlobClient

from harness import hub
from harness.cli import Roadstead
from harness.node import Actor
from harness.production import Production
from harness.s3 import BUCKET, S3
from harness.service import refusal_a

API_VERSION = "api-version=2021-04-12"
ACTIVE_MAX = 10


class Device:
    """What a device sends to the hub itself, by plain HTTPS."""

    def __init__(self, server, device_id: str, key: str):
        self.server, self.device_id = server, device_id
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = server.ca_file
        self._session.headers["Authorization"] = hub.device_token(server, device_id, key)

    def post(self, path: str, body: dict):
        url = self.server.url(self.server.hub_host, f"/devices/{self.device_id}/{path}?{API_VERSION}")
        return self._session.post(url, json=body, timeout=60)

    def ask(self, name: str = "a.txt", path: str = "files") -> dict:
        response = self.post(path, {"blobName": name})
        assert response.status_code == 200, response.text
        return response.json()

    def tell(self, place: dict, success: bool = True) -> int:
        body = {"correlationId": place["correlationId"], "isSuccess": success, "statusCode": 200, "statusDescription": "ok"}
        return self.post("files/notifications", body).status_code

    def blob(self, place: dict, **options) -> BlobClient:
        """As the vendor's samples put the address together."""
        url = "https://{hostName}/{containerName}/{blobName}{sasToken}".format(**place)
        return BlobClient.from_blob_url(url, connection_verify=self.server.ca_file, **options)


@pytest.fixture
def device(server, roadstead, device_id):
    return Device(server, device_id, roadstead.device_key(device_id))


class TestPython:
    """`azure-iot-device` asks and tells, `azure-storage-blob` uploads."""

    @pytest.fixture
    def client(self, sdk, port_443, device, roadstead, device_id):
        made = sdk.hub_client("connection_string", connection_string=roadstead.connection_string(device_id))
        sdk(made.connect())
        return made

    def test_sample(self, sdk, client, device, device_id):
        place = sdk(client.get_storage_info_for_blob("logs/today.txt"))
        assert place["blobName"] == f"{device_id}/logs/today.txt"
        content = os.urandom(10_000)
        with device.blob(place) as target:
            target.upload_blob(content, overwrite=True)
            sdk(client.notify_blob_upload_status(place["correlationId"], True, 200, "OK"))
            assert target.download_blob().readall() == content
            assert target.get_blob_properties().size == len(content)

    def test_failure_is_told(self, sdk, client):
        place = sdk(client.get_storage_info_for_blob("never.txt"))
        sdk(client.notify_blob_upload_status(place["correlationId"], False, 500, "no such file"))


class TestStorage:
    """`azure-storage-blob` against the place that the hub names."""

    def test_blocks(self, device):
        """Five megabytes in blocks of one, as big files are sent."""
        place, content = device.ask("big.bin"), os.urandom(5 * 1024 * 1024)
        with device.blob(place, max_single_put_size=1024 * 1024, max_block_size=1024 * 1024) as target:
            target.upload_blob(content, overwrite=True, max_concurrency=3)
            assert target.download_blob().readall() == content
        assert device.tell(place) == 204

    def test_blocks_by_hand(self, device):
        """Blocks count in the order of the list, and what is not listed is left out."""
        with device.blob(device.ask("parts.txt")) as target:
            for name, part in (("b1", b"one "), ("b2", b"two "), ("b3", b"three")):
                target.stage_block(name, part)
            target.commit_block_list([BlobBlock("b3"), BlobBlock("b1")])
            assert target.download_blob().readall() == b"threeone "
            assert target.download_blob(offset=5, length=3).readall() == b"one"

    def test_resumed(self, device):
        """Who goes on with an upload asks which blocks are there already."""
        place = device.ask("resumed.bin")
        parts = {f"b{number}": os.urandom(1000 + number) for number in range(4)}
        with device.blob(place) as target:
            for name in ("b2", "b0"):
                target.stage_block(name, parts[name])
        with device.blob(place) as target:
            committed, waiting = target.get_block_list("all")
            assert (committed, [(block.id, block.size) for block in waiting]) == ([], [("b0", 1000), ("b2", 1002)])
            there = {block.id for block in waiting}
            for name in parts.keys() - there:
                target.stage_block(name, parts[name])
            target.commit_block_list([BlobBlock(name) for name in parts])
            assert target.download_blob().readall() == b"".join(parts.values())
            assert target.get_block_list("uncommitted") == ([], [])
        with device.blob(device.ask("never.bin")) as target, pytest.raises(HttpResponseError) as refused:
            target.get_block_list("all")
        assert refused.value.status_code == 404

    @pytest.mark.parametrize("name", ["a b.txt", "ü/日本.txt", "a/b/c/d.txt", "per%cent+plus.txt", "x" * 200])
    def test_names(self, device, device_id, name):
        place = device.ask(name)
        assert place["blobName"] == f"{device_id}/{name}"
        with BlobClient(f"https://{place['hostName']}", place["containerName"], place["blobName"], credential=place["sasToken"].lstrip("?"), connection_verify=device.server.ca_file) as target:
            target.upload_blob(b"content", overwrite=True)
            assert target.download_blob().readall() == b"content"

    def test_overwritten(self, device):
        with device.blob(device.ask()) as target:
            target.upload_blob(b"first", overwrite=True)
            target.upload_blob(b"second", overwrite=True)
            assert target.download_blob().readall() == b"second"

    @pytest.mark.parametrize("name", ["", "..", "../../etc/passwd", "a/../../b", "/", "a\u0000b", "x" * 1025])
    def test_bad_names(self, device, device_id, name):
        """Refused, or kept below the device's own name."""
        response = device.post("files", {"blobName": name})
        if response.ok:
            assert response.json()["blobName"].startswith(f"{device_id}/") and ".." not in response.json()["blobName"].split("/")
        else:
            assert response.status_code == 400 and refusal_a(response)

    @pytest.mark.parametrize("damage", ["none", "signature", "longer", "other-blob", "more-rights"])
    def test_signatures(self, device, damage):
        """A signature opens one blob, for a while, for what it says."""
        place = device.ask("mine.txt")
        token = place["sasToken"]
        at = token.index("sig=") + 4
        changed = {
            "none": {"sasToken": "?sv=2021-01-01"},
            "signature": {"sasToken": token[:at] + ("B" if token[at] == "A" else "A") + token[at + 1 :]},
            "longer": {"sasToken": token.replace("se=20", "se=21")},
            "other-blob": {"blobName": place["blobName"].replace("mine", "other")},
            "more-rights": {"sasToken": token.replace("sp=rw", "sp=rwd")},
        }
        with device.blob({**place, **changed[damage]}) as target, pytest.raises(HttpResponseError) as refused:
            target.upload_blob(b"x", overwrite=True)
        assert refused.value.status_code in (401, 403)

    def test_nothing_there(self, device):
        with device.blob(device.ask("nothing.txt")) as target, pytest.raises(HttpResponseError) as refused:
            target.download_blob()
        assert refused.value.status_code == 404


class InS3(Production):
    """`roadstead serve` that keeps uploaded files in S3, with one hub."""

    hub_host = "plant.localhost"

    def __init__(self, home):
        super().__init__(home)
        self.s3 = S3(home)
        self.environment |= self.s3.environment
        self.write_config()
        text = self.config.read_text()
        assert "[blobs]\n" in text
        self.config.write_text(text.replace("[blobs]\n", f'[blobs]\nurl = "s3://{BUCKET}/fleet"\n'))
        self.serve()
        self.command_line = Roadstead(self)
        self.command_line("group", "create", "-n", "plant-rg", "-l", "local")
        self.command_line("iot", "hub", "create", "-n", "plant", "-g", "plant-rg")

    def end(self) -> None:
        super().end()
        self.s3.end()


class TestObjectStore(TestStorage):
    """The same, and the files are objects in S3."""

    @pytest.fixture(scope="class")
    def in_s3(self, tmp_path_factory):
        running = InS3(tmp_path_factory.mktemp("in-s3"))
        yield running
        running.end()

    @pytest.fixture
    def device(self, in_s3, device_id, monkeypatch):
        resolve = socket.getaddrinfo
        # RFC 6761 leads this name to the machine itself; not every resolver knows.
        monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **named: resolve("127.0.0.1" if host == in_s3.hub_host else host, *rest, **named))
        return Device(in_s3, device_id, in_s3.command_line.device_key(device_id))

    def test_objects(self, in_s3, device, device_id):
        """Where the configuration says, readable without us, and nothing of an upload is left over."""
        place, content = device.ask("logs/big.bin"), os.urandom(20 * 1024 * 1024)
        with device.blob(place, max_single_put_size=1024 * 1024, max_block_size=4 * 1024 * 1024) as target:
            target.upload_blob(content, overwrite=True, metadata={"line": "north"})
        (name,) = [name for name in in_s3.s3.names() if device_id in name]
        assert name.startswith("fleet/") and name.endswith(f"/files/{device_id}/logs/big.bin")
        stored = in_s3.s3.client.get_object(Bucket=BUCKET, Key=name)
        assert stored["Body"].read() == content and stored["Metadata"]["line"] == "north"
        with device.blob(device.ask("small.txt")) as target:
            target.upload_blob(b"small", overwrite=True)
            with pytest.raises(HttpResponseError) as refused:
                target.upload_blob(b"again", overwrite=False)
            assert refused.value.status_code == 409

    def test_metadata(self, in_s3, device, device_id):
        """S3 takes 2 KiB with an object: more is refused before the content is taken, and a very long name gives way to the device's own."""
        with device.blob(device.ask("x" * 900)) as target:
            for size in (1000, 1500):
                target.upload_blob(b"content", overwrite=True, metadata={"line": "n" * size})
                (name,) = [name for name in in_s3.s3.names() if device_id in name]
                kept = in_s3.s3.client.head_object(Bucket=BUCKET, Key=name)["Metadata"]
                assert sum(len(f"x-amz-meta-{name}{value}") for name, value in kept.items()) <= 2048
                assert target.get_blob_properties().metadata == {"line": "n" * size}
            for upload in (target.upload_blob, lambda content, **options: target.commit_block_list([], **options)):
                with pytest.raises(HttpResponseError) as refused:
                    upload(b"other", metadata={"line": "n" * 2050}, **({"overwrite": True} if upload == target.upload_blob else {}))
                assert (refused.value.status_code, refused.value.error_code) == (400, "MetadataTooLarge")
                assert "takes 2048 at most" in refused.value.message
            assert target.download_blob().readall() == b"content"

    def test_restart(self, in_s3, device):
        place = device.ask("kept.txt")
        with device.blob(place) as target:
            target.upload_blob(b"kept", overwrite=True)
            target.stage_block("b1", b"waiting")
        in_s3.kill()
        in_s3.serve()
        with device.blob(place) as target:
            assert target.download_blob().readall() == b"kept"
            assert [block.id for block in target.get_block_list("uncommitted")[1]] == ["b1"]


class TestHub:
    def test_place_to_the_letter(self, device):
        """C wants all five members, and writes a slash after the path; the token brings its own question mark."""
        for path in ("files", "files/"):
            place = device.ask("a.txt", path)
            assert all(isinstance(place[name], str) and place[name] for name in ("correlationId", "hostName", "containerName", "blobName", "sasToken"))
            assert place["sasToken"].startswith("?") and not place["hostName"].startswith("https")

    def test_told_in_every_form(self, device):
        """C: a slash after the path; Node: the correlation id in it."""
        body = {"isSuccess": True, "statusCode": 0, "statusDescription": "ok"}
        place = device.ask()
        assert device.post("files/notifications/", {**body, "correlationId": place["correlationId"]}).status_code == 204
        place = device.ask()
        path = f"files/notifications/{requests.utils.quote(place['correlationId'], safe='')}"
        assert device.post(path, body).status_code == 204

    def test_unknown_correlation(self, device):
        assert device.tell({"correlationId": "bm90aGluZw=="}) == 400
        place = device.ask()
        assert device.tell(place) == 204
        assert device.tell(place) == 400, "once is enough"

    def test_active_uploads(self, device):
        places = [device.ask(f"{n}.txt") for n in range(ACTIVE_MAX)]
        refused = device.post("files", {"blobName": "one-too-many.txt"})
        assert refusal_a(refused)[:2] == (403, "DeviceMaximumActiveFileUploadLimitExceeded")
        assert device.tell(places[0], success=False) == 204
        device.ask("again.txt")

    def test_of_another_device(self, server, roadstead, device, device_id):
        other = Device(server, f"{device_id}-other", roadstead.device_key(f"{device_id}-other"))
        place = device.ask()
        assert other.tell(place) == 400
        other.device_id = device_id
        assert other.post("files", {"blobName": "a"}).status_code == 401
        assert device.tell(place) == 204


class TestNode:
    @pytest.mark.parametrize("kib", [10, 5 * 1024])
    @pytest.mark.parametrize("transport", ["http", "mqtt"])
    def test_upload_to_blob(self, server, port_443, roadstead, device, device_id, transport, kib):
        """The vendor's own sizes; their name has a slash in it too."""
        actor = Actor(server, "device.js")
        try:
            actor("open", transport, roadstead.connection_string(device_id))
            actor("upload", "mye2edir/e2eblob", "x" * 1024 * kib)
        finally:
            actor.end()
        place = device.ask("mye2edir/e2eblob")
        with device.blob(place) as target:
            assert target.get_blob_properties().size == 1024 * kib
