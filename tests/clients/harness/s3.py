"""A server that speaks S3, on a port of its own: moto's, which keeps objects in memory."""

import subprocess
import sys

import boto3
from botocore.exceptions import EndpointConnectionError

from . import wait
from .server import free_port

BUCKET = "files"
SECRET = {"AWS_ACCESS_KEY_ID": "roadstead", "AWS_SECRET_ACCESS_KEY": "not-looked-at"}


class S3:
    """Runs, with one empty bucket, until it is ended."""

    def __init__(self, home):
        port = free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        self._log = (home / "s3.log").open("wb")
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        keys = {name.lower(): value for name, value in SECRET.items()}
        self.client = boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1", **keys)
        wait.until(self._has_bucket, 30, "the S3 server")

    def _has_bucket(self) -> bool:
        assert self._process.poll() is None, "the S3 server ended: see s3.log"
        try:
            self.client.create_bucket(Bucket=BUCKET)
        except EndpointConnectionError:
            return False
        return True

    @property
    def environment(self) -> dict[str, str]:
        """What a program must know that keeps its objects here."""
        return {**SECRET, "AWS_ENDPOINT_URL": self.endpoint, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1"}

    def names(self) -> list[str]:
        """Of all objects."""
        return [found["Key"] for found in self.client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(60)
        self._log.close()
