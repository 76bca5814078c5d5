"""
The bytes of a pushed message of the mini-program's: in clear or sealed, JSON or XML.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import struct
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any, Protocol
from urllib.parse import urlencode

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from sandbox import faults as switches
from sandbox.faults import Fault, named
from sandbox.world import Merchant, World

BLOCK = 32
"""What the plaintext is filled up to: twice the block of the cipher."""
STALE_SECONDS = 600


class News(Protocol):
    """What a pushed message needs to know."""

    url: str
    merchant: Merchant
    content: dict[str, Any]


def build(world: World, news: News, faults: Sequence[Fault]) -> tuple[str, dict[str, str], bytes]:
    """Return the address, headers and body of one delivery attempt, made anew."""
    settings = world.settings
    stamp = int(world.clock.now().timestamp())
    stamp -= STALE_SECONDS if named(faults, "stale_timestamp") else 0
    timestamp, nonce = str(stamp), str(secrets.randbelow(10**10))
    token = "wrong" if named(faults, "bad_signature") else settings.push_token
    content = switches.falsify(news.content, faults)
    query = {
        "signature": _sign(token, timestamp, nonce),
        "timestamp": timestamp,
        "nonce": nonce,
        "openid": str(content["FromUserName"]),
    }
    if settings.push_mode == "safe":
        appid = "wx0000000000000bad" if named(faults, "wrong_appid") else news.merchant.appid
        sealed = seal(settings.push_aes_key, _text(settings.push_format, content), appid)
        query |= {
            "encrypt_type": "aes",
            "msg_signature": _sign(token, timestamp, nonce, sealed),
        }
        content = {"ToUserName": content["ToUserName"], "Encrypt": sealed}
    if named(faults, "unsigned"):
        query = {name: value for name, value in query.items() if "signature" not in name}
    body = switches.cut_short(_text(settings.push_format, content).encode(), faults)
    kind = "text/xml" if settings.push_format == "xml" else "application/json"
    headers = {"Content-Type": kind, "User-Agent": "Mozilla/4.0"}
    return f"{news.url}?{urlencode(query)}", headers, body


def seal(aes_key: str, text: str, appid: str) -> str:
    """Seal `text` as safe mode does: AES-256-CBC over random bytes, length, text and appid."""
    key = b64decode(aes_key + "=")
    raw = text.encode()
    plain = os.urandom(16) + struct.pack(">I", len(raw)) + raw + appid.encode()
    missing = BLOCK - len(plain) % BLOCK
    cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return b64encode(cipher.update(plain + bytes([missing]) * missing) + cipher.finalize()).decode()


def _sign(*parts: str) -> str:
    # The protocol's own choice; nothing here rests on its strength.
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def _text(form: str, content: dict[str, Any]) -> str:
    if form == "xml":
        return _xml("xml", content)
    return json.dumps(content, ensure_ascii=False)


def _xml(name: str, value: object) -> str:
    if isinstance(value, list):
        return "".join(_xml(name, each) for each in value)
    if isinstance(value, dict):
        inside = "".join(_xml(key, each) for key, each in value.items())
    elif isinstance(value, str):
        inside = f"<![CDATA[{value.replace(']]>', '')}]]>"
    else:
        inside = str(value)
    return f"<{name}>{inside}</{name}>"
