"""
Personal data at rest: sealed with AES-256-GCM, found again by a keyed hash.

Both keys derive from `SECRET_KEY` (HKDF-SHA256, one context each), so losing that key loses the
data: back it up with the database.
"""

import hashlib
import hmac
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app

NONCE_BYTES = 12


def seal(text: str) -> bytes:
    """Encrypt `text` for storage: nonce, ciphertext and tag in one value."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(_key("seal")).encrypt(nonce, text.encode(), None)


def open_sealed(sealed: bytes) -> str:
    """
    Decrypt what `seal` made.

    :raises cryptography.exceptions.InvalidTag: the value was altered or sealed with another key.
    """
    nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    return AESGCM(_key("seal")).decrypt(nonce, ciphertext, None).decode()


def lookup_hash(text: str) -> str:
    """A keyed hash by which sealed data can be looked up without being readable: 64 hex digits."""
    return hmac.new(_key("lookup"), text.encode(), hashlib.sha256).hexdigest()


def mask_phone(phone: str) -> str:
    """`13812345678` → `138****5678`; anything shorter than eight digits is hidden whole."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 8 else "****"


def mask_name(name: str) -> str:
    """`王小明` → `王**`: the first character, then two stars whatever the length."""
    return f"{name[:1]}**"


def _key(context: str) -> bytes:
    cache: dict[str, bytes] = current_app.extensions.setdefault("derived_keys", {})
    if context not in cache:
        secret = current_app.config["SECRET_KEY"].encode()
        derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"siyu:{context}".encode())
        cache[context] = derive.derive(secret)
    return cache[context]
