"""Certificates of every kind a device may turn up with, made in a moment (P-256)."""

import datetime as dt
import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass
class Certificate:
    """A certificate with its key, in memory and as files."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    path: Path
    key_path: Path

    @property
    def pair(self) -> tuple[Path, Path]:
        """What a client loads to present this certificate alone."""
        return self.path, self.key_path

    def chained(self, *issuers: "Certificate") -> tuple[Path, Path]:
        """What a client loads to present this certificate followed by `issuers`."""
        chain = self.path.with_name(self.path.stem + "-chain.pem")
        chain.write_bytes(b"".join(each.path.read_bytes() for each in (self, *issuers)))
        return chain, self.key_path

    def copy_to(self, folder: Path, name: str) -> None:
        """As the portal's programs look for them: `name.pem` and `name.key`."""
        for path, suffix in zip(self.pair, (".pem", ".key"), strict=True):
            shutil.copy(path, folder / f"{name}{suffix}")

    @property
    def thumbprint(self) -> str:
        """SHA-256, upper case, as the registry shows it."""
        return hashlib.sha256(self.certificate.public_bytes(serialization.Encoding.DER)).hexdigest().upper()


class CertificateMaker:
    """Makes certificates into one folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._made = 0

    def root(self, name: str, **options) -> Certificate:
        return self.issue(None, name, ca=True, **options)

    def self_signed(self, name: str, **options) -> Certificate:
        return self.issue(None, name, **options)

    def issue(self, issuer: Certificate | None, name: str, ca: bool = False, from_days: float = -1, to_days: float = 30) -> Certificate:
        """A certificate for CN `name`, valid from now + `from_days` to now + `to_days`."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = dt.datetime.now(dt.timezone.utc)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
        usage |= {"digital_signature": not ca, "key_cert_sign": ca, "crl_sign": ca, "encipher_only": False, "decipher_only": False}
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + dt.timedelta(days=from_days))
            .not_valid_after(now + dt.timedelta(days=to_days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**usage), critical=True)
        )
        if not ca:
            builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        return self._written(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key, name)

    def _written(self, certificate: x509.Certificate, key, name: str) -> Certificate:
        self._made += 1
        stem = self.folder / f"{self._made}-{name}"
        made = Certificate(certificate, key, Path(f"{stem}.pem"), Path(f"{stem}.key"))
        made.path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        form = serialization.PrivateFormat.PKCS8
        made.key_path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
        return made


def openssl(folder: Path, command: str) -> str:
    """One `openssl` command as documents print it, run by a shell in `folder`."""
    done = subprocess.run(f"openssl {command}", shell=True, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"openssl {command}\n{done.stderr}"
    return done.stdout
