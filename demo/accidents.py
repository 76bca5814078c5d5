"""
The chapter of accidents: money that comes late, twice or unheard, and goods of which half is
accepted; then the day is held against WeChat's bill.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from demo.client import PATIENCE_SECONDS, Client, wait_until
from demo.daily_match import DailyMatch
from demo.seed import become_distributor
from demo.telling import ADDRESS, Telling, yuan

SOY = "古法酿造酱油"
# ¥23.80, and ¥8.00 to send it: 3180 fen.
SOY_FEN = 2380 + 800
CUTTING_BOARD = "竹制砧板"
# ¥59.00 each, three of them sent for nothing: 17700 fen, of which 10 % are 1770.
PIECE_FEN, PIECES = 5900, 3
EARNED_FEN = 1770
# One of the two that came back is accepted: a third of what was paid, a third of what was earned.
CLAWED_FEN = 590
PARCEL = {"company_code": "SF", "company_name": "顺丰速运"}
RETURN_TO = "浙江省杭州市余杭区仓前街道 9 号仓，电话 0571-88880000"
CLOSED_WORD = {"set": {"trade_state": "CLOSED", "trade_state_desc": "订单已关闭"}}


class Accidents:
    """What goes wrong between a shop and WeChat, and how every fen is where it belongs after it."""

    def __init__(self, telling: Telling) -> None:
        self.telling = telling
        self.merchant = telling.merchant
        self.control = telling.sandbox.control

    def tell(self) -> None:
        """Tell the whole chapter; stop at the first wrong figure."""
        self._late()
        with self._reviving():
            self._revived()
        self._double()
        self._unheard()
        self._partly_back()
        DailyMatch(self.telling).tell()

    def _late(self) -> None:
        buyer, order, shelf = self._paid_after_closing("方晴")
        self._wait("退款", lambda: self._payment(buyer, order) == "refunded")
        seen = buyer.get(f"/orders/{order['order_no']}")
        self.telling.equal("订单状态", seen["status"], "closed")
        self._refunded_once(order, SOY_FEN)
        self.telling.equal("库存", self._available(order), shelf)
        self.telling.step(
            "商城", f"订单已关闭，{yuan(SOY_FEN)} 自动原路退回，只退一次；库存没有再动"
        )
        self.telling.step("方晴", "支付页上写的是“已退款”，从没有写过“支付成功”")

    def _revived(self) -> None:
        buyer, order, shelf = self._paid_after_closing("孟白")
        self.telling.until_status(buyer, order, "paid")
        self.telling.equal("支付页", self._payment(buyer, order), "paid")
        self._refunded_once(order, 0)
        self.telling.equal("库存", self._available(order), shelf - 1)
        self.telling.step(
            "商城", f"库存还在：订单恢复为已支付，{yuan(SOY_FEN)} 入账，一件库存重新为他占用"
        )

    def _paid_after_closing(self, name: str) -> tuple[Client, dict[str, Any], int]:
        """An order that is closed on WeChat's word, and paid all the same."""
        buyer = self._buyer(name)
        order = self._order(buyer, SOY, 1, SOY_FEN)
        cashier = buyer.post(f"/orders/{order['order_no']}/pay")
        with self._said_closed(self._numbers(order)[-1]):
            buyer.post(f"/orders/{order['order_no']}/cancel")
            self.telling.until_status(buyer, order, "closed")
        shelf = self._available(order)
        self.telling.step(
            name, f"下单 {yuan(SOY_FEN)}，打开收银台又取消订单；微信答“已关闭”，订单关闭，库存放回"
        )
        self.telling.sandbox.pay(cashier)
        self.telling.step("微信", f"收银台没关：{name}的密码输完了，款项 {yuan(SOY_FEN)} 迟到")
        return buyer, order, shelf

    @contextmanager
    def _reviving(self) -> Iterator[None]:
        """The shop's rule for late money is the other one for a while."""
        rules = self.merchant.get("/shop-rules")
        usual = {key: value for key, value in rules.items() if key != "version"}
        self.merchant.put(
            "/shop-rules", **{**usual, "revive_late_orders": True, "reason": "能恢复就恢复"}
        )
        self.telling.step("商家", "改规则：迟到的款项，库存与优惠还占得住就恢复订单")
        yield
        self.merchant.put("/shop-rules", **{**usual, "reason": "恢复原规则"})

    def _double(self) -> None:
        buyer = self._buyer("卫然")
        order = self._order(buyer, SOY, 1, SOY_FEN)
        first = buyer.post(f"/orders/{order['order_no']}/pay")
        with self._said_closed(self._numbers(order)[0]):
            self._wait("第一笔支付单关闭", lambda: self._is_first_closed(buyer, order))
        second = buyer.post(f"/orders/{order['order_no']}/pay")
        self.telling.equal("支付单", len(set(self._numbers(order))), 2)
        self.telling.step("卫然", "换了一部手机付款：微信答第一笔“已关闭”，商城才开第二笔")
        self.telling.sandbox.pay(second)
        self.telling.until_status(buyer, order, "paid")
        self.telling.sandbox.pay(first)
        self.telling.step("微信", f"两部手机都付了款：同一订单收了两次 {yuan(SOY_FEN)}")
        self._wait("第二笔退款", lambda: self._refunds(order) == [("success", SOY_FEN)])
        seen = buyer.get(f"/orders/{order['order_no']}")
        self.telling.equal("订单状态", seen["status"], "paid")
        self.telling.equal("订单实付", seen["paid_fen"], SOY_FEN)
        self.telling.step(
            "商城", f"订单只要一笔：多付的 {yuan(SOY_FEN)} 原路退回，订单照常等待发货"
        )

    def _unheard(self) -> None:
        buyer = self._buyer("钟离")
        order = self._order(buyer, SOY, 1, SOY_FEN)
        cashier = buyer.post(f"/orders/{order['order_no']}/pay")
        number = self._numbers(order)[0]
        self.control("POST", "/faults", on="notify_payment", kind="lost", match=number)
        self.telling.sandbox.pay(cashier)
        self.telling.step("微信", f"收了钟离的 {yuan(SOY_FEN)}，通知丢在半路，不会再来")
        self._wait("查单", lambda: self._payment(buyer, order) == "paid")
        told = self.control("GET", f"/notifications?subject={number}")["notifications"]
        self.telling.equal("通知", [each["state"] for each in told], ["lost"])
        self.telling.step("商城", "没有等通知：支付页一轮询就向微信查单，订单记为已支付")

    def _partly_back(self) -> None:
        seller = self.telling.newcomer("许渡")
        become_distributor(seller, self.merchant)
        invited = {"invite_code": seller.get("/distributor")["invite_code"]}
        buyer = self._buyer("安若", **invited)
        order = self._order(buyer, CUTTING_BOARD, PIECES, PIECES * PIECE_FEN)
        self.telling.pay(buyer, order)
        self.telling.equal("许渡的佣金", self._frozen(seller), EARNED_FEN)
        number = f"SF{order['order_no'][-12:]}"
        self.merchant.post(f"/orders/{order['order_no']}/ship", **PARCEL, tracking_no=number)
        case, shelf = self._send_back(buyer, order), self._available(order)
        self._accept_one(case, order)
        self._wait("售后退款", lambda: self._case(buyer, case)["status"] == "refunded")
        seen = self._case(buyer, case)
        self.telling.equal("退款", seen["amount_fen"], PIECE_FEN)
        self.telling.equal("许渡的佣金", self._frozen(seller), EARNED_FEN - CLAWED_FEN)
        self.telling.equal("库存", self._available(order), shelf + 1)
        self.telling.step(
            "商城",
            f"退回 {yuan(PIECE_FEN)}，三件里的一件；许渡的佣金 {yuan(EARNED_FEN)} 同样收回三分之一"
            f" {yuan(CLAWED_FEN)}，余 {yuan(EARNED_FEN - CLAWED_FEN)}；一件重新上架",
        )

    def _send_back(self, buyer: Client, order: dict[str, Any]) -> str:
        wanted = {
            "order_no": order["order_no"],
            "kind": "return_refund",
            "lines": [{"line_id": order["lines"][0]["id"], "quantity": 2}],
        }
        shown = buyer.post("/after-sales/preview", **wanted)
        self.telling.equal("可退金额", shown["amount_fen"], 2 * PIECE_FEN)
        buyer.post("/after-sales", **wanted, reason="买多了")
        case = str(buyer.get("/after-sales")["items"][0]["after_sale_no"])
        self.merchant.post(f"/after-sales/{case}/approve", return_to=RETURN_TO)
        buyer.post(f"/after-sales/{case}/parcel", **PARCEL, tracking_no=f"SF{case[-12:]}")
        self.telling.step(
            "安若",
            f"买了三块「{CUTTING_BOARD}」，想退两块 {yuan(2 * PIECE_FEN)}；商家同意，她寄回包裹",
        )
        return case

    def _accept_one(self, case: str, order: dict[str, Any]) -> None:
        self.merchant.post(
            f"/after-sales/{case}/receive",
            lines=[{"line_id": order["lines"][0]["id"], "quantity": 1}],
            answer="另一块已有刀痕，不影响二次销售的才能退",
            refused_parcel={**PARCEL, "tracking_no": f"SF9{case[-12:]}"},
        )
        self.telling.step("商家", "开箱验收：一块完好，收下；另一块已有刀痕，写明原因寄还给她")

    @contextmanager
    def _said_closed(self, number: str) -> Iterator[None]:
        """WeChat says of an attempt that it is closed, while its cashier still takes money."""
        fault = self.control(
            "POST", "/faults", on="query", kind="content", match=number, times=50, args=CLOSED_WORD
        )
        yield
        self.control("DELETE", f"/faults/{fault['id']}")

    def _is_first_closed(self, buyer: Client, order: dict[str, Any]) -> bool:
        self._payment(buyer, order)
        story = self.merchant.get(f"/orders/{order['order_no']}/payments")
        return bool(story["payments"][0]["status"] == "closed")

    def _payment(self, buyer: Client, order: dict[str, Any]) -> str:
        """What the page that waits for the payment says; looking at it has WeChat asked."""
        return str(buyer.get(f"/orders/{order['order_no']}/payment")["state"])

    def _numbers(self, order: dict[str, Any]) -> list[str]:
        story = self.merchant.get(f"/orders/{order['order_no']}/payments")
        return [each["out_trade_no"] for each in story["payments"]]

    def _refunds(self, order: dict[str, Any]) -> list[tuple[str, int]]:
        story = self.merchant.get(f"/orders/{order['order_no']}/payments")
        return [(each["status"], each["amount_fen"]) for each in story["refunds"]]

    def _refunded_once(self, order: dict[str, Any], fen: int) -> None:
        self.telling.equal("退款", self._refunds(order), [("success", fen)] if fen else [])

    def _frozen(self, seller: Client) -> int:
        return int(seller.get("/distributor")["frozen_fen"])

    def _case(self, buyer: Client, case: str) -> dict[str, Any]:
        found: dict[str, Any] = buyer.get(f"/after-sales/{case}")
        return found

    def _available(self, order: dict[str, Any]) -> int:
        line = order["lines"][0]
        page = self.merchant.get(f"/products/{line['spu_id']}")
        return next(int(sku["available"]) for sku in page["skus"] if sku["id"] == line["sku_id"])

    def _buyer(self, name: str, **invited: str) -> Client:
        buyer = self.telling.newcomer(name, **invited)
        buyer.post("/addresses", **ADDRESS)
        return buyer

    def _order(self, buyer: Client, title: str, quantity: int, expected_fen: int) -> dict[str, Any]:
        return self.telling.order(buyer, title, quantity, expected_fen)

    def _wait(self, what: str, look: Any) -> Any:
        return wait_until(what, look, seconds=PATIENCE_SECONDS + self.telling.patience)
