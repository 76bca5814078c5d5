"""
The bytes of a notification: the v3 envelope, or the v2 XML that refunds may still arrive as.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Sequence
from typing import Any, Protocol
from xml.sax.saxutils import escape

from sandbox import faults as switches
from sandbox import signing
from sandbox.clock import rfc3339
from sandbox.faults import Fault, named
from sandbox.world import Merchant, World


class News(Protocol):
    """What an envelope needs to know."""

    id: str
    merchant: Merchant
    event_type: str
    original_type: str
    summary: str
    content: dict[str, Any]
    created_at: Any
    is_xml: bool


def build(world: World, news: News, faults: Sequence[Fault]) -> tuple[dict[str, str], bytes]:
    """Return the headers and body of one delivery attempt, made anew."""
    if news.is_xml or named(faults, "xml_body"):
        return {"Content-Type": "text/xml", "User-Agent": "Mozilla/4.0"}, _xml(news)
    plaintext = signing.dump(switches.falsify(news.content, faults))
    key = "x" * 32 if named(faults, "wrong_key") else news.merchant.apiv3_key
    document: dict[str, object] = {
        "id": news.id,
        "create_time": rfc3339(news.created_at),
        "resource_type": "encrypt-resource",
        "event_type": news.event_type,
        "summary": news.summary,
        "resource": {
            "original_type": news.original_type,
            **signing.seal(key, plaintext, news.original_type),
        },
    }
    if named(faults, "unknown_fields"):
        document["sandbox_extra"] = {"nested": [1, "二", {"deep": True}]}
    body = switches.cut_short(signing.dump(document), faults)
    headers = {
        "Content-Type": "application/json",
        "Accept": "*/*",
        "User-Agent": "Mozilla/4.0",
        "Request-ID": f"08{secrets.token_hex(16).upper()}-0",
    }
    return headers | signing.stamp(world, body, faults), body


def _xml(news: News) -> bytes:
    values = {
        "return_code": "SUCCESS",
        "appid": news.merchant.appid,
        "mch_id": news.merchant.mchid,
        "nonce_str": secrets.token_hex(16),
        # Sealed with the v2 key, which this WeChat does not have: opaque on purpose.
        "req_info": b64encode(secrets.token_bytes(256)).decode(),
    }
    inside = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items())
    return f"<xml>{inside}</xml>".encode()
