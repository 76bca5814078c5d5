"""
The mall, its people and WeChat, as the lives meet them: over HTTP, in one process or in many.

What is not a person's doing is here too: days pass, jobs are run, WeChat settles refunds, staff
clear what waits for them. A mall is given by its addresses, its database and how it is moved on.
"""

import itertools
import random
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import redis
from procrastinate import App, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued

from demo.client import Client, Refused, Sandbox, sign_in, staff
from demo.seed import become_distributor
from demo.telling import ADDRESS

PERIODIC = (
    "orders.expire_due", "orders.receive_due", "orders.complete_due", "payments.sweep",
    "aftersales.act_due", "distributors.mature", "distributors.chain", "distributors.figures",
    "coupons.expire_due", "accounting.close_days",
)  # fmt: skip
"""What the clock starts, other than the daily comparison."""
RULES = {
    "receive_after_days": 2, "complete_after_days": 2, "buyer_sends_days": 1,
    "shop_receives_days": 1, "staff_answer_hours": 24,
}  # fmt: skip
PRICES = (9_900, 3_333, 1_234, 507)
TOO_MANY = 429
TOKEN_LIFE = timedelta(minutes=90)
"""Of the mall's clock; what passes by itself meanwhile is less than half an hour."""
BANK = {"bank_type": "ICBC_DEBIT", "account_number": "6222020000000000", "account_name": "王强"}
MOST_TURNS = 14
"""So often something is still on its way, at most, once nobody does anything any more."""
LAST_WORDS = ["SUCCESS"] * 7 + ["ABNORMAL", "ABNORMAL", "CLOSED"]


@dataclass
class Place:
    """Where a mall is, and how it is moved on."""

    url: str
    sandbox_url: str
    database_url: str
    redis_url: str
    accounts: list[dict[str, str]]
    """Two of the staff, the first of them a merchant."""
    set_ahead: Callable[[timedelta], None]
    """Makes every clock of the mall so much later than the real one."""
    run_due: Callable[[], None]
    """Has every job that is due done."""
    verify: Callable[[], str]
    stray: Callable[[str, int], dict[str, str]]
    """Somebody else's program asks for so many fen in this merchant's name, under a number."""
    patience: float = 0.0


@dataclass
class World:
    """Everybody and everything the lives have in common."""

    place: Place
    rng: random.Random
    ahead: timedelta = timedelta()
    by_hand: dict[str, int] = field(default_factory=dict)
    """Refunds given back outside of WeChat: number and fen."""
    let_be: set[str] = field(default_factory=set)
    """Attempts whose stray money a person has dismissed."""
    unheard: set[str] = field(default_factory=set)
    """Attempts that were paid after the mall had given them up, and WeChat's word was lost."""

    finishers: list[Callable[[], None]] = field(default_factory=list)
    """What staff have still to do at the end, as no deadline does it for them."""

    def __post_init__(self) -> None:
        self.sandbox = Sandbox(self.place.sandbox_url)
        self.lock = threading.Lock()
        self._signed_in: dict[str, tuple[timedelta, Client]] = {}
        self.prepare()

    def prepare(self) -> None:
        """Open the shop: rules, goods, campaigns, and two people above every buyer."""
        self.control("POST", "settings", refund_outcome="manual", bills="creating")
        self.merchant.put("/shop-rules", reason="试运行", **RULES)
        self.merchant.put(
            "/commission-rules", levels=2, level1_bp=1000, level2_bp=500, cap_bp=5000, mature_days=1
        )
        self.merchant.put("/joining-rules", way="approval")
        self.skus = self._goods()
        self._campaigns()
        top = self.shopper("lives-top")
        become_distributor(top, self.merchant)
        self.invited = {"invite_code": top.get("/distributor")["invite_code"]}
        seller = self.shopper("lives-seller")
        become_distributor(seller, self.merchant)
        self.invited = {"invite_code": seller.get("/distributor")["invite_code"]}

    def _goods(self) -> list[int]:
        """Four products, one of them scarce, shipped for eight yuan."""
        freight = self.merchant.post(
            "/freight-templates", name=f"运费{secrets.token_hex(4)}", charge_by="piece",
            rules=[{"region_prefix": "", "first_units": 1, "first_fen": 800, "next_units": 1,
                "next_fen": 200}],
        )["id"]  # fmt: skip
        category = self.merchant.post("/categories", name=f"一生{secrets.token_hex(4)}")["id"]
        return [self._product(number, fen, category, freight) for number, fen in enumerate(PRICES)]

    def _product(self, number: int, fen: int, category: int, freight: int) -> int:
        sku = {"code": f"L{secrets.token_hex(4)}-{number}", "spec_values": [], "price_fen": fen}
        spu = self.merchant.post(
            "/products",
            title=f"一生之物{number}",
            images=["https://img.example.com/thing.jpg"],
            category_id=category,
            freight_template_id=freight,
            skus=[{**sku, "initial_stock": 100_000 if number else 12}],
        )
        self.merchant.post(f"/products/{spu['id']}/on-shelf")
        return int(spu["skus"][0]["id"])

    def _campaigns(self) -> None:
        """满60减7, 满200减31, and a coupon that can be claimed again and again."""
        stacks: dict[str, Any] = {
            "tags": ["lives"], "agrees_with": ["lives"], "starts_at": "2026-01-01T00:00:00+08:00",
        }  # fmt: skip
        tiers = [{"threshold": 6_000, "off_fen": 700}, {"threshold": 20_000, "off_fen": 3_100}]
        save = self.merchant.post(
            "/promotions", kind="spend_and_save", title="满减", terms={"tiers": tiers}, **stacks
        )
        coupon = self.merchant.post(
            "/promotions",
            kind="coupon_amount",
            title="满30减4券",
            group="coupons",
            terms={"threshold_fen": 3_000, "off_fen": 401},
            issue={"valid_days": 60, "member_max": 50},
            **stacks,
        )
        for one in (save, coupon):
            self.merchant.post(f"/promotions/{one['id']}/publish")
        self.coupon = int(coupon["id"])

    # People

    @property
    def merchant(self) -> Client:
        """Whoever of the staff does what is nobody's in particular."""
        return self.clerk(0)

    def clerk(self, number: int) -> Client:
        """One of the two of the staff, signed in for this day."""
        account = self.place.accounts[number]
        return self._person(
            account["username"],
            lambda: staff(self.place.url, patience=self.place.patience, **account),
        )

    def shopper(self, openid: str, **invited: str) -> Client:
        """Somebody with a phone, signed in for this day."""
        return self._person(
            openid,
            lambda: sign_in(
                self.place.url, self.sandbox, openid, invited=invited, patience=self.place.patience
            ),
        )

    def address(self, buyer: Client) -> int:
        """Where the buyer's parcels go; the same address every time."""
        found = buyer.get("/addresses")["items"] or [buyer.post("/addresses", **ADDRESS)]
        return int(found[0]["id"])

    def _person(self, name: str, enter: Callable[[], Client]) -> Client:
        since, client = self._signed_in.get(name, (timedelta.min, None))
        if client is None or self.ahead - since > TOKEN_LIFE:
            try:
                client = enter()
            except Refused as refused:
                if refused.status != TOO_MANY:
                    raise
                redis.Redis.from_url(self.place.redis_url).flushdb()
                client = enter()
            self._signed_in[name] = self.ahead, client
        return client

    def control(self, method: str, path: str, **body: Any) -> Any:
        """Call the sandbox's control API."""
        return self.sandbox.control(method, f"/{path}", **body)

    # What happens by itself

    def look(self, statement: str) -> list[tuple[Any, ...]]:
        """What the database holds, for waiting and for proving."""
        with psycopg.connect(self.place.database_url, autocommit=True) as connection:
            return connection.execute(statement).fetchall()

    def pass_time(self, span: timedelta) -> None:
        """It is so much later, at WeChat as in the mall; nobody has done anything yet."""
        self.ahead += span
        seconds = span.total_seconds()
        self.control("POST", "clock", advance_seconds=seconds, calendar=True)
        self.place.set_ahead(self.ahead)

    def tick(self, *names: str) -> None:
        """Have these periodic jobs, and all timers that are due by now, run until none is left."""
        with self._queue() as tasks:
            for name in names:
                with suppress(AlreadyEnqueued):
                    tasks.configure_task(name, queueing_lock=name).defer(timestamp=0)
        with psycopg.connect(self.place.database_url, autocommit=True) as connection:
            connection.execute(
                "UPDATE procrastinate_jobs SET scheduled_at = now()"
                " WHERE status = 'todo' AND scheduled_at <= now() + %s",
                [self.ahead],
            )
        self.place.run_due()
        self.control("POST", "idle")
        self.place.run_due()  # What WeChat has told us meanwhile.

    @contextmanager
    def _queue(self) -> Iterator[App]:
        with App(connector=SyncPsycopgConnector(conninfo=self.place.database_url)).open() as tasks:
            yield tasks

    def settle(self, *, is_final: bool = False) -> None:
        """Let everything come to rest that nobody has to decide; at the end, those things too."""
        for turn in itertools.count():
            self.tick(*PERIODIC)
            self._wechat_settles(may_fail=turn < 2)
            self.staff_clears()
            for finish in self.finishers if is_final else ():
                finish()
            self.tick("payments.sweep")
            if not is_final or self.is_at_rest():
                return
            assert turn < MOST_TURNS, self.restless()
            has_cases = any(open_cases for _, _, open_cases in self.restless()["orders"])
            self.pass_time(timedelta(hours=25 if has_cases else 1.1))

    def is_at_rest(self) -> bool:
        return not any(self.restless().values())

    def restless(self) -> dict[str, list[tuple[Any, ...]]]:
        """Whatever is still on its way: nothing of it may be left in the end."""
        questions = {
            "refunds": "SELECT out_refund_no, status, last_error FROM refund"
            " WHERE status NOT IN ('success', 'replaced')",
            "facts": "SELECT id, reason FROM pay_inbox WHERE status IN ('received', 'quarantined')",
            "orders": "SELECT order_no, status, open_cases FROM shop_order"
            " WHERE status IN ('unpaid', 'closing') OR open_cases > 0",
            "jobs": "SELECT task_name, status, scheduled_at FROM procrastinate_jobs"
            " WHERE status IN ('todo', 'doing') AND task_name LIKE 'payments.%'",
        }
        return {name: self.look(question) for name, question in questions.items()}

    def _wechat_settles(self, *, may_fail: bool) -> None:
        for refund in self.control("GET", "refunds")["refunds"]:
            if refund["status"] != "PROCESSING":
                continue
            word = self.rng.choice(LAST_WORDS) if may_fail else "SUCCESS"
            with suppress(httpx.HTTPStatusError):
                self.control("POST", f"refunds/{refund['out_refund_no']}/settle", status=word)

    # What waits for people

    def staff_clears(self) -> None:
        """Staff look at what is stuck and at what was set aside, and decide."""
        for item in self.merchant.get("/refunds/stuck")["items"]:
            with suppress(Refused):
                self._mend(item["refund"])
        for fact in self.merchant.get("/payments/quarantine")["items"]:
            self._decide(fact)

    def _mend(self, refund: dict[str, Any]) -> None:
        number, why = refund["out_refund_no"], {"reason": "客户等不及了"}
        if refund["status"] == "abnormal":
            account = self.rng.choice([BANK, None])
            self.merchant.post(f"/refunds/{number}/rescue", account=account, **why)
        elif refund["status"] == "closed" and self.rng.random() < 0.7:
            self.merchant.post(f"/refunds/{number}/replace", **why)
        elif refund["status"] == "closed":
            self.merchant.post(f"/refunds/{number}/by-hand", receipt_no="ICBC-20261111", **why)
            self.by_hand[number] = refund["amount_fen"]
        else:
            self.merchant.post(f"/refunds/{number}/retry", **why)

    def _decide(self, fact: dict[str, Any]) -> None:
        is_stray = fact["reason"] == "unknown_number"
        wished = self.rng.choice(["refund", "refund", "dismiss"] if is_stray else ["apply"])
        for decision in (wished, "dismiss"):
            try:
                self.merchant.post(
                    f"/payments/quarantine/{fact['id']}/decision",
                    decision=decision,
                    reason="已与客户核实",
                )
            except Refused as refused:
                if refused.status >= 500:
                    return
                continue
            if is_stray and decision == "dismiss":
                self.let_be.add(fact["out_no"])
            return

    def stray(self) -> None:
        """Money comes that nobody of this mall has asked for."""
        number = f"P{''.join(self.rng.choice('0123456789') for _ in range(26))}"
        self.sandbox.pay(self.place.stray(number, self.rng.randint(1, 9_999)))
