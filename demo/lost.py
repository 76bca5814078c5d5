"""
What the drill trades, before and after the moment it can go back to, and both sides' books.

Each order is two boards of ¥59.00, sent for nothing; its upline earns 10 % of it.
"""

from collections.abc import Mapping
from typing import Any

import psycopg

from app.embedded import Servers
from demo.client import Client, Sandbox, wait_until
from demo.seed import become_distributor
from demo.telling import ADDRESS, Telling, yuan

BOARDS, PIECES = "竹制砧板", 2
ORDER_FEN, EARNED_FEN = 11800, 1180
PARCEL = {"company_code": "SF", "company_name": "顺丰速运"}
Fens = Mapping[str, int | None]
"""Amounts by number."""
BOOKS = {"payment": "收款", "refund": "退款", "payout": "佣金打款"}
HERE = {
    "payment": "SELECT out_trade_no, amount_fen FROM payment WHERE paid_at IS NOT NULL",
    "refund": "SELECT out_refund_no, amount_fen FROM refund WHERE status = 'success'",
    "payout": "SELECT no, net_fen FROM withdrawal JOIN payout ON out_bill_no = no"
    " WHERE payout.status = 'success'",
}


class Trades:
    """Three stretches of trade; the last of them our database will know nothing of."""

    def __init__(self, telling: Telling) -> None:
        self.telling = telling
        self.merchant = telling.merchant
        self.control = telling.sandbox.control
        self.sellers: list[Client] = []
        self.buyers: dict[str, tuple[Client, dict[str, Any]]] = {}
        self.cashier: dict[str, Any] = {}
        self.confirmation: dict[str, Any] = {}
        self.refund_no = ""

    def before_the_backup(self) -> None:
        """Two sales whose uplines can withdraw what they earned."""
        self.merchant.put(
            "/commission-rules",
            levels=1, level1_bp=1000, level2_bp=0, cap_bp=5000, mature_days=0,
        )  # fmt: skip
        for seller, name in (("沈岚", "何川"), ("顾青", "许静")):
            upline = self.telling.newcomer(seller)
            become_distributor(upline, self.merchant)
            self.sellers.append(upline)
            code = upline.get("/distributor")["invite_code"]
            buyer, order = self._bought(name, invite_code=code)
            number = f"SF{order['order_no'][-12:]}"
            self.merchant.post(f"/orders/{order['order_no']}/ship", **PARCEL, tracking_no=number)
            buyer.post(f"/orders/{order['order_no']}/receive")
        for upline in self.sellers:
            self._wait("结算", lambda who=upline: self._available(who) == EARNED_FEN)
        self.telling.step("商城", f"两单成交，两位推荐人各有 {yuan(EARNED_FEN)} 可提现")

    def until_the_point(self) -> None:
        """One order paid, one on its way to be, a refund and a payout that are not over."""
        self.buyers["refunded"] = self._bought("安若")
        self.buyers["open"] = self._ordered("叶知秋")
        buyer, order = self.buyers["open"]
        self.cashier = buyer.post(f"/orders/{order['order_no']}/pay")
        self.control("POST", "/settings", refund_outcome="manual")
        self.buyers["refunding"] = self._bought("贺兰")
        self._give_back("refunding")
        self.refund_no = self._wait("退款受理", lambda: self._accepted("refunding"))
        self.confirmation = self._withdraw(self.sellers[0])
        self.telling.step("商城", "一单待付款，一笔退款、一笔打款已交给微信，都还没有结果")

    def that_will_be_lost(self) -> None:
        """The ends of what was open, then a sale, a refund and a payout nobody here will know."""
        buyer, order = self.buyers["open"]
        self.telling.sandbox.pay(self.cashier)
        self.telling.until_status(buyer, order, "paid")
        self.control("POST", f"/refunds/{self.refund_no}/settle", status="SUCCESS")
        self.control("POST", "/settings", refund_outcome="SUCCESS")
        self.telling.until_status(*self.buyers["refunding"], "refunded")
        self._receive(self.sellers[0], self.confirmation)
        self._bought("顾盼")
        self._give_back("refunded")
        self.telling.until_status(*self.buyers["refunded"], "refunded")
        self._receive(self.sellers[1], self._withdraw(self.sellers[1]))
        self.telling.step(
            "商城",
            f"将要丢失：两笔收款各 {yuan(ORDER_FEN)}，两笔退款各 {yuan(ORDER_FEN)}，"
            f"两笔打款各 {yuan(EARNED_FEN)}",
        )

    def figures_after_asking(self, telling: Telling) -> None:
        """What was open at the point is over by now, because WeChat was asked about it."""
        status = {
            name: telling.merchant.get(f"/orders/{order['order_no']}")["status"]
            for name, (_, order) in self.buyers.items()
        }
        expected = {"refunded": "paid", "open": "paid", "refunding": "refunded"}
        telling.equal("恢复并查询后的订单", status, expected)
        paid = telling.merchant.get("/withdrawals", state="paid")["items"]
        telling.equal("已到账的提现", len(paid), 1)
        telling.step("商城", "恢复点上没有结果的三笔，向微信查询后都有了结果；其余要等账单")

    def _ordered(self, name: str, **invited: str) -> tuple[Client, dict[str, Any]]:
        buyer = self.telling.newcomer(name, **invited)
        buyer.post("/addresses", **ADDRESS)
        return buyer, self.telling.order(buyer, BOARDS, PIECES, ORDER_FEN)

    def _bought(self, name: str, **invited: str) -> tuple[Client, dict[str, Any]]:
        buyer, order = self._ordered(name, **invited)
        self.telling.pay(buyer, order)
        return buyer, order

    def _give_back(self, name: str) -> None:
        buyer, order = self.buyers[name]
        buyer.post("/after-sales", order_no=order["order_no"], reason="不想要了")
        case = buyer.get("/after-sales")["items"][0]["after_sale_no"]
        self.merchant.post(f"/after-sales/{case}/approve")

    def _accepted(self, name: str) -> str | None:
        order = self.buyers[name][1]
        (refund,) = self.merchant.get(f"/orders/{order['order_no']}/payments")["refunds"]
        return str(refund["out_refund_no"]) if refund["status"] == "processing" else None

    def _withdraw(self, seller: Client) -> dict[str, Any]:
        seller.post("/distributor/withdrawals", amount_fen=EARNED_FEN)
        number = seller.get("/distributor/withdrawals")["items"][0]["withdrawal_no"]
        self.merchant.post(f"/withdrawals/{number}/approve")
        path = f"/distributor/withdrawals/{number}"
        waiting: dict[str, Any] = self._wait("确认收款", lambda: seller.get(path)["confirmation"])
        return waiting

    def _receive(self, seller: Client, confirmation: dict[str, Any]) -> None:
        self.control("POST", "/receive", **confirmation)
        self._wait("到账", lambda: seller.get("/distributor")["withdrawn_fen"] == EARNED_FEN)

    def _available(self, seller: Client) -> int:
        return int(seller.get("/distributor")["available_fen"])

    def _wait(self, what: str, look: Any) -> Any:
        return wait_until(what, look)


def in_silence(there: Fens, here: Fens, listed: Fens) -> set[str]:
    """The numbers WeChat has, and neither our books nor the list for people have to the fen."""
    return {number for number, fen in there.items() if {**listed, **here}.get(number) != fen}


class Books:
    """What moved, by number: at WeChat, and in our database."""

    def __init__(self, servers: Servers, sandbox: Sandbox) -> None:
        self.servers, self.sandbox = servers, sandbox

    def there(self, kind: str) -> dict[str, int]:
        """What WeChat says has moved."""
        look = self.sandbox.control
        if kind == "payment":
            trades = look("GET", "/trades")["trades"]
            return {
                one["out_trade_no"]: one["amount"]["total"]
                for one in trades
                if "success_time" in one
            }
        if kind == "refund":
            refunds = look("GET", "/refunds")["refunds"]
            return {
                one["out_refund_no"]: one["amount"]["refund"]
                for one in refunds
                if one["status"] == "SUCCESS"
            }
        bills = look("GET", "/transfers")["transfers"]
        return {
            one["out_bill_no"]: one["transfer_amount"] for one in bills if one["state"] == "SUCCESS"
        }

    def here(self, kind: str) -> dict[str, int]:
        """What our books say has moved."""
        with psycopg.connect(host=str(self.servers.sockets), user="postgres") as connection:
            return dict(connection.execute(HERE[kind].encode()).fetchall())
