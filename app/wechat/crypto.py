"""
The cryptography of WeChat: RSA signatures, AES-GCM, OAEP and the user data of the mini-program.

Pure functions over bytes and keys. They know no header, no URL and no clock.
"""

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

APIV3_KEY_BYTES = 32


class Undecipherable(Exception):
    """A ciphertext is damaged, or was not made with our key."""


class NotAnRsaKey(Exception):
    """A PEM text holds no RSA key of the kind asked for."""


def private_key(pem: str) -> RSAPrivateKey:
    """
    Load the merchant's private key.

    :raises NotAnRsaKey: the text holds something else.
    """
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise NotAnRsaKey("the merchant's private key is not a PEM private key") from error
    if not isinstance(key, RSAPrivateKey):
        raise NotAnRsaKey("the merchant's private key is not RSA")
    return key


def public_key(pem: str) -> RSAPublicKey:
    """
    Load a public key, bare or out of a certificate.

    :raises NotAnRsaKey: the text holds something else.
    """
    try:
        key = _any_public_key(pem.encode())
    except ValueError as error:
        raise NotAnRsaKey("not a PEM public key or certificate") from error
    if not isinstance(key, RSAPublicKey):
        raise NotAnRsaKey("the public key is not RSA")
    return key


def _any_public_key(pem: bytes) -> object:
    if b"BEGIN CERTIFICATE" in pem:
        return x509.load_pem_x509_certificate(pem).public_key()
    return serialization.load_pem_public_key(pem)


def apiv3_key(text: str) -> bytes:
    """
    Give the AES key of notifications and certificates: 32 bytes of text, never fewer.

    :raises ValueError: the text has another length.
    """
    key = text.encode()
    if len(key) != APIV3_KEY_BYTES:
        raise ValueError(f"the APIv3 key must be {APIV3_KEY_BYTES} bytes, not {len(key)}")
    return key


def encoding_aes_key(text: str) -> bytes:
    """
    Give the AES key of message push: 43 characters of base64 without their padding.

    :raises ValueError: it is not such a text.
    """
    key = base64.b64decode(f"{text}=", validate=True)
    if len(key) != 32:
        raise ValueError("the EncodingAESKey must be 43 characters")
    return key


def sign(key: RSAPrivateKey, message: bytes) -> str:
    """Sign `message` with SHA256-RSA (PKCS#1 v1.5) and give the signature as base64."""
    return base64.b64encode(key.sign(message, rsa_padding.PKCS1v15(), hashes.SHA256())).decode()


def verifies(key: RSAPublicKey, message: bytes, signature: str) -> bool:
    """Tell whether `signature` (base64) is the one `key`'s owner made over `message`."""
    try:
        given = base64.b64decode(signature, validate=True)
        key.verify(given, message, rsa_padding.PKCS1v15(), hashes.SHA256())
    except (ValueError, InvalidSignature):
        return False
    return True


def open_gcm(key: bytes, *, nonce: str, associated_data: str, ciphertext: str) -> bytes:
    """
    Decrypt AES-GCM as WeChat packs it: text nonce, text associated data, base64 with the tag last.

    :raises Undecipherable: the key, the nonce, the associated data or a bit of the text is wrong.
    """
    try:
        sealed = base64.b64decode(ciphertext, validate=True)
        return AESGCM(key).decrypt(nonce.encode(), sealed, associated_data.encode())
    except (ValueError, InvalidTag) as error:
        raise Undecipherable("the resource does not open with our APIv3 key") from error


def seal_oaep(key: RSAPublicKey, text: str) -> str:
    """
    Encrypt a sensitive field (a payee's name) for WeChat; at most 214 bytes for a 2048-bit key.

    The protocol prescribes OAEP with SHA-1; it is not a hash of anything here.

    :raises ValueError: the text is longer than the key can carry.
    """
    scheme = rsa_padding.OAEP(
        mgf=rsa_padding.MGF1(hashes.SHA1()),  # noqa: S303 - prescribed by the protocol.
        algorithm=hashes.SHA1(),  # noqa: S303 - prescribed by the protocol.
        label=None,
    )
    return base64.b64encode(key.encrypt(text.encode(), scheme)).decode()


def open_user_data(*, session_key: str, iv: str, encrypted_data: str, appid: str) -> dict[str, Any]:
    """
    Decrypt what an old client sends as `encryptedData`; its watermark must be ours.

    :raises Undecipherable: wrong session key, damaged data, or data of another mini-program.
    """
    try:
        key, start = base64.b64decode(session_key), base64.b64decode(iv)
        decryptor = Cipher(algorithms.AES(key), modes.CBC(start)).decryptor()
        padded = decryptor.update(base64.b64decode(encrypted_data)) + decryptor.finalize()
        unpadder = padding.PKCS7(algorithms.AES.block_size).unpadder()
        data = json.loads(unpadder.update(padded) + unpadder.finalize())
    except (ValueError, binascii.Error, RecursionError) as error:
        raise Undecipherable("the user data does not open with this session key") from error
    if not isinstance(data, dict) or _watermark(data) != appid:
        raise Undecipherable("the user data belongs to another mini-program")
    return data


def _watermark(data: dict[str, Any]) -> object:
    watermark = data.get("watermark")
    return watermark.get("appid") if isinstance(watermark, dict) else None


def user_data_signature(*, session_key: str, raw_data: str) -> str:
    """Compute the signature that must come with `rawData`: hex SHA-1, as the protocol has it."""
    return hashlib.sha1((raw_data + session_key).encode()).hexdigest()  # noqa: S324 - prescribed.


def session_signature(*, session_key: str, body: str) -> str:
    """Sign `body` for the calls that prove a session: the key is the base64 text as it stands."""
    return hmac.new(session_key.encode(), body.encode(), hashlib.sha256).hexdigest()
