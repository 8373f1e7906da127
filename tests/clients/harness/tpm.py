"""A TPM in software (`swtpm`), with its keys and commands by `tpm2-tools`: neither shares a line with us."""

import base64
import os
import shutil
import socket
import subprocess
from pathlib import Path

from .server import free_port, is_free
from .wait import until

# Where the SDKs keep both keys.
ENDORSEMENT_KEY, STORAGE_ROOT_KEY = "0x81010001", "0x81000001"
# How tpm2-tools begin a file with a credential.
CREDENTIAL_FILE_HEAD = bytes.fromhex("badcc0de00000001")
# A public key that some TPM may have: by the SDKs' template, with a modulus that nobody has the factors of.
SOME_ENDORSEMENT_KEY = base64.b64encode(
    bytes.fromhex("013a0001000b000300b20020837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa")
    + bytes.fromhex("00060080004300100800000000000100")
    + b"\xc5" * 256
).decode()


def is_installed() -> bool:
    return all(shutil.which(name) for name in ("swtpm", "tpm2_activatecredential"))


def parts(blob: bytes) -> list[bytes]:
    """What an activation blob is made of, each with its two bytes of size."""
    found = []
    while blob:
        end = 2 + int.from_bytes(blob[:2], "big")
        assert end <= len(blob), "a part is cut off"
        found.append(blob[:end])
        blob = blob[end:]
    return found


def _two_ports() -> int:
    """A free port whose next one is free, too: there the tools control the TPM."""
    return next(port for port in iter(free_port, None) if is_free(port + 1))


class SoftwareTpm:
    """One TPM. Several programs may use it, one after the other."""

    def __init__(self, folder: Path):
        folder.mkdir()
        self._folder = folder
        self.port = _two_ports()
        state = ["--tpm2", "--tpmstate", f"dir={folder}", "--flags", "not-need-init,startup-clear"]
        doors = ["--server", f"type=tcp,port={self.port}", "--ctrl", f"type=tcp,port={self.port + 1}"]
        self._process = subprocess.Popen(["swtpm", "socket", *state, *doors])
        until(self._listens, 30, "a listening swtpm")

    def _listens(self) -> bool:
        assert self._process.poll() is None, "swtpm ended"
        with socket.socket() as door:
            return door.connect_ex(("127.0.0.1", self.port)) == 0

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(60)

    def run(self, tool: str, *words) -> None:
        """One of tpm2-tools, in the TPM's folder."""
        environment = {"PATH": os.environ["PATH"], "TPM2TOOLS_TCTI": f"swtpm:host=127.0.0.1,port={self.port}"}
        command = [f"tpm2_{tool}", *map(str, words)]
        done = subprocess.run(command, env=environment, cwd=self._folder, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{command}: {done.stderr}"

    def read(self, name: str) -> bytes:
        return (self._folder / name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        (self._folder / name).write_bytes(content)

    def make_keys(self) -> dict[str, str]:
        """Both keys by the templates of the TCG, where the SDKs keep them; as base64, by their names in JSON."""
        self.run("createek", "-c", ENDORSEMENT_KEY, "-G", "rsa", "-u", "ek.pub")
        self.run("createprimary", "-C", "o", "-g", "sha256", "-G", "rsa2048:aes128cfb", "-c", "srk.ctx")
        self.run("evictcontrol", "-C", "o", "-c", "srk.ctx", STORAGE_ROOT_KEY)
        self.run("flushcontext", "-t")
        self.run("readpublic", "-c", STORAGE_ROOT_KEY, "-f", "tss", "-o", "srk.pub")
        encoded = [base64.b64encode(self.read(name)).decode() for name in ("ek.pub", "srk.pub")]
        return dict(zip(("endorsementKey", "storageRootKey"), encoded))

    def activate(self, blob: bytes) -> None:
        """Takes in the signing key of a blob, as `sign` uses it."""
        credential, credential_seed, private, private_seed, public, data = parts(blob)
        assert data == bytes(2)
        self.write("credential", CREDENTIAL_FILE_HEAD + credential + credential_seed)
        self.run("startauthsession", "--policy-session", "-S", "session.ctx")
        self.run("policysecret", "-S", "session.ctx", "-c", "e")
        keys = ("-c", STORAGE_ROOT_KEY, "-C", ENDORSEMENT_KEY)
        self.run("activatecredential", *keys, "-i", "credential", "-o", "inner.key", "-P", "session:session.ctx")
        self.run("flushcontext", "session.ctx")
        for name, content in (("key.dpriv", private), ("key.seed", private_seed), ("key.pub", public)):
            self.write(name, content)
        self.run("import", "-C", STORAGE_ROOT_KEY, "-u", "key.pub", "-i", "key.dpriv", "-r", "key.priv", "-s", "key.seed", "-k", "inner.key")
        self.run("load", "-C", STORAGE_ROOT_KEY, "-u", "key.pub", "-r", "key.priv", "-c", "key.ctx")
        self.run("flushcontext", "-t")

    def sign(self, text: str) -> bytes:
        """HMAC-SHA256 with the key that was taken in last."""
        self.write("text", text.encode())
        self.run("hmac", "-c", "key.ctx", "-g", "sha256", "-o", "signature", "text")
        self.run("flushcontext", "-t")
        return self.read("signature")
