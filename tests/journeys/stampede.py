"""A crowd at a flash sale over HTTP: what each of them does, and what must be true afterwards."""

import random
import secrets
import threading
import time
import weakref
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx

from demo.client import Client, Sandbox, staff, wait_until
from demo.mall import Mall
from demo.telling import ADDRESS
from tests.journeys.accounts import credentials

FLASH_FEN = 100
NEVER_PAYS, SENDS_TWICE = 0.05, 0.10
PER_DOOR = 50
"""How many of the crowd sign in from one address: fewer than the mall lets in in a minute."""
NO = {"sold_out", "sale_limit_reached"}
AGAIN = {"sale_busy", "request_in_progress", "flash_sale_not_found"}
"""What a phone tries again: the last one until every process knows of the sale."""


@dataclass(eq=False)
class Crowd:
    """Members of a mall who all want one thing, and every answer they got."""

    mall: Mall
    members: int
    units: int
    at_once: int = 32
    patience: float = 0.0
    """Seconds that everybody bears with a server that does not answer."""
    answers: Counter[tuple[int, str]] = field(default_factory=Counter)
    slowest: float = 0.0
    orders: dict[str, int] = field(default_factory=dict)
    """Order number → who placed it."""

    def __post_init__(self) -> None:
        self.merchant = staff(self.mall.url, **credentials(self.mall))
        self.sandbox = Sandbox(self.mall.sandbox_url)
        self.local, self.lock = threading.local(), threading.Lock()
        self.run = secrets.token_hex(4)
        self.doors = [self._door(number) for number in range(self.members // PER_DOOR + 1)]
        with ThreadPoolExecutor(8) as pool:
            self.people = list(pool.map(self._member, range(self.members)))
        self.spu_id, self.sku_id = self._goods()
        self.sale_id = self._sale()

    def storm(self, requests: int, seed: int = 1) -> None:
        """Send so many attempts, each member's with keys of their own, some of them twice."""
        rng = random.Random(seed)
        tries = [(number % self.members, f"{self.run}-{number:08d}") for number in range(requests)]
        tries += rng.sample(tries, int(requests * SENDS_TWICE))
        rng.shuffle(tries)
        with ThreadPoolExecutor(self.at_once) as pool:
            list(pool.map(lambda one: self.buy(*one), tries))

    def buy(self, who: int, key: str) -> str:
        """One attempt, repeated as a phone does while it is not answered; returns the last word."""
        deadline = time.monotonic() + self.patience + 10
        while True:
            try:
                answer = self._attempt(who, key)
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
                continue
            code = "placed" if answer.status_code == 201 else answer.json()["code"]
            with self.lock:
                self.answers[answer.status_code, code] += 1
                if code == "placed":
                    self.orders[answer.json()["order_no"]] = who
            if code not in AGAIN or time.monotonic() > deadline:
                return code
            time.sleep(0.1)

    def settle(self, rng: random.Random) -> None:
        """Let who has an order pay, but for a few, until every piece is sold."""
        deserters: set[str] = set()
        settled: set[str] = set()
        while len(settled - deserters) < self.units:
            fresh = [one for one in self.orders if one not in settled]
            for order_no in fresh:
                if rng.random() < NEVER_PAYS:
                    deserters.add(order_no)
                self._end(order_no, is_paid=order_no not in deserters)
                settled.add(order_no)
            if not fresh:
                self._next()

    def prove(self) -> None:
        """Exactly all pieces are sold, nobody has more than one, and every balance is right."""
        paid = [
            each
            for each in self._sold_orders()
            if each["status"] not in {"closed", "unpaid", "closing"}
        ]
        assert len(paid) == self.units
        assert len({each["buyer_id"] for each in paid}) == self.units
        assert not [status for status, _ in self.answers if status >= 500], self.answers
        assert "every balance proves itself" in self.mall.flask("verify")

    def _next(self) -> None:
        """A piece has come back, or will: somebody without one tries."""
        holders = set(self.orders.values())
        for who in range(self.members):
            if (
                who not in holders
                and self.buy(who, f"{self.run}-{secrets.token_hex(6)}") == "placed"
            ):
                return
        time.sleep(0.2)

    def _end(self, order_no: str, *, is_paid: bool) -> None:
        token, _ = self.people[self.orders[order_no]]
        buyer = Client(self.mall.url, "/api/v1", token, patience=self.patience)
        if not is_paid:
            buyer.post(f"/orders/{order_no}/cancel")
            return self._until(buyer, order_no, "closed")
        self.sandbox.pay(buyer.post(f"/orders/{order_no}/pay"))
        return self._until(buyer, order_no, "paid")

    @staticmethod
    def _until(buyer: Client, order_no: str, status: str) -> None:
        what = f"{order_no} is {status}"
        wait_until(what, lambda: buyer.get(f"/orders/{order_no}")["status"] == status, seconds=60)

    def _attempt(self, who: int, key: str) -> httpx.Response:
        token, address_id = self.people[who]
        body = {
            "sku_id": self.sku_id,
            "address_id": address_id,
            "expected_payable_fen": FLASH_FEN,
        }
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        began = time.monotonic()
        answer = self._http().post(
            f"/api/v1/flash-sales/{self.sale_id}/orders", json=body, headers=headers
        )
        self.slowest = max(self.slowest, time.monotonic() - began)
        return answer

    def _http(self) -> httpx.Client:
        if not hasattr(self.local, "http"):
            self.local.http = httpx.Client(base_url=self.mall.url, timeout=15, trust_env=False)
            weakref.finalize(self, self.local.http.close)
        http: httpx.Client = self.local.http
        return http

    def _door(self, number: int) -> httpx.Client:
        """A client with an address of its own: nobody lets a crowd in from one."""
        host = httpx.HTTPTransport(local_address=f"127.0.{number // 250 + 1}.{number % 250 + 1}")
        door = httpx.Client(base_url=self.mall.url, timeout=15, trust_env=False, transport=host)
        weakref.finalize(self, door.close)
        return door

    def _member(self, number: int) -> tuple[str, int]:
        door = self.doors[number // PER_DOOR]
        code = self.sandbox.login_code(f"crowd-{self.run}-{number}")
        session = door.post("/api/v1/sessions", json={"code": code}).raise_for_status().json()
        token = str(session["token"])
        address = door.post(
            "/api/v1/addresses",
            json=dict(ADDRESS),
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": secrets.token_hex(12)},
        )
        return token, address.raise_for_status().json()["id"]

    def _goods(self) -> tuple[int, int]:
        category = self.merchant.get("/categories")["items"][0]
        sku = {"code": f"FLASH-{self.run}", "spec_values": [], "price_fen": 9_900}
        spu = self.merchant.post(
            "/products",
            title="秒杀手机壳",
            images=["https://img.example.com/case.jpg"],
            category_id=category["id"],
            skus=[{**sku, "initial_stock": self.units}],
        )
        self.merchant.post(f"/products/{spu['id']}/on-shelf")
        return spu["id"], spu["skus"][0]["id"]

    def _sale(self) -> int:
        now = datetime.now(UTC)
        sale = self.merchant.post(
            "/promotions",
            kind="flash_sale",
            title=f"整点秒杀{self.run}",
            terms={"prices": [{"sku_id": self.sku_id, "price_fen": FLASH_FEN}], "pay_minutes": 30},
            stock=[{"sku_id": self.sku_id, "total": self.units}],
            starts_at=(now - timedelta(minutes=1)).isoformat(),
            ends_at=(now + timedelta(hours=2)).isoformat(),
            member_max_units=1,
        )
        self.merchant.post(f"/promotions/{sale['id']}/publish")
        return int(sale["id"])

    def _sold_orders(self) -> list[dict[str, object]]:
        found, cursor = [], None
        while True:
            page = self.merchant.get("/orders", **({"cursor": cursor} if cursor else {}))
            found += [each for each in page["items"] if each["order_no"] in self.orders]
            cursor = page["next_cursor"]
            if cursor is None:
                return found
