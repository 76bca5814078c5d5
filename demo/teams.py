"""
The chapter of teams: three buyers complete one and are sent their goods, another is alone when the
time is over and gets every fen back.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from demo.client import PATIENCE_SECONDS, Client, Refused, wait_until
from demo.telling import ADDRESS, Telling, yuan

BOWLS = "日式陶瓷餐具套装"
# ¥168.00 alone, ¥128.00 in a team of three, ¥118.00 for who opens it; sent for nothing.
ALONE_FEN, TEAM_FEN, OPENER_FEN = 16800, 12800, 11800
SIZE, PIECES = 3, 20
PILLOW = "乳胶枕"
# ¥189.00 alone, ¥139.00 for two.
PILLOW_FEN = 13900
OPEN_SECONDS = 8
"""How long the second campaign runs, and with it its team."""
PARCEL = {"company_code": "SF", "company_name": "顺丰速运"}


class Teams:
    """A team that completes, and one that does not."""

    def __init__(self, telling: Telling) -> None:
        self.telling = telling
        self.merchant = telling.merchant

    def tell(self) -> None:
        """Tell the whole chapter; stop at the first wrong figure."""
        sku = self._sku(BOWLS)
        shelf = self._available(sku)
        group_buy = self._publish(sku)
        self.telling.equal("划出后的货架", self._available(sku), shelf - PIECES)
        opener, order = self._open(group_buy, sku)
        team_no = self._share(opener)
        self._not_yet(order)
        others = [self._join(name, group_buy, sku, team_no) for name in ("苏禾", "程远")]
        self._complete([(opener, order), *others])
        self._figures(group_buy)
        self._stop(group_buy, sku, shelf)
        self._alone()

    def _publish(self, sku: dict[str, Any]) -> int:
        group_buy = self._campaign(
            "餐具三人团",
            {
                "prices": [{"sku_id": sku["id"], "price_fen": TEAM_FEN}],
                "opener_prices": [{"sku_id": sku["id"], "price_fen": OPENER_FEN}],
                "team_size": SIZE,
                "team_minutes": 24 * 60,
                "pay_minutes": 15,
            },
            stock=[{"sku_id": sku["id"], "total": PIECES}],
            ends_at=_in(timedelta(days=1)),
        )
        self.telling.step(
            "商家",
            f"发布拼团：「{BOWLS}」三人团 {yuan(TEAM_FEN)}，团长 {yuan(OPENER_FEN)}，"
            f"从货架划出 {PIECES} 件；支付过晚的自动转入其他团",
        )
        return group_buy

    def _open(self, group_buy: int, sku: dict[str, Any]) -> tuple[Client, dict[str, Any]]:
        opener = self._buyer("陆遥")
        page = wait_until("拼团活动开始", lambda: self._running(opener, group_buy))
        (goods,) = page["goods"]
        self.telling.equal("单独购买的价格", goods["alone_price_fen"], ALONE_FEN)
        self.telling.equal("活动剩余", goods["left"], PIECES)
        order = self._order(opener, group_buy, sku, None, OPENER_FEN)
        self.telling.equal("付款前的团", order["team"]["team_status"], "opening")
        self.telling.step(
            "陆遥", f"单独买要 {yuan(ALONE_FEN)}，开团只要 {yuan(OPENER_FEN)}；下单，付款后才开团"
        )
        self.telling.pay(opener, order)
        order = opener.get(f"/orders/{order['order_no']}")
        self.telling.equal("付款后的团", order["team"]["team_status"], "open")
        return opener, order

    def _share(self, opener: Client) -> str:
        team_no = str(opener.get("/teams")["items"][0]["team_no"])
        page = opener.get(f"/teams/{team_no}")
        self.telling.equal("还差几人", page["seats_left"], SIZE - 1)
        self.telling.equal("分享页上的团长", page["opener"], "陆**")
        self.telling.step(
            "陆遥",
            f"把团 {team_no} 分享给朋友：页上写着还差 {page['seats_left']} 人、截止时间，"
            f"团长只显示为“{page['opener']}”",
        )
        return team_no

    def _not_yet(self, order: dict[str, Any]) -> None:
        try:
            self._ship(order)
        except Refused as refused:
            self.telling.step("商家", f"想先发货：{refused.problem['title']}")
        else:
            self.telling.equal("未成团的订单", "已发货", "不能发货")

    def _join(
        self, name: str, group_buy: int, sku: dict[str, Any], team_no: str
    ) -> tuple[Client, dict[str, Any]]:
        buyer = self._buyer(name)
        order = self._order(buyer, group_buy, sku, team_no, TEAM_FEN)
        self.telling.pay(buyer, order)
        left = buyer.get(f"/teams/{team_no}")["seats_left"]
        self.telling.step(name, f"从分享页参团，付 {yuan(TEAM_FEN)}；还差 {left} 人")
        return buyer, order

    def _complete(self, members: list[tuple[Client, dict[str, Any]]]) -> None:
        for buyer, order in members:
            seen = buyer.get(f"/orders/{order['order_no']}")
            self.telling.equal("团的状态", seen["team"]["team_status"], "complete")
            self._ship(order)
            seen = buyer.get(f"/orders/{order['order_no']}")
            self.telling.equal("订单状态", seen["status"], "shipped")
        self.telling.step("商城", "第三笔款到，同一事务内成团；三张订单一起放行，商家全部发货")

    def _figures(self, group_buy: int) -> None:
        seen = self.merchant.get(f"/group-buys/{group_buy}/figures")
        revenue_fen = OPENER_FEN + (SIZE - 1) * TEAM_FEN
        for what, name, expected in (
            ("成团数", "complete", 1),
            ("成团的席位", "grouped", SIZE),
            ("实收", "revenue_fen", revenue_fen),
        ):
            self.telling.equal(what, seen[name], expected)
        self.telling.step("商家", f"活动数据：1 个团成团，{SIZE} 单，实收 {yuan(revenue_fen)}")

    def _stop(self, group_buy: int, sku: dict[str, Any], shelf: int) -> None:
        """End the campaign, so that what it did not sell is on the shelf again."""
        self.merchant.post(f"/promotions/{group_buy}/end")
        self.telling.equal("货架上的库存", self._available(sku), shelf - SIZE)
        self.telling.step("商家", f"结束活动：没卖的 {PIECES - SIZE} 件回到货架")

    def _alone(self) -> None:
        """One opens a team of two, and nobody comes."""
        sku = self._sku(PILLOW)
        buyer = self._buyer("闻溪")
        shelf = self._available(sku)
        seconds = OPEN_SECONDS + self.telling.patience / 4
        group_buy = self._campaign(
            "枕头双人团",
            {
                "prices": [{"sku_id": sku["id"], "price_fen": PILLOW_FEN}],
                "team_size": 2,
                "team_minutes": 60,
                "pay_minutes": 5,
            },
            ends_at=_in(timedelta(seconds=seconds)),
        )
        wait_until("拼团活动开始", lambda: self._running(buyer, group_buy))
        order = self._order(buyer, group_buy, sku, None, PILLOW_FEN)
        self.telling.pay(buyer, order)
        self.telling.step("闻溪", f"开了双人团，付 {yuan(PILLOW_FEN)}；活动只剩几秒，没有人来")
        wait_until(
            f"订单 {order['order_no']} 退款",
            lambda: buyer.get(f"/orders/{order['order_no']}")["status"] == "refunded",
            seconds=PATIENCE_SECONDS + seconds + self.telling.patience,
        )
        self._all_back(buyer, order, sku, shelf)

    def _all_back(
        self, buyer: Client, order: dict[str, Any], sku: dict[str, Any], shelf: int
    ) -> None:
        seen = buyer.get(f"/orders/{order['order_no']}")
        team = seen["team"]
        self.telling.equal("退回的钱", seen["refunded_fen"], PILLOW_FEN)
        self.telling.equal("团的状态", team["team_status"], "failed")
        self.telling.equal("席位", team["seat_status"], "refunded")
        timeline = self.merchant.get(f"/orders/{order['order_no']}/payments")
        self.telling.equal("退款笔数", len(timeline["refunds"]), 1)
        self.telling.equal("库存", self._available(sku), shelf)
        self.telling.step(
            "商城", f"时间到，未成团：{yuan(PILLOW_FEN)} 原路退回，只退一次，库存也回来了"
        )
        self.telling.step("闻溪", f"在订单上看到：“{team['message']}”")

    def _campaign(self, title: str, terms: dict[str, Any], **more: Any) -> int:
        body = {
            "kind": "group_buy",
            "title": title,
            "terms": {"when_late": "join", **terms},
            "starts_at": _in(-timedelta(minutes=1)),
            **more,
        }
        self.merchant.post("/promotions", **body)
        drafted = self.merchant.get("/promotions", status="draft")["items"][0]
        self.merchant.post(f"/promotions/{drafted['id']}/publish")
        return int(drafted["id"])

    def _running(self, buyer: Client, group_buy: int) -> dict[str, Any] | None:
        page: dict[str, Any] = buyer.get(f"/group-buys/{group_buy}")
        return page if page["can_order"] else None

    def _buyer(self, name: str) -> Client:
        buyer = self.telling.newcomer(name)
        buyer.post("/addresses", **ADDRESS)
        return buyer

    def _order(
        self,
        buyer: Client,
        group_buy: int,
        sku: dict[str, Any],
        team_no: str | None,
        expected_fen: int,
    ) -> dict[str, Any]:
        wanted = {
            "sku_id": sku["id"],
            "quantity": 1,
            "team_no": team_no,
            "address_id": buyer.get("/addresses")["items"][0]["id"],
        }
        quote = self._priced(buyer, group_buy, wanted)
        self.telling.equal("应付金额", quote["payable_fen"], expected_fen)
        buyer.post(
            f"/group-buys/{group_buy}/orders", **wanted, expected_payable_fen=quote["payable_fen"]
        )
        placed = buyer.get("/orders")["items"][0]
        order: dict[str, Any] = buyer.get(f"/orders/{placed['order_no']}")
        return order

    def _priced(self, buyer: Client, group_buy: int, wanted: dict[str, Any]) -> dict[str, Any]:
        """The quote, as soon as the campaign is in every process's price list."""

        def look() -> dict[str, Any] | None:
            try:
                draft = buyer.post(f"/group-buys/{group_buy}/orders/preview", **wanted)
            except Refused as refused:
                if refused.problem.get("reason") != "closed_now":
                    raise
                return None
            quote: dict[str, Any] = draft["quote"]
            return quote

        found: dict[str, Any] = wait_until("活动价生效", look)
        return found

    def _ship(self, order: dict[str, Any]) -> None:
        number = f"SF{order['order_no'][-12:]}"
        self.merchant.post(f"/orders/{order['order_no']}/ship", **PARCEL, tracking_no=number)

    def _sku(self, title: str) -> dict[str, Any]:
        (spu,) = self.merchant.get("/products", q=title)["items"]
        return {**spu["skus"][0], "spu_id": spu["id"]}

    def _available(self, sku: dict[str, Any]) -> int:
        product = self.merchant.get(f"/products/{sku['spu_id']}")
        return next(int(each["available"]) for each in product["skus"] if each["id"] == sku["id"])


def _in(span: timedelta) -> str:
    return (datetime.now(UTC) + span).isoformat()
