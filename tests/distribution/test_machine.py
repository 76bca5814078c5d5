"""Any order of events, with repetitions: the engine agrees with the model, and the proof holds."""

import dataclasses
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from distribution import commissions, ledger, queries, team, verify
from distribution.commissions import PaidLine, RefundedLine
from distribution.team import joining
from tests.builders.distribution import NOON, make_distributor, make_rules, withdraw
from tests.distribution.model import Model

MEMBERS = range(1, 7)
MEMBER = st.sampled_from(MEMBERS)
FEN = st.one_of(st.integers(0, 30), st.integers(0, 100_000))


class Shop(RuleBasedStateMachine):
    """One shop in one transaction that is never committed."""

    def __init__(self, session):
        super().__init__()
        self.session = session
        self.model = Model(MEMBERS)
        self.orders = {}
        self.buyers = {}
        self.refunds = []
        self.totals = {}

    @initialize()
    def open(self):
        make_rules(self.session)
        self.codes = {
            each: make_distributor(self.session, member_id=each).invite_code for each in MEMBERS
        }
        self.model.levels, self.model.rates = 2, (1000, 500)

    @rule(levels=st.sampled_from([1, 2]), first=st.integers(0, 3000), second=st.integers(0, 2000))
    def change_the_rules(self, levels, first, second):
        make_rules(self.session, levels=levels, level1_bp=first, level2_bp=second)
        self.model.levels, self.model.rates = levels, (first, second)

    @rule(member=MEMBER, upline=MEMBER)
    def bind(self, member, upline):
        allowed = self.model.may_bind(member, upline)
        try:
            team.bind(
                self.session,
                member_id=member,
                invite_code=self.codes[upline],
                origin="code",
                now=NOON,
            )
        except team.BindingRefused:
            assert not allowed
        else:
            assert allowed or self.model.upline[member] == upline
            self.model.upline[member] = upline

    @rule(member=MEMBER)
    def freeze_or_resume(self, member):
        if member in self.model.barred:
            joining.resume(self.session, member_id=member, now=NOON)
            self.model.barred.remove(member)
        else:
            joining.freeze(self.session, member_id=member, reason="刷单", now=NOON)
            self.model.barred.add(member)

    @rule(buyer=MEMBER, paid=st.lists(FEN, min_size=1, max_size=3))
    def pay(self, buyer, paid):
        order = f"order:{len(self.orders)}"
        lines = {f"{order}/{seq}": fen for seq, fen in enumerate(paid)}
        self.orders[order], self.buyers[order] = lines, buyer
        self.accrue(order)
        self.model.pay(order, buyer, lines)

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def pay_again(self, data):
        self.accrue(data.draw(st.sampled_from(sorted(self.orders))))

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def refund_some_more(self, data):
        order = data.draw(st.sampled_from(sorted(self.orders)))
        line = data.draw(st.sampled_from(sorted(self.orders[order])))
        total = data.draw(st.integers(self.totals.get(line, 0), self.orders[order][line]))
        self.totals[line] = total
        self.refunds.append((f"refund:{len(self.refunds)}", line, total))
        if data.draw(st.booleans()):
            self.claw_back(*self.refunds[-1])

    @precondition(lambda self: self.refunds)
    @rule(data=st.data())
    def hear_of_a_refund_late_or_again(self, data):
        self.claw_back(*data.draw(st.sampled_from(self.refunds)))

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def pay_or_refund_with_a_used_key_and_other_figures(self, data):
        order = data.draw(st.sampled_from(sorted(self.orders)))
        lines = [PaidLine(f"{order}/other", sku_id=1, spu_id=1, paid_fen=1)]
        with pytest.raises(ledger.KeyReused):
            commissions.accrue(self.session, order_source=order, buyer_id=1, lines=lines, now=NOON)

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def receive(self, data):
        order = data.draw(st.sampled_from(sorted(self.orders)))
        commissions.schedule_maturity(self.session, order_source=order, mature_at=NOON)
        self.model.receive(order)

    @rule(limit=st.integers(1, 3))
    def mature(self, limit):
        while commissions.mature_due(self.session, now=NOON + timedelta(1), limit=limit):
            pass
        self.model.mature()

    @rule(member=MEMBER, data=st.data())
    def withdraw(self, member, data):
        least, available = 10, self.model.available[member]
        if available < least:
            return
        amount = data.draw(st.integers(least, available))
        withdraw(self.session, member_id=member, amount_fen=amount)
        self.model.withdraw(member, amount)

    @invariant()
    def every_distributor_has_what_the_model_says(self):
        for member in MEMBERS:
            found = queries.summary(self.session, member)
            assert dataclasses.astuple(found) == self.model.summary(member)

    @invariant()
    def the_proof_holds(self):
        assert list(verify.verify(self.session)) == []

    def accrue(self, order):
        lines = [
            PaidLine(line, sku_id=1, spu_id=1, paid_fen=fen)
            for line, fen in self.orders[order].items()
        ]
        buyer = self.buyers[order]
        commissions.accrue(self.session, order_source=order, buyer_id=buyer, lines=lines, now=NOON)

    def claw_back(self, source, line, total):
        lines = [RefundedLine(line, total)]
        commissions.claw_back(self.session, refund_source=source, lines=lines, now=NOON)
        self.model.refund(line, total)

    def teardown(self):
        self.session.rollback()


@pytest.mark.parametrize(
    "examples",
    [pytest.param(15, marks=pytest.mark.slow), pytest.param(300, marks=pytest.mark.soak)],
)
def test_any_sequence_of_events_agrees_with_the_model_and_proves_itself(session, examples):
    run_state_machine_as_test(
        lambda: Shop(session),
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
