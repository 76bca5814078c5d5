"""
What an upload says: the parcels of an order as WeChat wants to read them. Pure.

One express parcel that holds everything is told as one; several, or a part, as a list, which is
told whole each time. What nobody tracks (a courier, a pick-up, virtual goods) has no number to
list, so it is told once everything has left.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.core import clock
from app.orders.models import Order, OrderStatus
from app.orders.parcel_models import Delivery, Shipment
from app.wechat import text

LOGISTICS = {Delivery.EXPRESS: 1, Delivery.COURIER: 2, Delivery.VIRTUAL: 3, Delivery.PICKUP: 4}
UNIFIED, SPLIT = 1, 2
PARCELS_MAX = 15
DESCRIPTION_MAX = 120
SHOWS_CONTACT = "SF"
"""The company whose parcels are only found with the end of a phone number."""


def body_of(
    order: Order, *, mchid: str, out_trade_no: str, openid: str, phone: str, now: datetime
) -> dict[str, Any] | None:
    """Return what is to be told of an order with its lines and parcels; None if nothing yet."""
    parcels = sorted(order.shipments, key=lambda parcel: parcel.id)
    express = [parcel for parcel in parcels if parcel.kind == Delivery.EXPRESS]
    has_all_left = order.status != OrderStatus.PAID
    if not parcels or not (express or has_all_left):
        return None
    titles = {line.id: line.title for line in order.lines}
    told = (express or parcels[:1])[:PARCELS_MAX]
    is_one = has_all_left and len(told) == 1 and (not express or len(parcels) == 1)
    body: dict[str, Any] = {
        "order_key": {"order_number_type": 1, "mchid": mchid, "out_trade_no": out_trade_no},
        "logistics_type": LOGISTICS[Delivery(told[0].kind)],
        "delivery_mode": UNIFIED if is_one else SPLIT,
        "shipping_list": [_parcel(each, parcels, titles, phone) for each in told],
        "upload_time": now.astimezone(clock.CHINA).isoformat(timespec="milliseconds"),
        "payer": {"openid": openid},
    }
    return body if is_one else body | {"is_all_delivered": has_all_left}


def digest_of(body: Mapping[str, Any]) -> bytes:
    """Return what two uploads have in common that say the same at different times."""
    said = {name: value for name, value in body.items() if name != "upload_time"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).digest()


def _parcel(
    parcel: Shipment, every: Sequence[Shipment], titles: Mapping[int, str], phone: str
) -> dict[str, Any]:
    inside = [parcel] if parcel.kind == Delivery.EXPRESS else every
    words = "，".join(
        f"{titles[line.order_line_id]}×{line.quantity}" for each in inside for line in each.lines
    )
    told: dict[str, Any] = {"item_desc": text.clean(words)[:DESCRIPTION_MAX]}
    if parcel.kind == Delivery.EXPRESS:
        told |= {"tracking_no": parcel.tracking_no, "express_company": parcel.company_code}
    if parcel.company_code == SHOWS_CONTACT:
        told["contact"] = {"receiver_contact": f"{phone[:3]}****{phone[-4:]}"}
    return told
