"""Any life of any orders, in any order and with repetitions, against limits in plain Python."""

from datetime import timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
)

from promotions import campaigns, limits, verify
from promotions.campaigns import Contradiction
from promotions.limits import Use
from promotions.pricing import Allowance
from tests.builders.machines import live
from tests.builders.promotions import GIFTS, NOON, OFF_PIECES, make_published
from tests.promotions.limits_model import Limits

CAPS = (
    {**OFF_PIECES, "max_uses": 6, "budget_fen": 900, "max_units": 10, "member_max_units": 4},
    {**OFF_PIECES, "member_max_uses": 2, "member_max_units": 5, "member_period": "day"},
    {**GIFTS, "max_uses": 5, "gift_stock": [{"sku_id": 8, "total": 4}]},
    {**GIFTS, "gift_stock": [{"sku_id": 8, "total": 3}, {"sku_id": 9, "total": 3}]},
    {"budget_fen": 1_000, "member_max_uses": 2},
    {},
)
MIDNIGHT = NOON + timedelta(hours=12)
"""In China."""
MOMENTS = st.sampled_from([NOON, MIDNIGHT - timedelta(seconds=1), MIDNIGHT])
NUMBERS = st.integers(0, len(CAPS) - 1)
AMOUNTS = st.tuples(st.sampled_from([0, 1, 100, 400]), st.integers(1, 2), st.integers(0, 3))
TAKES = st.dictionaries(NUMBERS, AMOUNTS, min_size=1, max_size=3)
GIVES = st.dictionaries(st.sampled_from([8, 9]), st.integers(1, 2)).map(
    lambda gifts: tuple(sorted(gifts.items()))
)
TAKEN = {"max_uses": "uses", "budget_fen": "amount_fen", "max_units": "units"}


def member_of(source):
    return int(source[-1]) % 2 + 1


class Shop(RuleBasedStateMachine):
    """One shop in one transaction that is never committed; refusals roll back to a savepoint."""

    orders = Bundle("orders")

    def __init__(self, session):
        super().__init__()
        self.session = session
        self.ids = [make_published(session, **caps).id for caps in CAPS]
        self.model = Limits(
            {
                promotion_id: {
                    **caps,
                    "gift_stock": {
                        one["sku_id"]: one["total"] for one in caps.get("gift_stock", ())
                    },
                }
                for promotion_id, caps in zip(self.ids, CAPS, strict=True)
            }
        )
        self.asked = {}

    def attempt(self, expected, work):
        savepoint = self.session.begin_nested()
        if expected is None:
            work()
            savepoint.commit()
            return
        with pytest.raises(expected) as refused:
            work()
        assert type(refused.value) is expected
        savepoint.rollback()

    @rule(target=orders, takes=TAKES, gifts=GIVES, now=MOMENTS, turned=st.booleans())
    def place(self, takes, gifts, now, turned):
        uses = [self._use(number, amounts, gifts) for number, amounts in takes.items()]
        source = f"order:{len(self.asked)}"
        self.asked[source] = uses
        self._reserve(source, uses[::-1] if turned else uses, now)
        return source

    @rule(source=orders, now=MOMENTS)
    def place_again(self, source, now):
        self._reserve(source, self.asked[source], now)

    @rule(source=orders, number=NUMBERS, amounts=AMOUNTS, now=MOMENTS)
    def place_otherwise(self, source, number, amounts, now):
        self.asked[source] = [self._use(number, amounts, ())]
        self._reserve(source, self.asked[source], now)

    def _use(self, number, amounts, gifts):
        return Use(self.ids[number], *amounts, gifts if "gift_stock" in CAPS[number] else ())

    def _reserve(self, source, uses, now):
        wanted = {"source": source, "member_id": member_of(source), "uses": uses, "now": now}
        expected = self.model.reserve(source, member_of(source), uses, now)
        self.attempt(expected, lambda: limits.reserve(self.session, **wanted))

    @rule(source=orders)
    def confirm(self, source):
        done = limits.confirm(self.session, source=source, now=NOON)
        assert done == self.model.confirm(source)

    @rule(source=orders)
    def release(self, source):
        done = limits.release(self.session, source=source, now=NOON)
        assert done == self.model.release(source)

    @rule(source=orders, number=NUMBERS)
    def place_while_one_is_paused(self, source, number):
        paused = {"promotion_id": self.ids[number], "staff_id": 1, "now": NOON}
        campaigns.pause(self.session, **paused)
        self.model.stopped = {self.ids[number]}
        self._reserve(source, self.asked[source], NOON)
        campaigns.resume(self.session, **paused)
        self.model.stopped = set()

    @rule(number=NUMBERS, name=st.sampled_from([*TAKEN]), by=st.integers(-9, 9))
    def change_a_total(self, number, name, by):
        promotion_id = self.ids[number]
        caps = self.model.caps[promotion_id]
        cap = max(1, caps.get(name, 0) + by)
        own = caps.get("member_" + name, 0)
        is_fit = name in caps and cap >= max(own, self.model.most_taken(promotion_id, TAKEN[name]))
        self.attempt(
            None if is_fit else Contradiction,
            lambda: campaigns.change_limits(
                self.session, promotion_id=promotion_id, limits={name: cap}, staff_id=1, now=NOON
            ),
        )
        if is_fit:
            caps[name] = cap

    @invariant()
    def what_is_left_is_what_the_model_says(self):
        for member_id, now in ((1, NOON), (2, MIDNIGHT)):
            self._compare(member_id, now)

    def _compare(self, member_id, now):
        left = limits.allowances(self.session, self.ids, member_id=member_id, now=now)
        expected = []
        for promotion_id in self.ids[:-1]:
            model = self.model.left(promotion_id, member_id, now)
            gifts = tuple(model.pop("gifts").items())
            expected.append(Allowance(promotion_id=promotion_id, gifts=gifts, **model))
        assert left == tuple(expected)

    def teardown(self):
        self._compare(None, NOON)
        assert list(verify.verify(self.session)) == []
        self.session.rollback()


@pytest.mark.parametrize(
    "examples",
    [pytest.param(15, marks=pytest.mark.slow), pytest.param(300, marks=pytest.mark.soak)],
)
def test_limits_agree_with_the_model_whatever_happens(session, examples):
    live(session, lambda: Shop(session), lives=examples, steps=30)
