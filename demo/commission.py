"""
The third chapter: a commission from its sale to WeChat, a refund after that, the debt, and its end.

Every figure is worked out here by hand, on goods that no campaign touches, shipped for nothing.
"""

from dataclasses import dataclass
from typing import Any

from demo.client import PATIENCE_SECONDS, Client, wait_until
from demo.seed import become_distributor
from demo.telling import ADDRESS, Telling, yuan

LEVEL1_BP, LEVEL2_BP = 1000, 500
USUAL_DAYS = 7

BOARD = "竹制砧板"
# ¥59.00 each. Two of them: 11800 fen, 顾青 earns 10 % of it, 沈岚 5 %.
BOARD_FEN = 5900
GU_FEN, SHEN_FEN = 1180, 590
# One of two comes back: half of what was paid, so half of what was earned.
GU_HALF_FEN, SHEN_HALF_FEN = 590, 295
CREAM = "物理防晒霜"
# ¥119.00: 顾青 earns 1190, of which the 590 she owes go first; 沈岚 earns 595 and owes nothing.
CREAM_FEN = 11900
GU_AGAIN_FEN, SHEN_AGAIN_FEN = 1190, 595
GU_LEFT_FEN = 600


@dataclass(frozen=True)
class Money:
    """What a distributor's page must show, in fen."""

    frozen: int = 0
    available: int = 0
    withdrawn: int = 0
    debt: int = 0
    earned: int = 0
    clawed: int = 0


class Commission:
    """Two people above one buyer, and every fen between the sale and the end of a debt."""

    def __init__(self, telling: Telling) -> None:
        self.telling = telling
        self.merchant = telling.merchant

    def tell(self) -> None:
        """Tell the whole chapter; stop at the first wrong figure."""
        self._rules(mature_days=0)
        shen, gu, buyer = self._people()
        order = self._sell(buyer, BOARD, 2)
        self._earned(shen, gu)
        self._half_back(order, buyer, shen, gu)
        self._receive(order, buyer)
        self._mature(shen, gu)
        self._withdraw(gu)
        self._all_back(order, buyer, shen, gu)
        self._repay(buyer, shen, gu)
        self._statement(gu)
        self._books(gu)
        self._rules(mature_days=USUAL_DAYS)

    def _rules(self, *, mature_days: int) -> None:
        self.merchant.put(
            "/commission-rules",
            levels=2, level1_bp=LEVEL1_BP, level2_bp=LEVEL2_BP, cap_bp=5000,
            mature_days=mature_days,
        )  # fmt: skip
        said = (
            "当天就结算（只为把故事讲完）"
            if mature_days == 0
            else f"恢复为收货 {mature_days} 天后结算"
        )
        self.telling.step("商家", f"一级 10%，二级 5%，{said}")

    def _people(self) -> tuple[Client, Client, Client]:
        shen = self.telling.newcomer("沈岚")
        become_distributor(shen, self.merchant)
        gu = self.telling.newcomer("顾青", invite_code=shen.get("/distributor")["invite_code"])
        become_distributor(gu, self.merchant)
        card = gu.get("/distributor/share")
        buyer = self.telling.newcomer("何川", scene=card["scene"])
        buyer.post("/addresses", **ADDRESS)
        self.telling.step("何川", "扫顾青的码而来：顾青是他的一级推荐人，沈岚是二级")
        spu = buyer.get("/products", q=BOARD)["items"][0]
        (earn,) = gu.get("/distributor/earn", spu_ids=str(spu["id"]))["items"]
        # 5900 × 10 %.
        self.telling.equal("顾青看到的“赚”", earn["highest_fen"], GU_HALF_FEN)
        hidden = buyer.get("/distributor/earn", spu_ids=str(spu["id"]))["items"]
        self.telling.equal("何川看到的“赚”", hidden, [])
        self.telling.step(
            "顾青", f"在商品页上看到「{BOARD}」赚 {yuan(GU_HALF_FEN)}；何川看不到这一行"
        )
        return shen, gu, buyer

    def _sell(self, buyer: Client, title: str, quantity: int) -> dict[str, Any]:
        spu = buyer.get("/products", q=title)["items"][0]
        sku = buyer.get(f"/products/{spu['id']}")["skus"][0]
        wanted = {
            "lines": [{"sku_id": sku["id"], "quantity": quantity}],
            "address_id": buyer.get("/addresses")["items"][0]["id"],
        }
        quote = buyer.post("/orders/preview", **wanted)["quote"]
        self.telling.equal("应付金额", quote["payable_fen"], sku["price_fen"] * quantity)
        buyer.post("/orders", **wanted, expected_payable_fen=quote["payable_fen"])
        placed = buyer.get("/orders")["items"][0]
        order: dict[str, Any] = buyer.get(f"/orders/{placed['order_no']}")
        self.telling.step("何川", f"买「{title}」×{quantity}，应付 {yuan(order['payable_fen'])}")
        self.telling.pay(buyer, order)
        return order

    def _earned(self, shen: Client, gu: Client) -> None:
        self._equal("顾青", gu, Money(frozen=GU_FEN, earned=GU_FEN))
        self._equal("沈岚", shen, Money(frozen=SHEN_FEN, earned=SHEN_FEN))
        self.telling.step(
            "分佣",
            f"实付 {yuan(2 * BOARD_FEN)}：顾青待结算 {yuan(GU_FEN)}（10%），"
            f"沈岚待结算 {yuan(SHEN_FEN)}（5%）",
        )

    def _half_back(self, order: dict[str, Any], buyer: Client, shen: Client, gu: Client) -> None:
        line = order["lines"][0]["id"]
        self._give_back(buyer, order, line)
        self._equal("顾青", gu, Money(frozen=GU_HALF_FEN, earned=GU_FEN, clawed=GU_HALF_FEN))
        self._equal(
            "沈岚", shen, Money(frozen=SHEN_HALF_FEN, earned=SHEN_FEN, clawed=SHEN_HALF_FEN)
        )
        self.telling.step(
            "何川",
            f"退一块，退回 {yuan(BOARD_FEN)}，正是实付的一半：顾青收回 {yuan(GU_HALF_FEN)}，"
            f"沈岚收回 {yuan(SHEN_HALF_FEN)}，也都是一半",
        )

    def _receive(self, order: dict[str, Any], buyer: Client) -> None:
        self.merchant.post(
            f"/orders/{order['order_no']}/ship",
            company_code="SF", company_name="顺丰速运", tracking_no="SF1234567890124",
        )  # fmt: skip
        buyer.post(f"/orders/{order['order_no']}/receive")
        self.telling.step("何川", "收到货，确认收货；售后期一过，佣金就可以提现")

    def _mature(self, shen: Client, gu: Client) -> None:
        self._until_nothing_frozen(gu, shen)
        self._equal("顾青", gu, Money(available=GU_HALF_FEN, earned=GU_FEN, clawed=GU_HALF_FEN))
        self._equal(
            "沈岚", shen, Money(available=SHEN_HALF_FEN, earned=SHEN_FEN, clawed=SHEN_HALF_FEN)
        )
        self.telling.step(
            "结算", f"顾青可提现 {yuan(GU_HALF_FEN)}，沈岚可提现 {yuan(SHEN_HALF_FEN)}"
        )

    def _withdraw(self, gu: Client) -> None:
        gu.post("/distributor/withdrawals", amount_fen=GU_HALF_FEN)
        number = gu.get("/distributor/withdrawals")["items"][0]["withdrawal_no"]
        self.telling.equal("提现中", gu.get("/distributor")["withdrawing_fen"], GU_HALF_FEN)
        self.telling.step("顾青", f"申请提现 {yuan(GU_HALF_FEN)}，单号 {number}：钱先锁住")
        self.merchant.post(f"/withdrawals/{number}/approve")
        confirmation = self._wait(
            f"提现 {number} 等待确认",
            lambda: gu.get(f"/distributor/withdrawals/{number}")["confirmation"],
        )
        self.telling.step("商家", "审核通过；微信商家转账受理，等收款人确认")
        self.telling.sandbox.control("POST", "/receive", **confirmation)
        self._wait(
            f"提现 {number} 到账",
            lambda: gu.get(f"/distributor/withdrawals/{number}")["state"] == "paid",
        )
        self._equal("顾青", gu, Money(withdrawn=GU_HALF_FEN, earned=GU_FEN, clawed=GU_HALF_FEN))
        self.telling.step("顾青", f"在手机上确认收款，{yuan(GU_HALF_FEN)} 进了她的微信零钱")

    def _all_back(self, order: dict[str, Any], buyer: Client, shen: Client, gu: Client) -> None:
        """It has been shipped, so the merchant gives back: all that is left of the order."""
        reason = "砧板开裂，协商退款"
        self.merchant.post("/after-sales", order_no=order["order_no"], reason=reason)
        case = buyer.get("/after-sales")["items"][0]
        self.telling.equal("退款金额", case["amount_fen"], BOARD_FEN)
        self.telling.until_status(buyer, order, "refunded")
        self._equal(
            "顾青",
            gu,
            Money(withdrawn=GU_HALF_FEN, debt=GU_HALF_FEN, earned=GU_FEN, clawed=GU_FEN),
        )
        self._equal("沈岚", shen, Money(earned=SHEN_FEN, clawed=SHEN_FEN))
        self.telling.step(
            "商家",
            f"另一块开裂，协商后退回 {yuan(BOARD_FEN)}：沈岚还没提现，从可提现扣回"
            f" {yuan(SHEN_HALF_FEN)}；顾青已经提走，欠下 {yuan(GU_HALF_FEN)}，记为待扣回",
        )

    def _repay(self, buyer: Client, shen: Client, gu: Client) -> None:
        order = self._sell(buyer, CREAM, 1)
        earned, clawed = GU_FEN + GU_AGAIN_FEN, GU_FEN
        self._equal(
            "顾青",
            gu,
            Money(
                frozen=GU_AGAIN_FEN, withdrawn=GU_HALF_FEN, debt=GU_HALF_FEN,
                earned=earned, clawed=clawed,
            ),
        )  # fmt: skip
        self._receive(order, buyer)
        self._until_nothing_frozen(gu, shen)
        # 1190 earned, 590 owed: 600 are left. And 2370 − 1180 = 600 + 590, all accounted for.
        self._equal(
            "顾青",
            gu,
            Money(available=GU_LEFT_FEN, withdrawn=GU_HALF_FEN, earned=earned, clawed=clawed),
        )
        self._equal(
            "沈岚",
            shen,
            Money(available=SHEN_AGAIN_FEN, earned=SHEN_FEN + SHEN_AGAIN_FEN, clawed=SHEN_FEN),
        )
        self.telling.step(
            "结算",
            f"顾青这次得 {yuan(GU_AGAIN_FEN)}：先还清欠下的 {yuan(GU_HALF_FEN)}，"
            f"余 {yuan(GU_LEFT_FEN)} 可提现；沈岚得 {yuan(SHEN_AGAIN_FEN)}",
        )

    def _statement(self, gu: Client) -> None:
        """Every line of her statement, oldest first; each leads to the balance after it."""
        entries = gu.get("/distributor/statement", limit=50)["items"][::-1]
        seen = [
            (move["account"], move["change_fen"], move["balance_fen"])
            for entry in entries
            for move in entry["moves"]
        ]
        expected = [
            ("frozen", GU_FEN, GU_FEN),
            ("frozen", -GU_HALF_FEN, GU_HALF_FEN),
            ("frozen", -GU_HALF_FEN, 0), ("available", GU_HALF_FEN, GU_HALF_FEN),
            ("available", -GU_HALF_FEN, 0), ("withdrawing", GU_HALF_FEN, GU_HALF_FEN),
            ("withdrawing", -GU_HALF_FEN, 0),
            ("receivable", GU_HALF_FEN, GU_HALF_FEN),
            ("frozen", GU_AGAIN_FEN, GU_AGAIN_FEN),
            ("frozen", -GU_HALF_FEN, GU_LEFT_FEN), ("receivable", -GU_HALF_FEN, 0),
            ("frozen", -GU_LEFT_FEN, 0), ("available", GU_LEFT_FEN, GU_LEFT_FEN),
        ]  # fmt: skip
        self.telling.equal("顾青的流水", seen, expected)
        for entry in entries:
            self.telling.step("流水", f"{entry['title']}：" + "，".join(map(_move, entry["moves"])))

    def _books(self, gu: Client) -> None:
        """The merchant's books say the same, to the fen."""
        sums = self.merchant.get("/reports/commissions", member_id=gu.get("/me")["id"])
        self.telling.equal("账上计提", sums["earned_fen"], GU_FEN + GU_AGAIN_FEN)
        self.telling.equal("账上扣回", sums["clawed_fen"], GU_FEN)
        owed = self.merchant.get("/ledger/liabilities")
        accounts = {each["account"]: each["fen"] for each in owed["accounts"]}
        ages = sum(each["fen"] for each in owed["frozen"])
        self.telling.equal("待结算按账龄之和", ages, accounts["frozen"])
        self.telling.step(
            "商家",
            f"账上同一个人：计提 {yuan(sums['earned_fen'])}，扣回 {yuan(sums['clawed_fen'])}；"
            f"此刻全店应付佣金 {yuan(owed['owed_fen'])}，每一分都查得到来处",
        )

    def _give_back(self, buyer: Client, order: dict[str, Any], line_id: int) -> None:
        pieces = [{"line_id": line_id, "quantity": 1}]
        buyer.post("/after-sales", order_no=order["order_no"], lines=pieces, reason="不想要了")
        case = buyer.get("/after-sales")["items"][0]
        self.telling.equal("退款金额", case["amount_fen"], BOARD_FEN)
        number = case["after_sale_no"]
        self.merchant.post(f"/after-sales/{number}/approve")
        self._wait(
            f"售后 {number} 退款",
            lambda: buyer.get(f"/after-sales/{number}")["status"] == "refunded",
        )

    def _until_nothing_frozen(self, *people: Client) -> None:
        for person in people:
            self._wait("结算", lambda who=person: who.get("/distributor")["frozen_fen"] == 0)

    def _wait(self, what: str, look: Any) -> Any:
        return wait_until(what, look, seconds=PATIENCE_SECONDS + self.telling.patience)

    def _equal(self, name: str, person: Client, expected: Money) -> None:
        page = person.get("/distributor")
        seen = Money(
            frozen=page["frozen_fen"],
            available=page["available_fen"],
            withdrawn=page["withdrawn_fen"],
            debt=page["receivable_fen"],
            earned=page["earned_fen"],
            clawed=page["clawed_fen"],
        )
        self.telling.equal(f"{name}的佣金", seen, expected)


def _move(move: dict[str, Any]) -> str:
    """Such as `可提现 −¥5.90（余 ¥0.00）`."""
    sign = "−" if move["change_fen"] < 0 else "+"
    changed, left = yuan(abs(move["change_fen"])), yuan(move["balance_fen"])
    return f"{move['account_name']} {sign}{changed}（余 {left}）"
