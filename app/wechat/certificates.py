"""
The list of platform certificates: `GET /v3/certificates`, opened and checked.

The list is signed by one of the certificates inside it. At the first start there is nothing else
to check it with, so it is decrypted first (AES-GCM with our own APIv3 key already proves where it
comes from) and verified second.
"""

import json
from collections.abc import Sequence
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from app.wechat import crypto
from app.wechat.errors import UntrustedAnswer
from app.wechat.keys import Certificate

PATH = "/v3/certificates"


def open_list(body: bytes, apiv3_keys: Sequence[bytes]) -> list[Certificate]:
    """
    Decrypt every certificate of the list `body`.

    :raises UntrustedAnswer: the list is not one, or does not open with our APIv3 key.
    """
    try:
        entries = json.loads(body)["data"]
        return [_open_entry(entry, apiv3_keys) for entry in entries]
    except (ValueError, KeyError, TypeError, RecursionError, crypto.Undecipherable) as error:
        raise UntrustedAnswer("the list of platform certificates cannot be read") from error


def _open_entry(entry: dict[str, Any], apiv3_keys: Sequence[bytes]) -> Certificate:
    pem = open_resource(entry["encrypt_certificate"], apiv3_keys)
    certificate = x509.load_pem_x509_certificate(pem)
    # As the list writes it, which is how answers will name it: a number alone has no leading zeros.
    serial: str = entry["serial_no"]
    if int(serial, 16) != certificate.serial_number:
        raise ValueError("a platform certificate under another's serial number")
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise TypeError("a platform certificate without an RSA key")
    return Certificate(
        serial=serial,
        key=key,
        effective_at=certificate.not_valid_before_utc,
        expires_at=certificate.not_valid_after_utc,
    )


def open_resource(sealed: dict[str, Any], apiv3_keys: Sequence[bytes]) -> bytes:
    """
    Decrypt what WeChat Pay seals as `{algorithm, nonce, associated_data, ciphertext}`.

    Several keys are tried in turn, so that an APIv3 key can be changed without losing a message.

    :raises crypto.Undecipherable: no key opens it, or it is not such a thing.
    """
    nonce, ciphertext = sealed.get("nonce"), sealed.get("ciphertext")
    associated = sealed.get("associated_data") or ""
    if not (isinstance(nonce, str) and isinstance(ciphertext, str) and isinstance(associated, str)):
        raise crypto.Undecipherable("the sealed resource lacks its nonce or ciphertext")
    failure = crypto.Undecipherable("there is no APIv3 key")
    for key in apiv3_keys:
        try:
            return crypto.open_gcm(
                key, nonce=nonce, associated_data=associated, ciphertext=ciphertext
            )
        except crypto.Undecipherable as error:
            failure = error
    raise failure
