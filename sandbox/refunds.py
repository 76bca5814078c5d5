"""
Refunds: PROCESSING -> SUCCESS, ABNORMAL or CLOSED, by number, in at most fifty parts.

What is ABNORMAL is PROCESSING again once the merchant has named an account for it.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox import faults as switches
from sandbox.clock import CHINA, rfc3339
from sandbox.errors import ControlRefusal, PayRefusal, invalid_request
from sandbox.notify import Notification, Notifications
from sandbox.trades import Trade, Trades
from sandbox.world import Merchant, Store, World, digits

SURFACE = "notify_refund"
switches.NOTIFICATIONS.add(SURFACE)
MOST_PARTS = 50
YEAR_SECONDS = 365 * 86400
OUTCOMES = ("SUCCESS", "ABNORMAL", "CLOSED")
MOVES = {"PROCESSING": OUTCOMES, "ABNORMAL": ("SUCCESS", "CLOSED"), "SUCCESS": (), "CLOSED": ()}
SUMMARIES = {"SUCCESS": "退款成功", "ABNORMAL": "退款异常", "CLOSED": "退款关闭"}


@dataclass
class Refund:
    """One `out_refund_no` of one trade. Amounts in fen."""

    trade: Trade
    body: dict[str, Any]
    refund_id: str
    created_at: datetime
    status: str = "PROCESSING"
    succeeded_at: datetime | None = None

    @property
    def out_refund_no(self) -> str:
        return str(self.body["out_refund_no"])

    @property
    def amount_fen(self) -> int:
        return int(self.body["amount"]["refund"])

    def document(self) -> dict[str, object]:
        """Return the refund as its own call and the query show it."""
        total, refund = self.trade.total_fen, self.amount_fen
        return {
            **self._names(),
            "channel": "ORIGINAL",
            "create_time": rfc3339(self.created_at),
            "status": self.status,
            "funds_account": self.body.get("funds_account", "AVAILABLE"),
            "amount": {
                "total": total, "refund": refund, "payer_total": total, "payer_refund": refund,
                "settlement_refund": refund, "settlement_total": total, "discount_refund": 0,
                "currency": "CNY", "refund_fee": 0,
            },
        }  # fmt: skip

    def news(self) -> dict[str, object]:
        """Return the refund as its notification shows it: `refund_status`, not `status`."""
        total, refund = self.trade.total_fen, self.amount_fen
        return {
            "mchid": self.trade.merchant.mchid,
            **self._names(),
            "refund_status": self.status,
            "amount": {
                "total": total, "refund": refund, "payer_total": total, "payer_refund": refund,
            },
        }  # fmt: skip

    def _names(self) -> dict[str, object]:
        names: dict[str, object] = {
            "refund_id": self.refund_id,
            "out_refund_no": self.out_refund_no,
            "transaction_id": self.trade.transaction_id,
            "out_trade_no": self.trade.out_trade_no,
            "user_received_account": "支付用户零钱",
        }
        if self.succeeded_at:
            names["success_time"] = rfc3339(self.succeeded_at)
        return names


class Refunds(Store):
    """All refunds by merchant and number."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._by_number: dict[tuple[str, str], Refund] = {}

    def all(self) -> list[Refund]:
        return list(self._by_number.values())

    def find(self, mchid: str, out_refund_no: str) -> Refund | None:
        return self._by_number.get((mchid, out_refund_no))

    def named(self, out_refund_no: str, mchid: str | None = None) -> Refund:
        """
        Return the one refund of that number, for the control API.

        :raises ControlRefusal: there is none, or several merchants have it.
        """
        found = [
            refund
            for (owner, number), refund in self._by_number.items()
            if number == out_refund_no and mchid in (None, owner)
        ]
        if len(found) != 1:
            status = 409 if found else 404
            raise ControlRefusal(status, f"{len(found)} refunds {out_refund_no}")
        return found[0]

    def accept(self, merchant: Merchant, body: dict[str, Any]) -> Refund:
        """
        Accept a refund, or show the same one again; it settles later.

        :raises PayRefusal: no paid trade, other parameters than before, too much or too many.
        """
        known = self.find(merchant.mchid, body["out_refund_no"])
        if known is not None:
            if known.body != body:
                raise invalid_request("订单金额或退款金额与之前请求不一致, 请核实后再试")
            return known
        trade = self._paid_trade(merchant, body)
        self._check_room(trade, body)
        now = self.world.clock.now()
        number = f"50{digits(8)}{now.astimezone(CHINA):%Y%m%d}{digits(10)}"
        refund = Refund(trade, body, number, now)
        self._by_number[merchant.mchid, refund.out_refund_no] = refund
        trade.refunding_fen += refund.amount_fen
        self._plan(refund)
        return refund

    def rescue(self, merchant: Merchant, refund_id: str, out_refund_no: str) -> Refund:
        """
        Send abnormal money on to a bank account: it is under way again, and settles later.

        :raises PayRefusal: there is no such refund, or it is not abnormal.
        """
        refund = self.find(merchant.mchid, out_refund_no)
        if refund is None or refund.refund_id != refund_id:
            raise PayRefusal(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
        if refund.status != "ABNORMAL":
            raise invalid_request("退款单状态不是退款异常，不能发起异常退款处理")
        refund.status = "PROCESSING"
        self._plan(refund)
        return refund

    def settle(self, refund: Refund, outcome: str) -> None:
        """
        Finish a refund and notify the merchant.

        :raises ControlRefusal: 409 it cannot become that any more.
        """
        if outcome not in MOVES[refund.status]:
            raise ControlRefusal(409, f"a refund that is {refund.status} cannot be {outcome}")
        refund.status = outcome
        if outcome == "SUCCESS":
            refund.succeeded_at = self.world.clock.now()
        if outcome == "CLOSED":
            refund.trade.refunding_fen -= refund.amount_fen
        self._announce(refund)

    def _plan(self, refund: Refund) -> None:
        settings = self.world.settings
        if settings.refund_outcome is not None:
            action = functools.partial(self._settle_if_open, refund, settings.refund_outcome)
            self.world.agenda.after(settings.refund_delay_seconds, action)

    def _settle_if_open(self, refund: Refund, outcome: str) -> None:
        if refund.status == "PROCESSING":
            self.settle(refund, outcome)

    def _paid_trade(self, merchant: Merchant, body: dict[str, Any]) -> Trade:
        trades = self.world.store(Trades)
        numbers = {"out_trade_no": trades.find, "transaction_id": trades.find_transaction}
        found = {
            id(trade): trade
            for name, find in numbers.items()
            if name in body
            for trade in [find(merchant.mchid, body[name])]
        }
        trade = next(iter(found.values()), None)
        if len(found) > 1 or trade is None or not trade.paid_at:
            raise PayRefusal(404, "RESOURCE_NOT_EXISTS", "订单不存在或未支付")
        return trade

    def _check_room(self, trade: Trade, body: dict[str, Any]) -> None:
        if body["amount"]["total"] != trade.total_fen:
            raise invalid_request("订单金额与原订单不一致")
        if trade.refunding_fen + body["amount"]["refund"] > trade.total_fen:
            raise invalid_request("申请退款金额大于可退金额")
        if sum(refund.trade is trade for refund in self._by_number.values()) >= MOST_PARTS:
            raise invalid_request("部分退款次数超过限制")
        if self.world.clock.passed() - trade.paid_passed > YEAR_SECONDS:
            raise PayRefusal(403, "TRADE_OVERDUE", "订单已超过可退款的最大期限")

    def _announce(self, refund: Refund) -> None:
        merchant = refund.trade.merchant
        asked = refund.body.get("notify_url")
        url = asked or merchant.refund_notify_url
        if url is None:
            return
        notification = Notification(
            surface=SURFACE,
            merchant=merchant,
            url=url,
            event_type=f"REFUND.{refund.status}",
            original_type="refund",
            summary=SUMMARIES[refund.status],
            subject=refund.out_refund_no,
            content=refund.news(),
            created_at=self.world.clock.now(),
            is_xml=asked is None,
        )
        self.world.store(Notifications).publish(notification)
