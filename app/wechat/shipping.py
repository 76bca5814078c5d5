"""
Order shipping management (发货信息管理): WeChat is told of parcels, then lets the money go.
"""

import time
from datetime import datetime
from typing import Any

from app.wechat.errors import ResultUnknown, WeChatRefused
from app.wechat.mini import MiniClient

UPLOAD = "/wxa/sec/order/upload_shipping_info"
GET_ORDER = "/wxa/sec/order/get_order"
REMIND = "/wxa/sec/order/notify_confirm_receive"
IS_MANAGED = "/wxa/sec/order/is_trade_managed"

NOTHING_CHANGED = "10060023"
NOT_YET = {"10060001", "10060012", "10060019"}
"""The payment is not known there yet, or WeChat is busy: the same may be sent again."""
REMINDED_ALREADY = "10060030"
RECEIVED_STATES = {3, 4, 6}
"""Received; done; received and waiting for the money to be let go."""
ANSWER_HOLDS_SECONDS = 3600


class ShippingClient:
    """What one mini-program tells WeChat of its parcels. Thread-safe; one per process."""

    def __init__(self, mini: MiniClient, *, appid: str, mchid: str) -> None:
        self._mini = mini
        self._appid = appid
        self.mchid = mchid
        self._managed: tuple[float, bool] | None = None

    def is_managed(self) -> bool:
        """
        Tell whether WeChat wants to know of this mini-program's parcels; an answer holds an hour.

        :raises WeChatRefused: an errcode.
        :raises ResultUnknown: WeChat does not answer, or is busy.
        """
        known = self._managed
        if known is not None and time.monotonic() < known[0]:
            return known[1]
        answer = self._mini.call(IS_MANAGED, {"appid": self._appid})
        is_managed = answer.get("is_trade_managed")
        if not isinstance(is_managed, bool):
            raise ResultUnknown("an answer without is_trade_managed")
        self._managed = time.monotonic() + ANSWER_HOLDS_SECONDS, is_managed
        return is_managed

    def upload(self, body: dict[str, Any]) -> None:
        """
        Tell WeChat of all parcels of an order so far; the same again changes nothing.

        :raises WeChatRefused: another errcode; `reason` holds it.
        :raises ResultUnknown: WeChat does not answer, is busy or does not know the payment yet.
        """
        try:
            self._mini.call(UPLOAD, body)
        except WeChatRefused as refused:
            if refused.reason in NOT_YET:
                raise ResultUnknown(str(refused)) from refused
            if refused.reason != NOTHING_CHANGED:
                raise

    def is_received(self, transaction_id: str) -> bool:
        """
        Ask WeChat whether the buyer, or time, has confirmed that the goods are there.

        :raises WeChatRefused: an errcode, such as for a payment it does not know.
        :raises ResultUnknown: WeChat does not answer, or is busy.
        """
        answer = self._mini.call(GET_ORDER, {"transaction_id": transaction_id})
        order = answer.get("order")
        if not isinstance(order, dict) or order.get("transaction_id") != transaction_id:
            raise ResultUnknown("an answer about another order")
        return order.get("order_state") in RECEIVED_STATES

    def remind(self, transaction_id: str, *, received_at: datetime) -> None:
        """
        Have WeChat remind the buyer to confirm; it does so once per order, express only.

        :raises WeChatRefused: an errcode; not for a reminder that was used already.
        :raises ResultUnknown: WeChat does not answer, or is busy.
        """
        body = {"transaction_id": transaction_id, "received_time": int(received_at.timestamp())}
        try:
            self._mini.call(REMIND, body)
        except WeChatRefused as refused:
            if refused.reason != REMINDED_ALREADY:
                raise
