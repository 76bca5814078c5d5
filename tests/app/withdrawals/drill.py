"""
The failure drill: many withdrawals at once while everything goes wrong that can.

WeChat times out, answers 500 or 429 with and without having acted, is short of money, loses and
spoils notifications, closes what nobody confirms. Distributors and staff cancel in the worst
moment. Two workers take the same turn, and any of them dies at any step: before a call, after it,
before and after what it writes. A death loses the job too; nothing but the rows is left.
"""

import random
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import select, text

from app.core.db import transaction
from app.core.errors import AppError
from app.payments import inbox
from app.wechat.transfers import TransferClient
from app.withdrawals import applying, calls, jobs, service, submitting
from app.withdrawals.models import Payout
from distribution.withdrawals.models import Withdrawal
from distribution.withdrawals.states import OPEN, Channel
from tests.wechat_sandbox import MALL

STEPS = (
    (TransferClient, "create"),
    (TransferClient, "query"),
    (TransferClient, "cancel"),
    (submitting, "claim"),
    (applying, "hear_receipt"),
    (applying, "_settle"),
    (applying, "_end"),
    (inbox, "hear_answer"),
    (inbox, "handle"),
)
"""Before and after each of these a worker may die."""
CALLS = ("transfer", "transfer_query", "transfer_cancel")
TROUBLES = (
    "cut", "500", "503", "429", "lost", "accepted_500", "accepted_429", "bad_signature",
    "malformed_json", "not_enough",
)  # fmt: skip
SPOILT = ("bad_signature", "stale_timestamp", "wrong_amount", "wrong_mchid", "malformed_json")
DEEDS = (
    "cancel", "reject", "retry", "look", "fail", "expire", *("nothing",) * 6,
)  # fmt: skip
"""What distributors, staff and WeChat do about one withdrawal in one round."""
WORKERS = 4


class Killed(BaseException):
    """The process is gone: nobody catches this."""


class Drill:
    """One shop, some distributors, one WeChat, and a seed for all misfortune."""

    def __init__(self, shop, monkeypatch, *, seed, count, people=8):
        self.shop, self.random = shop, random.Random(seed)
        self.count, self.mortality = count, 0.04
        self.happened = Counter()
        self.heard = set()
        self.numbers = []
        wechat = shop.wechat
        wechat.control("POST", "settings", transfers_a_second=10_000, seed=str(seed))
        for owner, name in STEPS:
            monkeypatch.setattr(owner, name, self._mortal(getattr(owner, name)))
        each = 3_000 * (count // people + 1)
        self.members = [shop.distributor(fen=each)[0] for _ in range(people)]
        self.fen = each

    def run(self, rounds):
        """Ask, and let everything happen at random, for some rounds."""
        waiting = list(range(self.count))
        for turn in range(rounds):
            share = len(waiting) // (rounds - turn) + 1 if turn < rounds // 2 else len(waiting)
            for _ in waiting[:share]:
                self.ask()
            del waiting[:share]
            self.trouble()
            for number in self.open():
                self.meddle(number)
            self.confirm()
            self.work()
            self.deliver()
            self.shop.wait(seconds=self.random.choice((5, 20, 70, 700, 2_000)))

    def heal(self):
        """Let everything work again, and time pass until nothing is open."""
        self.mortality = 0.0
        self.shop.wechat.control("DELETE", "faults")
        self.shop.wechat.control("POST", "balance", balance_fen=None)
        self.shop.wechat.control("POST", "settings", transfer_start="WAIT_USER_CONFIRM")
        for _ in range(20):
            if not self.open():
                return
            self.work()
            self.shop.wait(hours=3)
        assert self.open() == [], self.shop.breaches()

    def ask(self):
        member = self.random.choice(self.members)
        try:
            with transaction() as session:
                asked = service.request(
                    session,
                    member_id=member.id,
                    amount_fen=self.random.randint(10, 4_000),
                    channel=Channel.WECHAT,
                    now=self.shop.now,
                )
        except AppError as refusal:
            self.happened[refusal.code] += 1
            return
        self.numbers.append(asked.no)

    def trouble(self):
        """Something goes wrong at WeChat from now on."""
        control, chance = self.shop.wechat.control, self.random
        for number in self.open():
            if chance.random() < 0.4:
                self.shop.wechat.fault(
                    chance.choice(CALLS), chance.choice(TROUBLES), match=number,
                    times=chance.randint(1, 2),
                )  # fmt: skip
        balance = chance.choice((None, None, 0, 3_000))
        control("POST", "balance", balance_fen=balance)
        start = chance.choice(("ACCEPTED", "PROCESSING", "WAIT_USER_CONFIRM", "WAIT_USER_CONFIRM"))
        control("POST", "settings", transfer_start=start, transfer_delay_seconds=10)

    def meddle(self, number):
        """Distributor, staff or WeChat do something about one withdrawal, or nobody does."""
        deed = self.random.choice(DEEDS)
        self.happened[deed] += getattr(self, f"_{deed}", lambda _: False)(number)

    def confirm(self):
        """
        Payees confirm what waits for them at WeChat, whatever we believe of it.

        They do it as WeChat's own page lets them, so that a bill we forgot could really be paid.
        """
        for bill in self.shop.bills():
            if bill["state"] == "WAIT_USER_CONFIRM" and self.random.random() < 0.4:
                path = f"transfers/{bill['out_bill_no']}/confirm"
                self.shop.wechat.control("POST", path, unchecked=True)
                self.happened["confirm"] += 1

    def work(self):
        """Workers take turns at what is due, some at the same one at once; some die."""
        try:
            jobs.sweep()
        except Killed:
            self.happened["killed"] += 1
        due = self._due()
        turns = due + self.random.sample(due, len(due) // 3)
        self.random.shuffle(turns)
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(self._turn, turns))

    def deliver(self):
        """Some notifications arrive, some twice, some spoilt, some never."""
        control = self.shop.wechat.control
        for told in control("GET", "notifications")["notifications"]:
            if told["id"] in self.heard:
                continue
            self.heard.add(told["id"])
            for _ in range(self.random.choice((0, 0, 1, 1, 2))):
                spoilt = self.random.choice(SPOILT) if self.random.random() < 0.2 else None
                fault = {"kind": spoilt} if spoilt else {}
                message = control("POST", f"notifications/{told['id']}/take", **fault)
                answer = self.shop.client.post(
                    message["url"].removeprefix(MALL), data=message["body"],
                    headers=message["headers"],
                )  # fmt: skip
                self.happened[f"heard {answer.status_code}"] += 1
        self._mortally(self.shop.run_jobs)

    def open(self):
        self.shop.session.rollback()
        wanted = select(Withdrawal.no).where(Withdrawal.state.in_(OPEN)).order_by(Withdrawal.id)
        return list(self.shop.session.scalars(wanted))

    def check(self):
        """What we say was paid is what WeChat's own book says, each once, and nobody lost a fen."""
        shop = self.shop
        shop.session.rollback()
        book = {bill["out_bill_no"]: bill for bill in shop.bills()}
        spent, cash = defaultdict(int), 0
        for asked in shop.session.scalars(select(Withdrawal)):
            there = book.pop(asked.no, None)
            is_paid = there is not None and there["state"] == "SUCCESS"
            assert asked.state == ("paid" if is_paid else "returned"), (asked.no, there)
            if is_paid:
                assert there["transfer_amount"] == asked.net_fen
                spent[asked.member_id] += asked.amount_fen
                cash += there["transfer_amount"]
            elif there is not None:
                assert there["state"] in ("FAIL", "CANCELLED"), there
        assert book == {}, "WeChat was asked for something nobody asked us for"
        for member in self.members:
            assert shop.have(member) == (self.fen - spent[member.id], 0)
        posted = shop.session.scalar(
            text(
                "SELECT coalesce(sum(amount_fen), 0) FROM entry"
                " JOIN account ON account.id = credit_account_id WHERE kind = 'cash'"
            )
        )
        assert posted == cash
        assert shop.breaches() == []
        return cash

    def _cancel(self, number):
        return self._serve(service.cancel, no=number, member_id=self.shop.look(number).member_id)

    def _reject(self, number):
        return self._serve(service.reject, no=number, staff_id=1, reason="抽查")

    def _retry(self, number):
        return self._serve(service.retry, no=number)

    def _look(self, number):
        return self._turn(number, is_asked=True)

    def _fail(self, number):
        body = {"state": "FAIL", "reason": "ACCOUNT_FROZEN"}
        path = f"/control/transfers/{number}/settle"
        return self.shop.wechat.http.post(path, json=body).status_code == 200

    def _expire(self, number):
        return self.shop.wechat.http.post(f"/control/transfers/{number}/expire").status_code == 200

    def _serve(self, verb, **given):
        def do():
            with transaction() as session:
                verb(session, now=self.shop.now, **given)

        try:
            return self._mortally(do)
        except AppError:
            return False

    def _turn(self, number, *, is_asked=False):
        with self.shop.app.app_context():
            return self._mortally(lambda: calls.carry(number, is_asked=is_asked))

    def _mortally(self, work):
        try:
            work()
        except Killed:
            self.happened["killed"] += 1
            return False
        return True

    def _mortal(self, step):
        def run(*args, **given):
            self._die_perhaps()
            answer = step(*args, **given)
            self._die_perhaps()
            return answer

        return run

    def _die_perhaps(self):
        if self.random.random() < self.mortality:
            raise Killed

    def _due(self):
        self.shop.session.rollback()
        self.shop.session.execute(
            text("DELETE FROM procrastinate_jobs WHERE task_name = 'withdrawals.carry'")
        )
        self.shop.session.commit()
        wanted = select(Payout.out_bill_no).where(Payout.next_poll_at <= self.shop.now)
        return list(self.shop.session.scalars(wanted.order_by(Payout.id)))


def drilled(shop, monkeypatch, *, seed, count, rounds):
    """Run a drill to its end and check it; (what happened, fen paid)."""
    drill = Drill(shop, monkeypatch, seed=seed, count=count)
    drill.run(rounds)
    drill.shop.wait(seconds=timedelta(hours=1).total_seconds())
    drill.heal()
    return drill.happened, drill.check()
