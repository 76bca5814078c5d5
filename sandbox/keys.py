"""
The platform's keys: one public-key-mode pair and its certificates, made at start.

Nothing is written to disk; another start is another WeChat.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from cryptography.x509.oid import NameOID

CERTIFICATE_YEARS = 5


@dataclass(frozen=True)
class SigningKey:
    """What one `Wechatpay-Serial` names."""

    serial: str
    private_key: RSAPrivateKey

    def sign(self, message: bytes) -> str:
        return b64encode(self.private_key.sign(message, PKCS1v15(), SHA256())).decode()

    def public_pem(self) -> str:
        return (
            self.private_key.public_key()
            .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            .decode()
        )


@dataclass(frozen=True)
class Certificate(SigningKey):
    """A platform certificate: a key with a lifetime, downloadable in certificate mode."""

    pem: str
    effective_at: datetime
    expires_at: datetime


@dataclass
class PlatformKeys:
    """Every key WeChat signs with. The newest certificate is the last."""

    public_key: SigningKey
    certificates: list[Certificate] = field(default_factory=list)

    def rotate(self) -> Certificate:
        certificate = _make_certificate()
        self.certificates.append(certificate)
        return certificate


def generate() -> PlatformKeys:
    """Make a fresh set of keys; about 0.2 s, so share one between test servers."""
    public_key = SigningKey(f"PUB_KEY_ID_0{_digits(31)}", _rsa())
    return PlatformKeys(public_key, [_make_certificate()])


def load_public(pem: str) -> RSAPublicKey:
    """
    Read a merchant's RSA public key.

    :raises ValueError: the text is not the PEM of an RSA public key.
    """
    try:
        key = load_pem_public_key(pem.encode())
    except UnsupportedAlgorithm as error:
        raise ValueError("not a key this can read") from error
    if not isinstance(key, RSAPublicKey):
        raise ValueError("not an RSA public key")
    return key


def is_signed_by(key: RSAPublicKey, signature: bytes, message: bytes) -> bool:
    """Tell whether `signature` is RSA-SHA256 (PKCS#1 v1.5) by `key` over `message`."""
    try:
        key.verify(signature, message, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _rsa() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def _digits(count: int) -> str:
    return "".join(secrets.choice("0123456789") for _ in range(count))


def _make_certificate() -> Certificate:
    key = _rsa()
    # Forty hex digits with the top bit clear: what X.509 allows and WeChat prints.
    serial = int("5" + secrets.token_hex(20)[1:], 16)
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    end = start + timedelta(days=365 * CERTIFICATE_YEARS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "WeChat sandbox platform")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(end)
        .sign(key, SHA256())
    )
    pem = certificate.public_bytes(Encoding.PEM).decode()
    return Certificate(f"{serial:040X}", key, pem, start, end)
