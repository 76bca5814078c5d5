"""The second chapter: a pack, coupons, campaigns and a gift in one cart; then back by pieces."""

from typing import Any

from demo import campaigns
from demo.campaigns import BOX, CLEANSER, SOAP, TEA
from demo.client import PATIENCE_SECONDS, Client, wait_until
from demo.telling import ADDRESS, Telling, yuan

ALL_BP = 10_000


class Bargain:
    """One order whose every fen is explained, given back piece by piece to the last fen."""

    def __init__(self, telling: Telling) -> None:
        self.telling = telling
        self.merchant = telling.merchant

    def tell(self) -> None:
        """Tell the whole chapter; stop at the first wrong figure."""
        buyer = self.telling.newcomer("许静")
        self._claim(buyer)
        skus = self._choose(buyer)
        payable_fen = self._expected(skus)
        order = self._buy(buyer, skus, payable_fen)
        self.telling.pay(buyer, order)
        self.telling.equal("付款后的积分", self._points(buyer), 300)
        self._explain(order)
        self._give_back(buyer, order)

    def _claim(self, buyer: Client) -> None:
        offered = buyer.get("/new-user-pack")
        self.telling.equal("不能领取新人礼包的原因", offered["reason"], None)
        buyer.post("/new-user-pack/claims", pack_id=offered["pack"]["id"])
        (claim,) = buyer.get("/new-user-pack/claims")["items"]
        self.telling.equal("礼包中的优惠券", len(claim["coupons"]), 2)
        self.telling.equal("礼包中的积分", self._points(buyer), campaigns.WELCOME_POINTS)
        parts = "、".join(part["title"] for part in claim["pack"]["parts"])
        self.telling.step("许静", f"第一次来，领到新人礼包：{parts}（每人终身一份）")

    def _choose(self, buyer: Client) -> dict[str, dict[str, Any]]:
        skus = {title: self._sku(buyer, title) for title in (TEA, CLEANSER, BOX)}
        tea = buyer.get(f"/products/{skus[TEA]['spu_id']}")["skus"][0]
        off_fen = tea["price_fen"] * campaigns.TEA_OFF_BP // ALL_BP
        self.telling.equal("商品页的活动价", tea["promoted_price_fen"], tea["price_fen"] - off_fen)
        for title, quantity in ((TEA, 2), (CLEANSER, 2), (BOX, 1)):
            buyer.post("/cart/items", sku_id=skus[title]["id"], quantity=1)
            item = buyer.get("/cart")["lines"][0]
            buyer.patch(f"/cart/items/{item['id']}", quantity=quantity)
            skus[title] |= {"item_id": item["id"], "quantity": quantity}
        cart = buyer.get("/cart")
        for verdict in cart["quote"]["trace"]:
            self.telling.step("购物车", f"「{verdict['title']}」{verdict['message']}")
        (gift,) = cart["quote"]["gifts"]
        self.telling.equal("赠品", gift["sku_id"], self._sku(buyer, SOAP)["id"])
        return skus

    def _expected(self, skus: dict[str, dict[str, Any]]) -> int:
        """What it must cost, by hand: each kind of campaign once, in the order of the lanes."""
        tea, cleanser = int(skus[TEA]["price_fen"]), int(skus[CLEANSER]["price_fen"])
        goods_fen = (
            2 * tea * (ALL_BP - campaigns.TEA_OFF_BP) // ALL_BP
            + 2 * cleanser - cleanser * campaigns.CLEANSER_OFF_BP // ALL_BP
            + campaigns.BOX_FIRST_FEN
        )  # fmt: skip
        saved_fen = max(off for threshold, off in campaigns.SAVE_TIERS if threshold <= goods_fen)
        return goods_fen - saved_fen - campaigns.WELCOME_OFF_FEN

    def _buy(
        self, buyer: Client, skus: dict[str, dict[str, Any]], payable_fen: int
    ) -> dict[str, Any]:
        buyer.post("/addresses", **ADDRESS)
        wanted = {
            "cart_item_ids": [sku["item_id"] for sku in skus.values()],
            "address_id": buyer.get("/addresses")["items"][0]["id"],
        }
        quote = buyer.post("/orders/preview", **wanted)["quote"]
        self.telling.equal("应付金额", quote["payable_fen"], payable_fen)
        buyer.post("/orders", **wanted, expected_payable_fen=payable_fen)
        placed = buyer.get("/orders")["items"][0]
        order: dict[str, Any] = buyer.get(f"/orders/{placed['order_no']}")
        self.telling.step(
            "许静",
            f"下单 {order['order_no']}：商品 {yuan(order['items_fen'])}，五种优惠共省"
            f" {yuan(order['discount_fen'])}，应付 {yuan(order['payable_fen'])}，"
            "另得手工皂一块；优惠券、名额与赠品都已为她保留",
        )
        return order

    def _explain(self, order: dict[str, Any]) -> None:
        explained = self.merchant.get(f"/orders/{order['order_no']}/explanation")
        self.telling.equal("按当时的活动重算", explained["replay"], "identical")
        self.telling.step("商家", "事后重算这张订单：与当时的报价一字不差")

    def _give_back(self, buyer: Client, order: dict[str, Any]) -> None:
        """Piece by piece; the parts must sum to exactly what was paid."""
        line_of = {line["title"]: line for line in order["lines"]}
        parts: tuple[tuple[str, dict[str, int] | None], ...] = (
            ("一盒红茶", {line_of[TEA]["id"]: 1}),
            ("一支洁面乳", {line_of[CLEANSER]["id"]: 1}),
            ("余下的全部", None),
        )
        refunded_fen = 0
        for what, pieces in parts:
            wanted: dict[str, Any] = {"order_no": order["order_no"]}
            if pieces is not None:
                wanted["lines"] = [
                    {"line_id": line_id, "quantity": count} for line_id, count in pieces.items()
                ]
            due_fen = buyer.post("/after-sales/preview", **wanted)["amount_fen"]
            buyer.post("/after-sales", **wanted, reason="不想要了")
            case = buyer.get("/after-sales")["items"][0]
            self.telling.equal("确认前看到的退款金额", case["amount_fen"], due_fen)
            self.merchant.post(f"/after-sales/{case['after_sale_no']}/approve")
            self._until_refunded(buyer, case["after_sale_no"])
            refunded_fen += due_fen
            self.telling.step("许静", f"退{what}：退回 {yuan(due_fen)}，累计 {yuan(refunded_fen)}")
        self.telling.until_status(buyer, order, "refunded")
        self.telling.equal("各次退款之和", refunded_fen, order["payable_fen"])
        self.telling.equal("退款后的积分", self._points(buyer), campaigns.WELCOME_POINTS)
        self.telling.step(
            "许静",
            f"三次共退 {yuan(refunded_fen)}，与实付一分不差；"
            "随单的赠品取消、赠送的积分收回，优惠券回到她手里",
        )

    def _until_refunded(self, buyer: Client, after_sale_no: str) -> None:
        wait_until(
            f"售后 {after_sale_no} 退款",
            lambda: buyer.get(f"/after-sales/{after_sale_no}")["status"] == "refunded",
            seconds=PATIENCE_SECONDS + self.telling.patience,
        )

    def _points(self, buyer: Client) -> int:
        return int(buyer.get("/points")["balance"])

    def _sku(self, buyer: Client, title: str) -> dict[str, Any]:
        spu = buyer.get("/products", q=title)["items"][0]
        sku: dict[str, Any] = buyer.get(f"/products/{spu['id']}")["skus"][0]
        return {**sku, "spu_id": spu["id"]}
