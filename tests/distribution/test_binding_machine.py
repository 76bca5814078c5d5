"""Any order of touches, orders, staff's moves and departures under rules that change meanwhile."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from distribution import queries, team, verify
from distribution.team import joining, rebinding, teams
from distribution.team.binding_rules import Newness
from distribution.team.models import Binding, BindingLog
from distribution.team.states import Bindable, BindingMode, OnLeaving
from tests.builders.distribution import (
    NOON,
    make_binding_rules,
    make_distributor,
    make_rules,
    pay,
    uplines_of,
)
from tests.distribution.binding_model import BindingModel

MEMBERS = range(1, 7)
SHOPPERS = range(101, 103)
"""Those who never become distributors."""
DISTRIBUTOR = st.sampled_from(MEMBERS)
ANYBODY = st.sampled_from([*MEMBERS, *SHOPPERS])


class Team(RuleBasedStateMachine):
    """One shop in one transaction that is never committed."""

    def __init__(self, session):
        super().__init__()
        self.session = session
        self.model = BindingModel()
        self.now = NOON
        self.orders = 0

    @initialize()
    def open(self):
        make_rules(self.session)
        self.codes = {
            each: make_distributor(self.session, member_id=each).invite_code for each in MEMBERS
        }

    @rule(
        mode=st.sampled_from(BindingMode),
        protect_days=st.integers(1, 4),
        extend_days=st.integers(0, 6),
        bindable=st.sampled_from(Bindable),
        on_leaving=st.sampled_from(OnLeaving),
    )
    def change_the_rules(self, **rules):
        make_binding_rules(self.session, now=self.now, **rules)
        for name, value in rules.items():
            setattr(self.model, name, value)

    @rule(minutes=st.one_of(st.integers(1, 90), st.integers(1, 5).map(lambda days: days * 1440)))
    def wait(self, minutes):
        self.now += timedelta(minutes=minutes)

    @rule(member=ANYBODY, upline=DISTRIBUTOR, age=st.integers(0, 60))
    def touch(self, member, upline, age):
        registered_at = self.now - timedelta(minutes=age)
        newness = Newness(registered_at, has_paid=member in self.model.paid)
        expected = self.model.touch(member, upline, self.now, registered_at)
        refused = refusal_of(
            team.bind, self.session, member_id=member, invite_code=self.codes[upline],
            origin="link", newness=newness, now=self.now,
        )  # fmt: skip
        assert refused == expected

    @rule(member=ANYBODY, upline=DISTRIBUTOR)
    def staff_rebind(self, member, upline):
        expected = self.model.rebind(member, upline, self.now)
        refused = refusal_of(
            rebinding.rebind, self.session, member_id=member, upline_id=upline,
            actor="staff:1", reason="归属有误", now=self.now,
        )  # fmt: skip
        assert refused == expected

    @rule(member=ANYBODY)
    def staff_unbind(self, member):
        expected = self.model.unbind(member)
        refused = refusal_of(
            rebinding.unbind, self.session, member_id=member,
            actor="staff:1", reason="误绑", now=self.now,
        )  # fmt: skip
        assert refused == expected

    @rule(buyer=ANYBODY)
    def order(self, buyer):
        self.orders += 1
        order = f"order:{self.orders}"
        expected = self.model.uplines(buyer, self.now)
        self.model.order(buyer, self.now)
        team.extend(self.session, member_id=buyer, source=order, now=self.now)
        pay(self.session, buyer_id=buyer, order=order, now=self.now)
        found = queries.explain(self.session, order)
        assert [each.beneficiary_id for each in found] == expected

    @rule(member=DISTRIBUTOR)
    def freeze_or_resume(self, member):
        if member in self.model.gone:
            return
        if member in self.model.barred:
            joining.resume(self.session, member_id=member, now=self.now)
            self.model.barred.remove(member)
        else:
            joining.freeze(self.session, member_id=member, reason="刷单", now=self.now)
            self.model.barred.add(member)

    @rule(member=DISTRIBUTOR)
    def leave_or_come_back(self, member):
        if member not in self.model.gone:
            joining.leave(self.session, member_id=member, now=self.now)
            self.model.gone.add(member)
            self.model.barred.discard(member)
        else:
            joining.join(self.session, member_id=member, now=self.now)
            joining.approve(self.session, member_id=member, now=self.now)
            self.model.gone.remove(member)

    @rule(limit=st.integers(1, 3))
    def release(self, limit):
        self.model.release()
        while teams.release(self.session, now=self.now, limit=limit):
            pass

    @rule(of=DISTRIBUTOR, to=DISTRIBUTOR, limit=st.integers(1, 3))
    def hand_over(self, of, to, limit):
        expected = self.model.hand_over(of, to, self.now)
        refused, handed = None, None
        while refused is None and handed != 0 and of != to:
            try:
                handed = teams.hand_over(
                    self.session, from_id=of, to_id=to, actor="staff:1", reason="已离职",
                    now=self.now, limit=limit,
                )  # fmt: skip
            except team.UplineNotActive:
                refused = "UplineNotActive"
        assert refused == expected

    @invariant()
    def the_tree_is_what_the_model_says(self):
        rows = self.session.execute(
            select(Binding.member_id, Binding.upline_member_id, Binding.protection_ends_at)
        )
        assert {row.member_id: tuple(row[1:]) for row in rows} == {
            member: (upline, self.model.until[member])
            for member, upline in self.model.upline.items()
        }
        for member in (*MEMBERS, *SHOPPERS):
            found = uplines_of(self.session, member, now=self.now)
            assert [each.member_id for each in found] == self.model.uplines(member, self.now)

    @invariant()
    def the_log_tells_the_story(self):
        log = BindingLog
        rows = self.session.execute(
            select(log.kind, log.member_id, log.previous_upline_id, log.upline_member_id)
        )
        # Released at once, people come in any order.
        found = [(str(row.kind), *row[1:]) for row in rows]
        assert sorted(map(str, found)) == sorted(map(str, self.model.log))

    @invariant()
    def the_proof_holds(self):
        assert list(verify.verify(self.session)) == []

    def teardown(self):
        self.session.rollback()


def refusal_of(call, *args, **fields):
    """Do it; the name of the refusal, if it was refused."""
    try:
        call(*args, **fields)
    except team.BindingRefused as refusal:
        return type(refusal).__name__


@pytest.mark.parametrize(
    "examples",
    [pytest.param(6, marks=pytest.mark.slow), pytest.param(400, marks=pytest.mark.soak)],
)
def test_any_sequence_of_events_agrees_with_the_model_and_proves_itself(session, examples):
    run_state_machine_as_test(
        lambda: Team(session),
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
