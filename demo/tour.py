"""
The story of one trade, over HTTP only: who does what, how many fen move, and why.

`python -m demo.tour` tells it against the running demo, or starts a mall of its own for it, then
runs `flask verify`; the exit status is 0 only if every figure is right.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.client import PATIENCE_SECONDS, Client, Sandbox, sign_in, staff, wait_until
from demo.mall import Mall
from demo.seed import become_distributor

LEVEL1_BP, LEVEL2_BP = 1000, 300
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
class Tour:
    """One telling of the story; every person in it is new, so it can be told again and again."""

    mall_url: str
    sandbox: Sandbox
    merchant: Client
    say: Callable[[str], None]
    patience: float = 0.0
    """Seconds that everybody in the story bears with a mall that does not answer."""
    number: int = 0

    def tell(self) -> None:
        """Tell the whole story; stop at the first wrong figure."""
        self._rules()
        top, seller, buyer = self._people()
        sku = self._choose(buyer)
        order = self._buy(buyer, sku)
        self._pay(buyer, order)
        earned = self._earned(order, top, seller)
        self._again(order, buyer, top, seller, earned)
        self._refund(order, buyer, sku, top, seller)
        self._ship(buyer, sku, top, seller)

    def _rules(self) -> None:
        self.merchant.put(
            "/commission-rules",
            levels=2, level1_bp=LEVEL1_BP, level2_bp=LEVEL2_BP, cap_bp=5000,
            mature_days=7, joining="approval",
        )  # fmt: skip
        self._equal("佣金级数", self.merchant.get("/commission-rules")["levels"], 2)
        self._step("商家", "开启两级分佣：一级 10%，二级 3%（默认只有一级；第三级不存在）")

    def _people(self) -> tuple[Client, Client, Client]:
        top = self._newcomer("林晓")
        become_distributor(top, self.merchant)
        code = top.get("/distributor")["invite_code"]
        self._step("林晓", f"申请成为分销员，商家审核通过；邀请码 {code}")
        seller = self._newcomer("周敏", invite_code=code)
        become_distributor(seller, self.merchant)
        self._step("周敏", "通过林晓的邀请登录，林晓成为她的推荐人；她也成为分销员")
        card = seller.get("/distributor/share")
        buyer = self._newcomer("王强", scene=card["scene"])
        self._step(
            "王强",
            f"陌生人扫周敏分享的小程序码登录（scene={card['scene']}），周敏成为他的推荐人",
        )
        return top, seller, buyer

    def _choose(self, buyer: Client) -> dict[str, Any]:
        found = buyer.get("/products", q="圆领衬衫")["items"][0]
        page = buyer.get(f"/products/{found['id']}")
        sku: dict[str, Any] = page["skus"][0]
        buyer.post("/cart/items", sku_id=sku["id"], quantity=1)
        item = buyer.get("/cart")["lines"][0]
        buyer.patch(f"/cart/items/{item['id']}", quantity=2)
        quote = buyer.get("/cart")["quote"]
        self._equal("商品金额", quote["items_fen"], 2 * sku["price_fen"])
        self._step(
            "王强",
            f"搜索“圆领衬衫”，把「{page['title']} {sku['spec_text']}」×2 放入购物车："
            f"商品 {_yuan(quote['items_fen'])}，满减 {_yuan(quote['discount_fen'])}",
        )
        return {**sku, "spu_id": page["id"], "item_id": item["id"]}

    def _buy(self, buyer: Client, sku: dict[str, Any]) -> dict[str, Any]:
        buyer.post("/addresses", **ADDRESS)
        address = buyer.get("/addresses")["items"][0]
        draft = buyer.post(
            "/orders/preview", cart_item_ids=[sku["item_id"]], address_id=address["id"]
        )
        quote = draft["quote"]
        self._equal(
            "应付 = 商品 − 优惠 + 运费",
            quote["payable_fen"],
            quote["items_fen"] - quote["discount_fen"] + quote["freight_fen"],
        )
        order = buyer.post(
            "/orders",
            cart_item_ids=[sku["item_id"]],
            address_id=address["id"],
            expected_payable_fen=quote["payable_fen"],
        )
        self._step(
            "王强",
            f"下单 {order['order_no']}：应付 {_yuan(order['payable_fen'])}"
            f"（运费 {_yuan(quote['freight_fen'])}），库存已为他保留",
        )
        detail: dict[str, Any] = buyer.get(f"/orders/{order['order_no']}")
        return detail

    def _pay(self, buyer: Client, order: dict[str, Any]) -> None:
        parameters = buyer.post(f"/orders/{order['order_no']}/pay")
        paid = self.sandbox.pay(parameters)
        self._step("微信", f"核对 paySign 后收款 {_yuan(order['payable_fen'])}，签名通知商城")
        self._until_status(buyer, order, "paid")
        order["out_trade_no"] = paid["out_trade_no"]
        self._step("商城", "验签、解密、核对金额后把订单记为已支付，同一事务内计佣")

    def _earned(self, order: dict[str, Any], top: Client, seller: Client) -> tuple[int, int]:
        paid_fen = sum(line["payable_fen"] for line in order["lines"])
        expected = tuple(
            sum(line["payable_fen"] * rate // 10000 for line in order["lines"])
            for rate in (LEVEL1_BP, LEVEL2_BP)
        )
        self._frozen("周敏", seller, expected[0])
        self._frozen("林晓", top, expected[1])
        self._step(
            "分佣",
            f"以实付商品款 {_yuan(paid_fen)} 为基数：周敏（一级）待结算 {_yuan(expected[0])}，"
            f"林晓（二级）待结算 {_yuan(expected[1])}",
        )
        return expected[0], expected[1]

    def _again(
        self,
        order: dict[str, Any],
        buyer: Client,
        top: Client,
        seller: Client,
        earned: tuple[int, int],
    ) -> None:
        listed = self.sandbox.control("GET", f"/notifications?subject={order['out_trade_no']}")
        notification = listed["notifications"][0]["id"]
        for _ in range(3):
            self.sandbox.control("POST", f"/notifications/{notification}/deliver")
        self._equal("订单状态", buyer.get(f"/orders/{order['order_no']}")["status"], "paid")
        self._frozen("周敏", seller, earned[0])
        self._frozen("林晓", top, earned[1])
        self._step("微信", "把同一通知又送了三次：订单仍只支付一次，佣金一分不多")

    def _refund(
        self, order: dict[str, Any], buyer: Client, sku: dict[str, Any], top: Client, seller: Client
    ) -> None:
        before = self._available(sku)
        buyer.post("/after-sales", order_no=order["order_no"], reason="不想要了")
        case = buyer.get("/after-sales")["items"][0]
        self.merchant.post(f"/after-sales/{case['after_sale_no']}/approve")
        self._until_status(buyer, order, "refunded")
        refunded = buyer.get(f"/orders/{order['order_no']}")
        self._equal("退款金额", refunded["refunded_fen"], order["payable_fen"])
        self._frozen("周敏", seller, 0)
        self._frozen("林晓", top, 0)
        self._equal("库存", self._available(sku), before + 2)
        self._step(
            "王强",
            f"发货前申请退款，商家同意，微信原路退回 {_yuan(order['payable_fen'])}；"
            "两级佣金全部收回，库存退回",
        )

    def _ship(self, buyer: Client, sku: dict[str, Any], top: Client, seller: Client) -> None:
        address = buyer.get("/addresses")["items"][0]
        wanted = {"lines": [{"sku_id": sku["id"], "quantity": 1}], "address_id": address["id"]}
        quote = buyer.post("/orders/preview", **wanted)["quote"]
        placed = buyer.post("/orders", **wanted, expected_payable_fen=quote["payable_fen"])
        order = buyer.get(f"/orders/{placed['order_no']}")
        self._pay(buyer, order)
        earned = self._earned(order, top, seller)
        self.merchant.post(
            f"/orders/{order['order_no']}/ship",
            company_code="SF", company_name="顺丰速运", tracking_no="SF1234567890123",
        )  # fmt: skip
        buyer.post(f"/orders/{order['order_no']}/receive")
        received = buyer.get(f"/orders/{order['order_no']}")
        self._equal("订单状态", received["status"], "received")
        self._step(
            "王强",
            f"再买一件：商家发货，确认收货；七天后周敏的 {_yuan(earned[0])} 与"
            f"林晓的 {_yuan(earned[1])} 可以提现",
        )

    def _newcomer(self, name: str, **invited: str) -> Client:
        openid = f"tour-{secrets.token_hex(10)}"
        person = sign_in(
            self.mall_url, self.sandbox, openid, invited=invited, patience=self.patience
        )
        person.patch("/me", nickname=name)
        return person

    def _until_status(self, buyer: Client, order: dict[str, Any], status: str) -> None:
        wait_until(
            f"订单 {order['order_no']} 变为 {status}",
            lambda: buyer.get(f"/orders/{order['order_no']}")["status"] == status,
            seconds=PATIENCE_SECONDS + self.patience,
        )

    def _frozen(self, name: str, person: Client, expected_fen: int) -> None:
        self._equal(f"{name}的待结算佣金", person.get("/distributor")["frozen_fen"], expected_fen)

    def _available(self, sku: dict[str, Any]) -> int:
        product = self.merchant.get(f"/products/{sku['spu_id']}")
        return next(int(each["available"]) for each in product["skus"] if each["id"] == sku["id"])

    def _equal(self, what: str, seen: object, expected: object) -> None:
        if seen != expected:
            raise WrongFigure(f"{what}：应为 {expected}，实为 {seen}")

    def _step(self, who: str, what: str) -> None:
        self.number += 1
        self.say(f"{self.number:>3}. {who}　{what}")


def tell(
    mall_url: str,
    sandbox_url: str,
    folder: Path,
    say: Callable[[str], None],
    *,
    patience: float = 0.0,
) -> int:
    """Tell the story against a running mall; return the exit status."""
    account = json.loads((folder / "accounts.json").read_text())
    merchant = staff(mall_url, account["username"], account["password"], patience=patience)
    say("一笔交易的故事")
    try:
        Tour(mall_url, Sandbox(sandbox_url), merchant, say, patience).tell()
    except WrongFigure as error:
        say(f"  ✗ {error}")
        return 1
    return 0


def main() -> int:
    """Tell it against the running demo, or against a mall started for it; then verify."""
    data_dir = Path(os.environ.get("DATA_DIR", ".data"))
    running = data_dir / "demo" / "running.json"
    if running.exists():
        at = json.loads(running.read_text())
        return _tell_and_verify(at["mall"], at["sandbox"], Path(at["data_dir"]), at["env"])
    with tempfile.TemporaryDirectory(prefix="siyu-tour-") as folder:
        mall = Mall(Path(folder), port=0, sandbox_port=0).start()
        try:
            return _tell_and_verify(mall.url, mall.sandbox_url, mall.data_dir, mall.env)
        finally:
            mall.stop()


def _tell_and_verify(mall: str, sandbox: str, data_dir: Path, env: dict[str, str]) -> int:
    status = tell(mall, sandbox, data_dir / "demo", lambda line: print(line, flush=True))
    verify = [sys.executable, "-m", "flask", "--app", "wsgi", "verify"]
    return subprocess.run(verify, env=env, check=False).returncode or status


def _yuan(fen: int) -> str:
    return f"¥{fen // 100}.{fen % 100:02d}"


if __name__ == "__main__":
    sys.exit(main())
