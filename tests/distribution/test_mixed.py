"""Sixteen threads do everything at once on few accounts: no deadlock, no drift."""

import random
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from distribution import commissions, queries, verify, withdrawals
from distribution.commissions.models import Commission
from distribution.ledger import adjusting, chain, records, rollup
from distribution.team import BindingRefused, joining, rebinding
from distribution.withdrawals.models import Withdrawal
from tests.builders.distribution import NOON, adjust, bind, make_chain, make_rules, pay, refund
from tests.builders.withdrawals import make_withdrawal_rules
from tests.distribution.model import Model
from tests.distribution.test_races import THREADS

pytestmark = [pytest.mark.race, pytest.mark.slow]
LATER = NOON + timedelta(days=1)
UPLINES = {1: 2, 2: 3, 3: 4, 4: 5, 11: 2, 12: 3, 13: 4, 14: 5}
"""Who is bound to whom; 2 to 5 are distributors. None of these is ever put below another."""
EARNERS = (2, 3, 4, 5)
REFUSALS = (
    withdrawals.WithdrawalRefused,
    withdrawals.IllegalMove,
    withdrawals.SamePerson,
    adjusting.DebtIsLess,
    adjusting.AlreadyDecided,
    BindingRefused,
    joining.IllegalMove,
)


class Worker:
    """One thread: it does what chance says, each step a transaction, and notes what was done."""

    def __init__(self, number, turns):
        self.number, self.turns = number, turns
        self.chance = random.Random(number)
        self.paid, self.refunded, self.adjusted = [], [], []

    def __call__(self, session):
        for turn in range(self.turns):
            order = f"order:{self.number}-{turn}"
            for likelihood, step in self.steps(session, order):
                if self.chance.random() < likelihood:
                    self.do(session, step)

    def do(self, session, step):
        try:
            step()
        except REFUSALS:
            session.rollback()
        else:
            session.commit()

    def steps(self, s, order):
        """What happens around one order, some of it twice."""
        buyer = self.chance.choice([1, 11, 12, 13, 14])
        earner = self.chance.choice(EARNERS)
        total = self.chance.randint(1, 5_000)
        case = {"claim_source": f"case:{order}", "now": NOON}
        yield 1, lambda: self.pay(s, buyer, order)
        yield 0.2, lambda: pay(s, buyer_id=buyer, order=order, paid_fen=(5_000, 7_000))
        yield 0.5, lambda: commissions.claim(s, line_sources=[f"{order}/1"], **case)
        yield 0.6, lambda: self.refund(s, order, 1, total)
        yield 0.6, lambda: commissions.schedule_maturity(s, order_source=order, mature_at=NOON)
        yield 0.5, lambda: commissions.mature_due(s, now=LATER, limit=5)
        yield 0.9, lambda: commissions.settle_claim(s, **case)
        yield 0.5, lambda: self.ask(s, earner, order)
        yield 0.5, lambda: self.end_some_withdrawal(s, earner)
        yield 0.3, lambda: self.refund(s, order, 2, 7_000)
        yield 0.3, lambda: self.adjust(s, earner, order)
        yield 0.2, lambda: self.rebind(s, order)
        yield 0.1, lambda: rollup.roll_up(s)
        yield 0.1, lambda: chain.extend(s, now=LATER)
        yield 0.1, lambda: records.extend(s, "binding_log", now=LATER)

    def pay(self, s, buyer, order):
        pay(s, buyer_id=buyer, order=order, paid_fen=(5_000, 7_000))
        self.paid.append((order, buyer))

    def refund(self, s, order, seq, total):
        refund(s, total_fen=total, order=order, seq=seq, source=f"refund:{order}/{seq}")
        self.refunded.append((f"{order}/{seq}", total))

    def ask(self, s, earner, order):
        number = f"W{order.removeprefix('order:').replace('-', 'X'):0>26}"
        fen = self.chance.randint(10, 400)
        withdrawals.request(s, no=number, member_id=earner, amount_fen=fen, now=NOON)

    def end_some_withdrawal(self, s, earner):
        open_ones = select(Withdrawal.no).where(
            Withdrawal.member_id == earner, Withdrawal.state == "paying"
        )
        numbers = s.scalars(open_ones).all()
        if not numbers:
            return
        who = {"no": self.chance.choice(numbers), "by": "wechat", "now": NOON}
        if self.chance.random() < 0.5:
            withdrawals.pay_out(s, **who)
        else:
            withdrawals.give_back(s, **who, reason="未确认收款")

    def adjust(self, s, earner, order):
        kind = self.chance.choice(["give", "take", "write_off"])
        fen = self.chance.randint(1, 300)
        adjust(s, member_id=earner, kind=kind, amount_fen=fen, no=f"J{order}")
        s.flush()
        self.adjusted.append((earner, kind, fen))

    def rebind(self, s, order):
        """Somebody who buys nothing here comes and is moved about."""
        stranger = 1_000 + hash(order) % 50
        for upline in self.chance.sample(EARNERS, 2):
            why = {"actor": "staff:1", "reason": "错绑", "now": NOON}
            rebinding.rebind(s, member_id=stranger, upline_id=upline, **why)


def expected(workers, found):
    """The model, told what was done: orders, refunds, withdrawals as they ended, adjustments."""
    model = Model()
    model.levels, model.rates, model.upline = 2, (1000, 500), dict(UPLINES)
    for worker in workers:
        for order, buyer in worker.paid:
            model.pay(order, buyer, {f"{order}/1": 5_000, f"{order}/2": 7_000})
        for line, total in worker.refunded:
            model.refund(line, total)
        for earner, kind, fen in worker.adjusted:
            model.adjusted[earner] += -fen if kind == "take" else fen
    for withdrawal in found:
        model.withdraw(withdrawal.no, withdrawal.member_id, withdrawal.amount_fen)
        ended = {"paid": "pay_out", "returned": "give_back"}.get(withdrawal.state)
        if ended:
            model.move(withdrawal.no, ended, "a")
    return {member: model.summary(member) for member in EARNERS}


@pytest.mark.parametrize("turns", [6, pytest.param(40, marks=pytest.mark.soak)])
def test_everything_at_once_neither_deadlocks_nor_drifts_and_the_model_agrees(
    session,
    at_once,
    turns,
):
    make_rules(session)
    make_withdrawal_rules(session, daily_count=100)
    make_chain(session, 1, 2, 3, 4, 5)
    for buyer in (11, 12, 13, 14):
        bind(session, member_id=buyer, upline_id=UPLINES[buyer])
    session.commit()
    workers = [Worker(number, turns) for number in range(THREADS)]

    at_once(workers)

    session.rollback()
    assert list(verify.verify(session)) == []
    orders = select(func.count(Commission.order_source.distinct()))
    assert session.scalar(orders) == THREADS * turns
    wanted = expected(workers, session.scalars(select(Withdrawal)).all())
    for member in EARNERS:
        held = queries.summary(session, member)
        for name in ("earned_fen", "clawed_fen", "withdrawing_fen", "withdrawn_fen"):
            assert getattr(held, name) == wanted[member][name], (member, name)
        assert held.adjusted_fen == wanted[member]["adjusted_fen"]
        net = held.frozen_fen + held.available_fen + held.withdrawing_fen - held.receivable_fen
        earned = held.earned_fen - held.clawed_fen + held.adjusted_fen - held.withdrawn_fen
        assert net == earned
