"""
The last accident is found by the calendar: the bill of a day is fetched, compared with our books,
and what differs is repaired by asking WeChat, or resolved by a person.

Bills are made of days that are over, so what is told here was paid yesterday, by WeChat's word.
"""

from datetime import datetime, time, timedelta
from typing import Any

from app.core.clock import CHINA
from demo.client import PATIENCE_SECONDS, Client, wait_until
from demo.telling import ADDRESS, Telling, yuan

CREAM = "玻尿酸补水面膜"
# ¥89.00 and ¥8.00 to send it.
PAID_FEN = 8900 + 800
TOO_MUCH_FEN = 100
REASON = "微信客服确认账单笔误，次日更正"


class DailyMatch:
    """Three payments of one day: one agrees, one was never heard of, one is wrong in the bill."""

    def __init__(self, telling: Telling) -> None:
        self.telling = telling
        self.merchant = telling.merchant
        self.control = telling.sandbox.control
        self.day = datetime.now(CHINA).date() - timedelta(days=1)

    def tell(self) -> None:
        """Tell it; stop at the first wrong figure."""
        heard = self._paid("叶知秋", is_heard=True)
        unheard = self._paid("贺兰", is_heard=False)
        wrong = self._paid("顾盼", is_heard=True)
        self.telling.step(
            "微信",
            f"昨天收了叶知秋、贺兰、顾盼各 {yuan(PAID_FEN)}；贺兰那笔的通知丢了，也没有人查过",
        )
        self._plant(wrong[2])
        self.control("POST", "/settings", bills="ready")
        self._run()
        self.control("POST", "/settings", bills="automatic")
        self._repaired(*unheard)
        self.telling.equal("相符的一笔", self._breaks("resolved", heard[2]), [])
        self._resolved_by_its_person(wrong[2])

    def _paid(self, name: str, *, is_heard: bool) -> tuple[Client, dict[str, Any], str]:
        """Somebody whose money came yesterday."""
        buyer = self.telling.newcomer(name)
        buyer.post("/addresses", **ADDRESS)
        order = self.telling.order(buyer, CREAM, 1, PAID_FEN)
        cashier = buyer.post(f"/orders/{order['order_no']}/pay")
        story = self.merchant.get(f"/orders/{order['order_no']}/payments")
        number = str(story["payments"][0]["out_trade_no"])
        if not is_heard:
            self.control("POST", "/faults", on="notify_payment", kind="lost", match=number)
        moment = datetime.combine(self.day, time(20, 30), CHINA)
        self.control("POST", "/pay", **cashier, success_time=moment.isoformat())
        if is_heard:
            self.telling.until_status(buyer, order, "paid")
        return buyer, order, number

    def _plant(self, number: str) -> None:
        self.control("POST", "/bills/differences", kind="amount", number=number, by=TOO_MUCH_FEN)
        self.telling.step(
            "微信", f"昨天的交易账单里，顾盼那笔被写成 {yuan(PAID_FEN + TOO_MUCH_FEN)}"
        )

    def _run(self) -> None:
        day = self.day.isoformat()
        self.merchant.post("/reconciliation/runs", day=day, is_anew=True)
        row = self._wait(f"{day} 对账", self._compared)
        for one in row["sums"]:
            if one["kind"] == "payment":
                self._sum(one)

    def _sum(self, one: dict[str, Any]) -> None:
        """What the bill says is what our books say, and the differences that were found."""
        broken = [
            each
            for status in ("open", "resolved")
            for each in self._breaks(status, None)
            if each["book"] == one["book"]
        ]
        found_fen = sum(each["difference_fen"] for each in broken)
        self.telling.equal(f"{one['book_name']}合计", one["bill_fen"], one["local_fen"] + found_fen)
        self.telling.step(
            "对账",
            f"昨天的{one['book_name']}：{one['lines']} 笔收款 {yuan(one['bill_fen'])}"
            f" = 本店 {one['ours']} 笔 {yuan(one['local_fen'])} + 差额 {yuan(found_fen)}",
        )

    def _compared(self) -> dict[str, Any] | None:
        """The day once it is compared and nothing is left that WeChat could say."""
        row = self._row()
        waits = [each for each in self._breaks("open", None) if each["resolver"] == "wechat"]
        is_still = row == self._row()  # Else it was compared again while we looked.
        return row if row["matched_at"] and not waits and is_still else None

    def _row(self) -> dict[str, Any]:
        days = self.merchant.get("/reconciliation/days", limit=3)["items"]
        return next(each for each in days if each["day"] == self.day.isoformat())

    def _repaired(self, buyer: Client, order: dict[str, Any], number: str) -> None:
        self.telling.until_status(buyer, order, "paid")
        self.telling.equal("未处理的差异", self._breaks("open", number), [])
        found = self._breaks("resolved", number)
        # The timer of the attempt may have asked before the match did, if the mall stood still.
        ways = {each["how"] for each in found}
        self.telling.equal("别的处理结果", ways - {"repaired", "matched"}, set())
        self.telling.step(
            "对账",
            f"贺兰那笔“微信有、本店无”：向微信查单，答复照常入账 {yuan(PAID_FEN)}，订单变为已支付",
        )

    def _resolved_by_its_person(self, number: str) -> None:
        (found,) = self._breaks("open", number)
        seen = (found["verdict"], found["bill_fen"], found["local_fen"], found["difference_fen"])
        expected = ("amount_differs", PAID_FEN + TOO_MUCH_FEN, PAID_FEN, TOO_MUCH_FEN)
        self.telling.equal("埋下的差异", seen, expected)
        taken = self.merchant.post(f"/reconciliation/breaks/{found['id']}/take")
        self.merchant.post(
            f"/reconciliation/breaks/{found['id']}/resolve", how="explained", reason=REASON
        )
        (done,) = self._breaks("resolved", number)
        self.telling.equal("处理结果", (done["how"], done["reason"]), ("explained", REASON))
        self.telling.step(
            "商家",
            f"顾盼那笔“{found['verdict_name']}”：账单 {yuan(found['bill_fen'])}，本店"
            f" {yuan(found['local_fen'])}；{(taken or done)['owner']} 领走核实：{REASON}。"
            "昨天再没有说不清的钱",
        )

    def _breaks(self, status: str, number: str | None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            page = self.merchant.get(
                "/reconciliation/breaks",
                status=status, day=self.day.isoformat(), kind="payment", limit=100, **cursor,
            )  # fmt: skip
            found += [each for each in page["items"] if number in (None, each["out_no"])]
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}

    def _wait(self, what: str, look: Any) -> Any:
        return wait_until(what, look, seconds=PATIENCE_SECONDS + self.telling.patience)
