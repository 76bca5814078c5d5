"""
The chapter of the flash sale: twenty pieces, sixty people, two hundred calls in one moment.

Everybody calls at once, from threads of this process, as their phones would; what became of it is
counted twice, from the answers here and from the merchant's board, and both must say the same.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx

from demo.client import PATIENCE_SECONDS, Client, Refused, wait_until
from demo.telling import ADDRESS, Telling, yuan

PILLOW = "乳胶枕"
PIECES = 20
PEOPLE = 60
CALLS = 200
CROWD = 24
"""How many calls are on their way at a time."""
PRICE_FEN = 9900
OPENS_IN = timedelta(seconds=3)

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """What one call was answered, and in how many seconds."""

    person: int
    key: str
    status: int
    code: str
    order_no: str
    seconds: float


class Stampede:
    """A sale of few pieces, in numbers: nobody gets one too many, and none is left over."""

    def __init__(self, telling: Telling) -> None:
        self.telling = telling
        self.merchant = telling.merchant
        self.sku: dict[str, Any] = {}
        self.sale_id = 0

    def tell(self) -> None:
        """Tell the whole chapter; stop at the first wrong figure."""
        people = self._crowd()
        opens_at = self._publish()
        self._early(people[0], opens_at)
        answers = self._storm(people)
        winners = self._count(answers)
        self._again(people, answers)
        winners = self._give_back(people, winners)
        self._pay(people, winners)
        self._board()
        self._end()

    def _crowd(self) -> list[Client]:
        people = _at_once(self._person, range(PEOPLE))
        spu = people[0].get("/products", q=PILLOW)["items"][0]
        self.sku = people[0].get(f"/products/{spu['id']}")["skus"][0]
        return people

    def _person(self, number: int) -> Client:
        person = self.telling.newcomer(f"顾客{number + 1}")
        person.post("/addresses", **ADDRESS)
        return person

    def _publish(self) -> datetime:
        path = f"/skus/{self.sku['id']}/stock"
        self.merchant.post(f"{path}-adjustments", delta=PIECES, reason="为秒杀备货")
        before = self.merchant.get(path)
        opens_at = datetime.now(UTC) + OPENS_IN
        sale = self.merchant.post(
            "/promotions",
            kind="flash_sale",
            title=f"{PILLOW}整点秒杀",
            terms={"prices": [{"sku_id": self.sku["id"], "price_fen": PRICE_FEN}]},
            stock=[{"sku_id": self.sku["id"], "total": PIECES}],
            member_max_units=1,
            starts_at=opens_at.isoformat(),
            ends_at=(opens_at + timedelta(hours=1)).isoformat(),
        )
        self.sale_id = int(sale["id"])
        self.merchant.post(f"/promotions/{self.sale_id}/publish")
        after = self.merchant.get(path)
        self.telling.equal("货架上少掉的件数", before["available"] - after["available"], PIECES)
        self.telling.equal("为活动划出的件数", after["carved"] - before["carved"], PIECES)
        self.telling.step(
            "商家",
            f"发布秒杀：{PILLOW} 原价 {yuan(self.sku['price_fen'])}，秒杀价 {yuan(PRICE_FEN)}，"
            f"{PIECES} 件，每人限 1 件；{PIECES} 件随发布从货架划出",
        )
        return opens_at

    def _early(self, visitor: Client, opens_at: datetime) -> None:
        page = wait_until("秒杀页面出现", lambda: _found(visitor, f"/flash-sales/{self.sale_id}"))
        if datetime.now(UTC) < opens_at - timedelta(seconds=0.5):
            self.telling.equal("开抢前的状态", page["state"], "upcoming")
            early = self._call(visitor, 0, "early-" + "0" * 16)
            self.telling.equal("提前下单的回答", early.code, "sale_not_started")
        wait_until("开抢", lambda: self._phase() == "on_sale")

    def _phase(self) -> str:
        return str(self.merchant.get(f"/flash-sales/{self.sale_id}/board")["phase"])

    def _storm(self, people: list[Client]) -> list[Answer]:
        """Everybody calls three times with keys of their own; every tenth call is a repetition."""
        calls = [
            (number % PEOPLE, f"{self.sale_id}-{number:04}-stampede") for number in range(CALLS)
        ]
        repeated = calls[:: CALLS // 20]
        calls = calls[: CALLS - len(repeated)] + repeated
        began = time.monotonic()
        answers = _at_once(lambda one: self._call(people[one[0]], *one), calls, CROWD)
        took = time.monotonic() - began
        self.telling.equal("服务器错误", [one.status for one in answers if one.status >= 500], [])
        slowest = max(one.seconds for one in answers)
        self.telling.step(
            "人群",
            f"{PEOPLE} 人同时抢，{CALLS} 次请求（其中 {len(repeated)} 次是手机重发）"
            f"用了 {took:.1f} 秒，最慢一次 {slowest:.2f} 秒，没有一次服务器错误",
        )
        return answers

    def _call(self, person: Client, number: int, key: str) -> Answer:
        address_id = self._address(person)
        began = time.monotonic()
        answer = person.http.post(
            f"/flash-sales/{self.sale_id}/orders",
            json={
                "sku_id": self.sku["id"],
                "address_id": address_id,
                "expected_payable_fen": PRICE_FEN,
            },
            headers={"Idempotency-Key": key},
        )
        body = _json(answer)
        return Answer(
            number, key, answer.status_code, str(body.get("code", "")),
            str(body.get("order_no", "")), time.monotonic() - began,
        )  # fmt: skip

    def _address(self, person: Client) -> int:
        return int(person.get("/addresses")["items"][0]["id"])

    def _count(self, answers: list[Answer]) -> dict[str, int]:
        """Each order with the number of who has it."""
        orders = {one.order_no: one.person for one in answers if one.order_no}
        self.telling.equal("抢到的订单", len(orders), PIECES)
        self.telling.equal("抢到的人", len(set(orders.values())), PIECES)
        refused = Counter(one.code for one in answers if not one.order_no)
        words = {"sold_out": "已抢光", "sale_limit_reached": "超出限购", "sale_busy": "稍后再试"}
        known = {*words, "request_in_progress"}
        self.telling.equal("说不出理由的拒绝", sorted(set(refused) - known), [])
        reasons = "、".join(
            f"{words.get(code, code)} {n} 次" for code, n in sorted(refused.items())
        )
        self.telling.step(
            "秒杀", f"恰好 {PIECES} 张订单归 {PIECES} 个人，一人一件；其余都有明确的回答：{reasons}"
        )
        return orders

    def _again(self, people: list[Client], answers: list[Answer]) -> None:
        won = next(one for one in answers if one.order_no)
        again = self._call(people[won.person], won.person, won.key)
        self.telling.equal("重发同一请求得到的订单", again.order_no, won.order_no)
        self.telling.step("手机", "没收到回答而重发的请求，得到的是同一张订单，不是第二件")

    def _give_back(self, people: list[Client], winners: dict[str, int]) -> dict[str, int]:
        """One of them does not want it after all; the piece goes to somebody who got none."""
        order_no, person = next(iter(winners.items()))
        people[person].post(f"/orders/{order_no}/cancel")
        wait_until("放回的一件", lambda: self._left() == 1, seconds=self._seconds())
        loser = next(number for number in range(PEOPLE) if number not in winners.values())
        second = wait_until(
            "有人补上", lambda: self._won(people[loser], loser), seconds=self._seconds()
        )
        self.telling.equal("补上之后剩余", self._left(), 0)
        self.telling.step(
            "微信", "有人放弃付款：先在微信关单，件数才放回；没抢到的人这时又能抢到它"
        )
        left = {each: who for each, who in winners.items() if each != order_no}
        return {**left, second.order_no: loser}

    def _won(self, person: Client, number: int) -> Answer | None:
        answer = self._call(person, number, f"{self.sale_id}-again-{time.monotonic_ns()}")
        return answer if answer.order_no else None

    def _left(self) -> int:
        board = self.merchant.get(f"/flash-sales/{self.sale_id}/board")
        return int(board["progress"]["left"])

    def _seconds(self) -> float:
        return PATIENCE_SECONDS + self.telling.patience

    def _pay(self, people: list[Client], winners: dict[str, int]) -> None:
        def pay(one: tuple[str, int]) -> None:
            self.telling.sandbox.pay(people[one[1]].post(f"/orders/{one[0]}/pay"))

        _at_once(pay, winners.items(), 4)
        path = f"/flash-sales/{self.sale_id}/board"
        wait_until(
            "所有订单付款",
            lambda: self.merchant.get(path)["orders"]["paid"] == PIECES,
            seconds=self._seconds(),
        )

    def _board(self) -> None:
        board = self.merchant.get(f"/flash-sales/{self.sale_id}/board")
        orders, pieces = board["orders"], board["progress"]
        self.telling.equal("已付款订单", orders["paid"], PIECES)
        self.telling.equal("已放回订单", orders["released"], 1)
        self.telling.equal("实收", orders["paid_fen"], PIECES * PRICE_FEN)
        self.telling.equal("进度", pieces, {"total": PIECES, "sold": PIECES, "held": 0, "left": 0})
        self.telling.step(
            "商家",
            f"看板：下单 {orders['ordered']}，付款 {orders['paid']}，放回 {orders['released']}，"
            f"剩余 {pieces['left']}；实收 {yuan(orders['paid_fen'])} ="
            f" {PIECES} × {yuan(PRICE_FEN)}",
        )

    def _end(self) -> None:
        self.merchant.post(f"/promotions/{self.sale_id}/end")
        source = f"promotion:{self.sale_id}"
        carves = self.merchant.get(f"/skus/{self.sku['id']}/stock")["carves"]
        self.telling.equal("结束后仍划出的", [one for one in carves if one["source"] == source], [])
        self.telling.step("商家", "结束秒杀：卖出恰好等于划出，没有一件多卖，也没有一件丢失")


def _at_once(work: Callable[[Any], T], of: Iterable[Any], crowd: int = 8) -> list[T]:
    with ThreadPoolExecutor(crowd) as pool:
        return list(pool.map(work, of))


def _found(person: Client, path: str) -> dict[str, Any] | None:
    try:
        page: dict[str, Any] = person.get(path)
    except Refused:
        return None  # The page of a moment ago, kept by one of the processes.
    return page


def _json(answer: httpx.Response) -> dict[str, Any]:
    body = answer.json() if answer.content else {}
    assert isinstance(body, dict)
    return body
