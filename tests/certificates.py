"""Certificates for a test: an authority, what it signed for a server and for a client, and a stranger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """Signs; `folder` gets the files `<name>.pem` and `<name>.key`."""

    folder: Path
    name: str
    key: rsa.RSAPrivateKey

    @property
    def path(self) -> Path:
        """What others are to trust."""
        return self.folder / f"{self.name}.pem"

    def sign(self, name: str, addresses: tuple[str, ...] = ()) -> Path:
        """Make a key and a certificate for these addresses; return the certificate's path, the key lies beside it."""
        key = new_key()
        builder = about(name, self.name, key.public_key(), authority=False)
        if addresses:
            places = [x509.IPAddress(IPv4Address(address)) for address in addresses]
            builder = builder.add_extension(x509.SubjectAlternativeName(places), critical=False)
        return write(self.folder, name, key, builder.sign(self.key, hashes.SHA256()))


def new_authority(folder: Path, name: str) -> Authority:
    """Make an authority."""
    folder.mkdir(parents=True, exist_ok=True)
    key = new_key()
    write(folder, name, key, about(name, name, key.public_key(), authority=True).sign(key, hashes.SHA256()))
    return Authority(folder, name, key)


def new_key() -> rsa.RSAPrivateKey:
    """Make a key that every server can use."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def about(name: str, issuer: str, key: rsa.RSAPublicKey, *, authority: bool) -> x509.CertificateBuilder:
    """Begin a certificate."""
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(called(issuer), called(name), key, x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )


def called(name: str) -> x509.Name:
    """Return a name as certificates have it."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def write(folder: Path, name: str, key: rsa.RSAPrivateKey, certificate: x509.Certificate) -> Path:
    """Write both files."""
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    )
    path = folder / f"{name}.pem"
    path.write_bytes(certificate.public_bytes(encoding))
    return path
