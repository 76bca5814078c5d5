"""
What every chapter of the tour needs: people, steps told in a line, and figures that must be right.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from demo.client import PATIENCE_SECONDS, Client, Sandbox, sign_in, wait_until

ADDRESS = {
    "receiver": "王强",
    "phone": "13800001234",
    "region_code": "330106",
    "province": "浙江省",
    "city": "杭州市",
    "district": "西湖区",
    "detail": "文三路 1 号",
}


class WrongFigure(Exception):
    """Something is not what it must be."""


@dataclass
class Telling:
    """One telling of the story; every person in it is new, so it can be told again and again."""

    mall_url: str
    sandbox: Sandbox
    merchant: Client
    say: Callable[[str], None]
    patience: float = 0.0
    """Seconds that everybody in the story bears with a mall that does not answer."""
    number: int = 0

    def step(self, who: str, what: str) -> None:
        """Tell one step: who does what, how many fen move, and why."""
        self.number += 1
        self.say(f"{self.number:>3}. {who}　{what}")

    def equal(self, what: str, seen: object, expected: object) -> None:
        """
        Stand by a figure.

        :raises WrongFigure: it is not what it must be.
        """
        if seen != expected:
            raise WrongFigure(f"{what}：应为 {expected}，实为 {seen}")

    def newcomer(self, name: str, **invited: str) -> Client:
        """Somebody who has never been here, signed in."""
        openid = f"tour-{secrets.token_hex(10)}"
        person = sign_in(
            self.mall_url, self.sandbox, openid, invited=invited, patience=self.patience
        )
        person.patch("/me", nickname=name)
        return person

    def order(self, buyer: Client, title: str, quantity: int, expected_fen: int) -> dict[str, Any]:
        """Somebody with an address buys pieces of one product; what is to be paid is known."""
        spu = buyer.get("/products", q=title)["items"][0]
        sku = buyer.get(f"/products/{spu['id']}")["skus"][0]
        wanted = {
            "lines": [{"sku_id": sku["id"], "quantity": quantity}],
            "address_id": buyer.get("/addresses")["items"][0]["id"],
        }
        quote = buyer.post("/orders/preview", **wanted)["quote"]
        self.equal("应付金额", quote["payable_fen"], expected_fen)
        buyer.post("/orders", **wanted, expected_payable_fen=quote["payable_fen"])
        placed = buyer.get("/orders")["items"][0]
        order: dict[str, Any] = buyer.get(f"/orders/{placed['order_no']}")
        return order

    def pay(self, buyer: Client, order: dict[str, Any]) -> str:
        """The buyer's phone pays; return the payment's number once the mall knows of it."""
        paid = self.sandbox.pay(buyer.post(f"/orders/{order['order_no']}/pay"))
        self.step("微信", f"核对 paySign 后收款 {yuan(order['payable_fen'])}，签名通知商城")
        self.until_status(buyer, order, "paid")
        return str(paid["out_trade_no"])

    def until_status(self, buyer: Client, order: dict[str, Any], status: str) -> None:
        """Wait for an order to get there."""
        wait_until(
            f"订单 {order['order_no']} 变为 {status}",
            lambda: buyer.get(f"/orders/{order['order_no']}")["status"] == status,
            seconds=PATIENCE_SECONDS + self.patience,
        )


def yuan(fen: int) -> str:
    """Fen as a price tag: 12345 is ¥123.45."""
    return f"¥{fen // 100}.{fen % 100:02d}"
