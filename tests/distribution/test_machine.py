"""Any order of events, with repetitions: the engine agrees with the model, and the proof holds."""

import dataclasses
from datetime import timedelta
from functools import partial

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

from distribution import commissions, ledger, queries, team, verify, withdrawals
from distribution.commissions import PaidLine, RefundedLine
from distribution.ledger import adjusting, chain, records, rollup
from distribution.ledger.states import AdjustmentKind
from distribution.team import joining, rebinding
from distribution.withdrawals import WithdrawalRefused
from tests.builders.distribution import NOON, make_distributor, make_rules
from tests.builders.withdrawals import make_withdrawal_rules
from tests.distribution.model import Model

MEMBERS = range(1, 7)
MEMBER = st.sampled_from(MEMBERS)
FEN = st.one_of(st.integers(0, 30), st.integers(0, 100_000))
LATER = NOON + timedelta(days=1)
LEAST = 10
"""The smallest withdrawal."""
VERBS = {
    "approve": withdrawals.approve,
    "reject": partial(withdrawals.reject, reason="资料不符"),
    "cancel": partial(withdrawals.cancel, reason="不提了"),
    "pay_out": withdrawals.pay_out,
    "give_back": partial(withdrawals.give_back, reason="未确认收款"),
}
"""What may happen to a withdrawal."""


class Shop(RuleBasedStateMachine):
    """One shop in one transaction that is never committed."""

    def __init__(self, session):
        super().__init__()
        self.session = session
        self.model = Model()
        self.orders = {}
        self.buyers = {}
        self.refunds = []
        self.totals = {}
        self.adjustments = []

    @initialize()
    def open(self):
        make_rules(self.session)
        make_withdrawal_rules(
            self.session,
            min_fen=LEAST,
            fee_bp=60,
            review_over_fen=1_000,
            second_review_over_fen=3_000,
        )
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
        code = self.codes[upline]
        try:
            team.bind(self.session, member_id=member, invite_code=code, origin="code", now=NOON)
        except team.BindingRefused:
            assert not allowed
        else:
            assert allowed or self.model.upline[member] == upline
            self.model.upline[member] = upline

    @rule(member=MEMBER, upline=MEMBER)
    def rebind(self, member, upline):
        allowed = self.model.may_be_above(upline, member)
        who = {"member_id": member, "upline_id": upline, "actor": "staff:1", "reason": "错绑"}
        try:
            rebinding.rebind(self.session, **who, now=NOON)
        except team.BindingRefused:
            assert not allowed
        else:
            assert allowed or self.model.upline[member] == upline
            self.model.upline[member] = upline

    @rule(member=MEMBER)
    def unbind(self, member):
        why = {"actor": "staff:1", "reason": "错绑"}
        try:
            rebinding.unbind(self.session, member_id=member, **why, now=NOON)
        except rebinding.NotBound:
            assert member not in self.model.upline
        else:
            del self.model.upline[member]

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
        self.accrue(self.some_order(data))

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def refund_some_more(self, data):
        order = self.some_order(data)
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
    def pay_with_a_used_key_and_other_figures(self, data):
        order = self.some_order(data)
        lines = [PaidLine(f"{order}/other", sku_id=1, spu_id=1, paid_fen=1)]
        with pytest.raises(ledger.KeyReused):
            commissions.accrue(self.session, order_source=order, buyer_id=1, lines=lines, now=NOON)

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def receive(self, data):
        order = self.some_order(data)
        commissions.schedule_maturity(self.session, order_source=order, mature_at=NOON)
        self.model.receive(order)

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def claim(self, data):
        lines = data.draw(st.sets(st.sampled_from(sorted(self.orders[self.some_order(data)]))))
        source = f"case:{len(self.model.claims)}"
        asked = {"claim_source": source, "line_sources": lines, "now": NOON}
        for _ in range(data.draw(st.integers(1, 2))):
            commissions.claim(self.session, **asked)
        self.model.claim(source, lines)

    @precondition(lambda self: self.model.claims)
    @rule(data=st.data())
    def settle_a_claim_perhaps_again(self, data):
        source = data.draw(st.sampled_from(sorted(self.model.claims)))
        commissions.settle_claim(self.session, claim_source=source, now=LATER)
        self.model.settle(source)

    @rule(limit=st.integers(1, 3))
    def mature(self, limit):
        while commissions.mature_due(self.session, now=LATER, limit=limit):
            pass
        self.model.mature()

    @rule(member=MEMBER, data=st.data())
    def withdraw(self, member, data):
        available = self.model.available[member]
        if available < LEAST:
            return
        fen = data.draw(st.integers(LEAST, available))
        number = f"W{len(self.model.withdrawals):026}"
        asked = {"no": number, "member_id": member, "amount_fen": fen, "now": NOON}
        if member in self.model.barred:
            with pytest.raises(WithdrawalRefused):
                withdrawals.request(self.session, **asked)
            return
        withdrawals.request(self.session, **asked)
        self.model.withdraw(number, member, fen, reviews=(fen > 1_000) + (fen > 3_000))

    @rule(member=MEMBER, more=st.integers(LEAST, 1_000))
    def withdraw_too_much(self, member, more):
        fen = self.model.available[member] + more
        asked = {"no": f"W{0:A>26}", "member_id": member, "amount_fen": fen, "now": NOON}
        savepoint = self.session.begin_nested()
        with pytest.raises(WithdrawalRefused):
            withdrawals.request(self.session, **asked)
        savepoint.rollback()

    @precondition(lambda self: self.model.withdrawals)
    @rule(data=st.data(), verb=st.sampled_from(sorted(VERBS)), staff=st.sampled_from("ab"))
    def move_a_withdrawal_perhaps_again_or_otherwise(self, data, verb, staff):
        number = data.draw(st.sampled_from(sorted(self.model.withdrawals)))
        allowed = self.model.may_move(number, verb, staff)
        savepoint = self.session.begin_nested()
        try:
            VERBS[verb](self.session, no=number, by=f"staff:{staff}", now=NOON)
        except (withdrawals.IllegalMove, withdrawals.SamePerson):
            assert not allowed
            savepoint.rollback()
        else:
            assert allowed
            savepoint.commit()
            self.model.move(number, verb, staff)

    @rule(member=MEMBER, kind=st.sampled_from(AdjustmentKind), fen=st.integers(1, 2_000))
    def ask_to_adjust(self, member, kind, fen):
        number = f"J{len(self.adjustments)}"
        adjusting.request(
            self.session,
            no=number,
            member_id=member,
            kind=kind,
            amount_fen=fen,
            reason="补发",
            requested_by="staff:1",
            now=NOON,
        )
        self.adjustments.append([number, member, kind, fen, "requested"])

    @precondition(lambda self: self.adjustments)
    @rule(data=st.data(), agrees=st.booleans())
    def decide_an_adjustment_perhaps_again(self, data, agrees):
        asked = data.draw(st.sampled_from(self.adjustments))
        number, member, kind, fen, state = asked
        wanted = "approved" if agrees else "refused"
        savepoint = self.session.begin_nested()
        try:
            if agrees:
                adjusting.approve(self.session, no=number, approved_by="staff:2", now=NOON)
            else:
                adjusting.refuse(
                    self.session, no=number, refused_by="staff:2", answer="否", now=NOON
                )
        except adjusting.AlreadyDecided:
            assert state not in ("requested", wanted)
            savepoint.rollback()
        except adjusting.DebtIsLess:
            assert (state, kind) == ("requested", "write_off")
            assert fen > self.model.debt[member]
            savepoint.rollback()
        else:
            savepoint.commit()
            if (state, wanted) == ("requested", "approved"):
                self.model.adjust(member, kind, fen)
            asked[-1] = wanted

    @rule()
    def roll_up_and_chain(self):
        rollup.roll_up(self.session)
        chain.extend(self.session, now=LATER)
        for name in verify.RECORDS:
            records.extend(self.session, name, now=LATER)

    @invariant()
    def every_distributor_has_what_the_model_says(self):
        for member in MEMBERS:
            found = dataclasses.asdict(queries.summary(self.session, member))
            wanted = self.model.summary(member)
            assert {name: found[name] for name in wanted} == wanted

    @invariant()
    def the_proof_holds(self):
        assert list(verify.verify(self.session)) == []

    def some_order(self, data):
        return data.draw(st.sampled_from(sorted(self.orders)))

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
    [pytest.param(8, marks=pytest.mark.slow), pytest.param(300, marks=pytest.mark.soak)],
)
def test_any_sequence_of_events_agrees_with_the_model_and_proves_itself(session, examples):
    run_state_machine_as_test(
        lambda: Shop(session),
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
