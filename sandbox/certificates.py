"""
`GET /v3/certificates`: how a merchant in certificate mode learns whom to trust.
"""

from __future__ import annotations

from flask import Blueprint

from sandbox import signing
from sandbox.clock import rfc3339
from sandbox.errors import PayRefusal
from sandbox.exchange import Answer, call
from sandbox.v3 import GATE
from sandbox.world import Merchant, World

api = Blueprint("certificates", __name__)
blueprints = (api,)


@api.get("/v3/certificates")
@call(GATE, "certificates")
def certificates(world: World, merchant: Merchant) -> Answer:
    """Return every platform certificate, each sealed with the merchant's APIv3 key."""
    if world.settings.signing == "public_key":
        raise PayRefusal(404, "RESOURCE_NOT_EXISTS", "无可用的平台证书, 请使用微信支付公钥")
    data = [
        {
            "serial_no": one.serial,
            "effective_time": rfc3339(one.effective_at),
            "expire_time": rfc3339(one.expires_at),
            "encrypt_certificate": signing.seal(
                merchant.apiv3_key, one.pem.encode(), "certificate"
            ),
        }
        for one in world.keys.certificates
    ]
    return Answer({"data": data})
