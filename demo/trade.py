"""The first chapter: a share, a sale, a signed notification, two uplines, a refund, a parcel."""

from typing import Any

from demo.client import Client
from demo.seed import become_distributor
from demo.telling import ADDRESS, Telling, yuan

LEVEL1_BP, LEVEL2_BP = 1000, 300


class Trade:
    """One trade, from the share that brought the buyer to the claw-back of what it earned."""

    def __init__(self, telling: Telling) -> None:
        self.telling = telling
        self.merchant = telling.merchant

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
            mature_days=7,
        )  # fmt: skip
        self.merchant.put("/joining-rules", way="approval")
        self.telling.equal("佣金级数", self.merchant.get("/commission-rules")["levels"], 2)
        self.telling.step("商家", "开启两级分佣：一级 10%，二级 3%（默认只有一级；第三级不存在）")

    def _people(self) -> tuple[Client, Client, Client]:
        top = self.telling.newcomer("林晓")
        become_distributor(top, self.merchant)
        code = top.get("/distributor")["invite_code"]
        self.telling.step("林晓", f"申请成为分销员，商家审核通过；邀请码 {code}")
        seller = self.telling.newcomer("周敏", invite_code=code)
        become_distributor(seller, self.merchant)
        self.telling.step("周敏", "通过林晓的邀请登录，林晓成为她的推荐人；她也成为分销员")
        card = seller.get("/distributor/share")
        buyer = self.telling.newcomer("王强", scene=card["scene"])
        self.telling.step(
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
        self.telling.equal("商品金额", quote["items_fen"], 2 * sku["price_fen"])
        self.telling.step(
            "王强",
            f"搜索“圆领衬衫”，把「{page['title']} {sku['spec_text']}」×2 放入购物车："
            f"商品 {yuan(quote['items_fen'])}，满减 {yuan(quote['discount_fen'])}",
        )
        return {**sku, "spu_id": page["id"], "item_id": item["id"]}

    def _buy(self, buyer: Client, sku: dict[str, Any]) -> dict[str, Any]:
        buyer.post("/addresses", **ADDRESS)
        address = buyer.get("/addresses")["items"][0]
        draft = buyer.post(
            "/orders/preview", cart_item_ids=[sku["item_id"]], address_id=address["id"]
        )
        quote = draft["quote"]
        self.telling.equal(
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
        self.telling.step(
            "王强",
            f"下单 {order['order_no']}：应付 {yuan(order['payable_fen'])}"
            f"（运费 {yuan(quote['freight_fen'])}），库存已为他保留",
        )
        detail: dict[str, Any] = buyer.get(f"/orders/{order['order_no']}")
        return detail

    def _pay(self, buyer: Client, order: dict[str, Any]) -> None:
        order["out_trade_no"] = self.telling.pay(buyer, order)
        self.telling.step("商城", "验签、解密、核对金额后把订单记为已支付，同一事务内计佣")

    def _earned(self, order: dict[str, Any], top: Client, seller: Client) -> tuple[int, int]:
        paid_fen = sum(line["payable_fen"] for line in order["lines"])
        expected = tuple(
            sum(line["payable_fen"] * rate // 10000 for line in order["lines"])
            for rate in (LEVEL1_BP, LEVEL2_BP)
        )
        self._frozen("周敏", seller, expected[0])
        self._frozen("林晓", top, expected[1])
        self.telling.step(
            "分佣",
            f"以实付商品款 {yuan(paid_fen)} 为基数：周敏（一级）待结算 {yuan(expected[0])}，"
            f"林晓（二级）待结算 {yuan(expected[1])}",
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
        listed = self.telling.sandbox.control(
            "GET", f"/notifications?subject={order['out_trade_no']}"
        )
        notification = listed["notifications"][0]["id"]
        for _ in range(3):
            self.telling.sandbox.control("POST", f"/notifications/{notification}/deliver")
        self.telling.equal("订单状态", buyer.get(f"/orders/{order['order_no']}")["status"], "paid")
        self._frozen("周敏", seller, earned[0])
        self._frozen("林晓", top, earned[1])
        self.telling.step("微信", "把同一通知又送了三次：订单仍只支付一次，佣金一分不多")

    def _refund(
        self, order: dict[str, Any], buyer: Client, sku: dict[str, Any], top: Client, seller: Client
    ) -> None:
        before = self._available(sku)
        buyer.post("/after-sales", order_no=order["order_no"], reason="不想要了")
        case = buyer.get("/after-sales")["items"][0]
        self.merchant.post(f"/after-sales/{case['after_sale_no']}/approve")
        self.telling.until_status(buyer, order, "refunded")
        refunded = buyer.get(f"/orders/{order['order_no']}")
        self.telling.equal("退款金额", refunded["refunded_fen"], order["payable_fen"])
        self._frozen("周敏", seller, 0)
        self._frozen("林晓", top, 0)
        self.telling.equal("库存", self._available(sku), before + 2)
        self.telling.step(
            "王强",
            f"发货前申请退款，商家同意，微信原路退回 {yuan(order['payable_fen'])}；"
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
        self.telling.equal("订单状态", received["status"], "received")
        self.telling.step(
            "王强",
            f"再买一件：商家发货，确认收货；七天后周敏的 {yuan(earned[0])} 与"
            f"林晓的 {yuan(earned[1])} 可以提现",
        )

    def _frozen(self, name: str, person: Client, expected_fen: int) -> None:
        self.telling.equal(
            f"{name}的待结算佣金", person.get("/distributor")["frozen_fen"], expected_fen
        )

    def _available(self, sku: dict[str, Any]) -> int:
        product = self.merchant.get(f"/products/{sku['spu_id']}")
        return next(int(each["available"]) for each in product["skus"] if each["id"] == sku["id"])
