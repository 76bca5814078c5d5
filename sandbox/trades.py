"""
Trades: an order as WeChat sees it, from prepay to paid, closed or refunded.

NOTPAY -> SUCCESS | CLOSED; a trade with an accepted refund reports REFUND. An unpaid trade closes
itself when its `time_expire` has passed.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.clock import CHINA, rfc3339
from sandbox.errors import ControlRefusal, PayRefusal
from sandbox.world import Merchant, Store, World, digits

PREPAY_SECONDS = 2 * 3600
DESCRIPTIONS = {
    "NOTPAY": "订单未支付",
    "SUCCESS": "支付成功",
    "CLOSED": "订单已关闭",
    "REFUND": "转入退款",
}


@dataclass
class Trade:
    """One `out_trade_no` of one merchant. Amounts in fen; `closes_at` in sandbox time."""

    merchant: Merchant
    body: dict[str, Any]
    closes_at: float
    created_at: datetime
    prepay_ids: dict[str, float] = field(default_factory=dict)
    paid_at: datetime | None = None
    paid_passed: float = 0.0
    transaction_id: str | None = None
    is_closed: bool = False
    is_unchecked: bool = False
    """Paid from the page or the control API, without a verified paySign."""
    refunding_fen: int = 0
    """Accepted refunds that were not closed."""
    failures: list[str] = field(default_factory=list)

    @property
    def out_trade_no(self) -> str:
        return str(self.body["out_trade_no"])

    @property
    def total_fen(self) -> int:
        return int(self.body["amount"]["total"])

    def state(self, passed: float) -> str:
        if self.paid_at:
            return "REFUND" if self.refunding_fen else "SUCCESS"
        return "CLOSED" if self.is_closed or passed >= self.closes_at else "NOTPAY"

    def document(self, state: str) -> dict[str, object]:
        """Return the trade as the query and the notification show it."""
        body = self.body
        document: dict[str, object] = {
            "appid": body["appid"],
            "mchid": body["mchid"],
            "out_trade_no": self.out_trade_no,
            "trade_state": state,
            "trade_state_desc": DESCRIPTIONS[state],
            "attach": body.get("attach", ""),
            "payer": {"openid": body["payer"]["openid"]},
            "amount": {"total": self.total_fen, "currency": "CNY"},
        }
        if self.paid_at:
            document |= {
                "transaction_id": self.transaction_id,
                "trade_type": "JSAPI",
                "bank_type": "OTHERS",
                "success_time": rfc3339(self.paid_at),
                "amount": self._paid_amount(),
            }
        return document

    def _paid_amount(self) -> dict[str, object]:
        return {
            "total": self.total_fen,
            "payer_total": self.total_fen,
            "currency": "CNY",
            "payer_currency": "CNY",
        }


class Trades(Store):
    """All trades by merchant and number."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._by_number: dict[tuple[str, str], Trade] = {}
        self._by_transaction: dict[tuple[str, str], Trade] = {}
        self._by_prepay: dict[str, Trade] = {}

    def all(self) -> list[Trade]:
        return list(self._by_number.values())

    def find(self, mchid: str, out_trade_no: str) -> Trade | None:
        return self._by_number.get((mchid, out_trade_no))

    def find_transaction(self, mchid: str, transaction_id: str) -> Trade | None:
        return self._by_transaction.get((mchid, transaction_id))

    def find_prepay(self, prepay_id: str) -> Trade | None:
        return self._by_prepay.get(prepay_id)

    def named(self, out_trade_no: str, mchid: str | None = None) -> Trade:
        """
        Return the one trade of that number, for the control API.

        :raises ControlRefusal: there is none, or several merchants have it.
        """
        found = [
            trade
            for (owner, number), trade in self._by_number.items()
            if number == out_trade_no and mchid in (None, owner)
        ]
        if len(found) != 1:
            raise ControlRefusal(404 if not found else 409, f"{len(found)} trades {out_trade_no}")
        return found[0]

    def state(self, trade: Trade) -> str:
        return trade.state(self.world.clock.passed())

    def prepay(self, merchant: Merchant, body: dict[str, Any], seconds: float) -> str:
        """
        Open a trade, or open the same one again; return a new prepay_id.

        :raises PayRefusal: the number is paid, closed or was used with another body.
        """
        trade = self.find(merchant.mchid, body["out_trade_no"])
        if trade is None:
            clock = self.world.clock
            trade = Trade(merchant, body, clock.passed() + seconds, clock.now())
            self._by_number[merchant.mchid, trade.out_trade_no] = trade
        else:
            self._check_reopening(trade, body)
        prepay_id = f"wx{self.world.clock.now().astimezone(CHINA):%d%H%M%S}{secrets.token_hex(13)}"
        trade.prepay_ids[prepay_id] = self.world.clock.passed() + PREPAY_SECONDS
        self._by_prepay[prepay_id] = trade
        return prepay_id

    def close(self, trade: Trade) -> None:
        """
        Close an unpaid trade; closing twice is harmless.

        :raises PayRefusal: it has been paid.
        """
        if trade.paid_at:
            raise PayRefusal(400, "ORDERPAID", "订单已支付, 不能关闭")
        trade.is_closed = True

    def mark_paid(self, trade: Trade, *, paid_at: datetime, is_unchecked: bool) -> None:
        """Take the payer's money; the caller has checked that the trade is NOTPAY."""
        trade.paid_at, trade.paid_passed = paid_at, self.world.clock.passed()
        trade.is_unchecked = is_unchecked
        trade.transaction_id = f"4200{digits(6)}{paid_at.astimezone(CHINA):%Y%m%d}{digits(10)}"
        self._by_transaction[trade.merchant.mchid, trade.transaction_id] = trade

    def _check_reopening(self, trade: Trade, body: dict[str, Any]) -> None:
        state = self.state(trade)
        if state in ("SUCCESS", "REFUND"):
            raise PayRefusal(400, "ORDERPAID", "该订单已支付")
        if state == "CLOSED":
            raise PayRefusal(400, "ORDER_CLOSED", "该订单已关闭, 请重新下单")
        if trade.body != body:
            raise PayRefusal(403, "OUT_TRADE_NO_USED", "商户订单号重复")
