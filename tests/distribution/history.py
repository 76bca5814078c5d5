"""A random history of a ledger over some days, and plain sums over its raw rows."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import text

from distribution import withdrawals
from distribution.ledger.states import AccountKind, AdjustmentKind
from tests.builders.distribution import (
    adjust,
    bind,
    make_distributor,
    make_rules,
    mature,
    pay,
    refund,
    withdraw,
)

CHINA = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 11, 10, 9, tzinfo=UTC)
BUYERS, NEAR, FAR = (1, 2, 3, 4), (11, 12), (21,)


def day_of(moment):
    return moment.astimezone(CHINA).date()


def end_of(day):
    return datetime(day.year, day.month, day.day, tzinfo=CHINA) + timedelta(days=1)


class History:
    """Pays, refunds, matures, withdraws and adjusts at random; `now` only goes forward."""

    def __init__(self, session, seed):
        self.session, self.random, self.now = session, random.Random(seed), START
        self.orders = {}
        self.refunds = self.adjustments = 0
        self.withdrawn = []
        make_rules(session, now=START)
        for near in NEAR:
            make_distributor(session, member_id=near, now=START)
            bind(session, member_id=near, upline_id=FAR[0], now=START)
        for buyer in BUYERS[:-1]:
            bind(session, member_id=buyer, upline_id=self.random.choice(NEAR), now=START)

    def run(self, steps):
        for _ in range(steps):
            self.now += timedelta(minutes=self.random.choice((1, 90, 600)))
            self.random.choice(self.events)()
        self.session.commit()
        return self

    def pay(self):
        order = f"order:{len(self.orders) + 1}"
        paid = tuple(self.random.randrange(0, 20_000) for _ in range(self.random.randint(1, 3)))
        self.orders[order] = [[fen, 0] for fen in paid]
        buyer, sku = self.random.choice(BUYERS), self.random.randint(1, 3)
        pay(self.session, buyer_id=buyer, order=order, paid_fen=paid, sku_id=sku, now=self.now)

    def refund(self):
        if not self.orders:
            return
        order = self.random.choice(list(self.orders))
        seq = self.random.randrange(len(self.orders[order]))
        line = self.orders[order][seq]
        line[1] = self.random.randint(line[1], line[0])
        self.refunds += 1
        refund(
            self.session, order=order, seq=seq + 1, total_fen=line[1],
            source=f"refund:{self.refunds}", now=self.now,
        )  # fmt: skip

    def mature(self):
        if self.orders:
            order = self.random.choice(list(self.orders))
            mature(self.session, order=order, now=self.now)

    def withdraw(self):
        free = self.session.execute(
            text(
                "SELECT member_id, balance_fen FROM account"
                " WHERE kind = 'available' AND balance_fen >= 10 ORDER BY member_id"
            )
        ).all()
        if free:
            member_id, balance_fen = self.random.choice(free)
            amount_fen = self.random.randint(10, balance_fen)
            self.withdrawn.append(
                withdraw(self.session, member_id=member_id, amount_fen=amount_fen, now=self.now)
            )

    def end(self):
        """One withdrawal ends, as paid or as given back."""
        if not self.withdrawn:
            return
        no = self.withdrawn.pop(self.random.randrange(len(self.withdrawn)))
        if self.random.random() < 0.5:
            withdrawals.pay_out(self.session, no=no, by="wechat", now=self.now)
        else:
            withdrawals.give_back(self.session, no=no, by="wechat", reason="失败", now=self.now)

    def adjust(self):
        self.adjustments += 1
        adjust(
            self.session,
            member_id=self.random.choice((*NEAR, *FAR)),
            kind=self.random.choice((AdjustmentKind.GIVE, AdjustmentKind.TAKE)),
            amount_fen=self.random.randint(1, 2_000),
            no=f"J{self.adjustments}",
            now=self.now,
        )

    @property
    def events(self):
        """What may happen next; sales most often."""
        return (
            self.pay, self.pay, self.pay, self.refund, self.mature, self.mature, self.withdraw,
            self.end, self.adjust,
        )  # fmt: skip


def commissions(session):
    """Every commission as a plain row."""
    return session.execute(text("SELECT * FROM commission ORDER BY id")).mappings().all()


def moves(session):
    """Every entry as (day, recorded_at, kind debited, kind credited, fen)."""
    rows = session.execute(
        text(
            "SELECT recorded_at, debit.kind AS debit, credit.kind AS credit, amount_fen"
            " FROM entry JOIN posting ON posting.id = posting_id"
            " JOIN account AS debit ON debit.id = debit_account_id"
            " JOIN account AS credit ON credit.id = credit_account_id ORDER BY entry.id"
        )
    )
    return [(day_of(row.recorded_at), row.debit, row.credit, row.amount_fen) for row in rows]


def volumes(session, *, until):
    """What each kind was debited and credited up to and with a day."""
    debited, credited = defaultdict(int), defaultdict(int)
    for day, debit, credit, fen in moves(session):
        if day <= until:
            debited[debit] += fen
            credited[credit] += fen
    return {kind: (debited[kind], credited[kind]) for kind in AccountKind}
