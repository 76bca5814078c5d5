"""Random carts and promotions, small enough that they meet and clash often."""

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st

from promotions.pricing import (
    Allowance,
    Base,
    Cart,
    CartLine,
    GroupMode,
    Lane,
    Promotion,
    Scope,
    SpendAndSave,
    Targets,
    Tier,
)
from tests.builders.promotions import NOON
from tests.promotions.pricing.kinds import FreightOff

RUNS = settings(max_examples=30, deadline=None)
"""Enough for every run of the tests; the soak runs many more."""
MANY_RUNS = settings(max_examples=5_000, deadline=None)

few_ids = st.frozensets(st.integers(1, 4), max_size=2)
labels = st.frozensets(st.sampled_from("abc"), max_size=2)
targets = st.builds(Targets, category_ids=few_ids, spu_ids=few_ids, sku_ids=few_ids, tags=labels)


@st.composite
def lines(draw):
    count = draw(st.integers(1, 4))
    return tuple(
        CartLine(
            line_id=number,
            sku_id=draw(st.integers(1, 5)),
            spu_id=draw(st.integers(1, 4)),
            quantity=draw(st.integers(1, 3)),
            unit_price_fen=draw(st.one_of(st.just(0), st.integers(1, 200))),
            category_path=draw(st.sampled_from([(), (1,), (1, 2), (1, 2, 3), (4,)])),
            tags=draw(labels),
        )
        for number in draw(st.permutations(range(1, count + 1)))
    )


@st.composite
def scopes(draw):
    exclude = draw(st.one_of(st.just(Targets()), targets))
    include = draw(st.one_of(st.none(), targets))
    if include is not None and set(include.index_keys()) <= set(exclude.index_keys()):
        include = None
    return Scope(include=include, exclude=exclude)


@st.composite
def rules(draw):
    threshold = draw(st.integers(1, 250))
    if draw(st.booleans()):
        off = draw(st.integers(1, min(threshold, 60)))
        more = draw(st.integers(1, 60))
        second = Tier(threshold=threshold + more, off_fen=off + more)
        first = Tier(threshold=threshold, off_fen=off)
        if draw(st.booleans()):
            return SpendAndSave(tiers=(first, second))
        return SpendAndSave(tiers=(first,), max_times=draw(st.integers(1, 3)))
    return SpendAndSave(tiers=(Tier(threshold=threshold, off_bp=draw(st.integers(1, 10_000))),))


@st.composite
def promotions(draw, promotion_id, modes):
    lane = draw(st.sampled_from([Lane.PRICE, Lane.LINE, Lane.ORDER, Lane.ORDER, Lane.SHIPPING]))
    rule = draw(rules())
    if lane is Lane.SHIPPING:
        rule = FreightOff(threshold_fen=draw(st.integers(1, 250)), off_fen=draw(st.integers(1, 90)))
    group = draw(st.sampled_from([None, None, "g", "h"]))
    starts_at = NOON + timedelta(hours=draw(st.sampled_from([0, 0, 0, -1, 1])))
    ends_at = draw(st.sampled_from([None, None, starts_at + timedelta(hours=1)]))
    return Promotion(
        promotion_id=promotion_id,
        title=f"活动{promotion_id}",
        rule=rule,
        lane=lane,
        starts_at=starts_at,
        ends_at=ends_at,
        scope=draw(scopes()),
        group=group,
        group_mode=modes[group],
        priority=draw(st.integers(-1, 1)),
        tags=draw(labels),
        agrees_with=draw(st.one_of(labels, st.just(frozenset("abc")))),
        stop_after=draw(st.sampled_from([False, False, False, True])),
        base=draw(st.sampled_from(Base)),
        max_discount_fen=draw(st.one_of(st.none(), st.integers(1, 60))),
    )


@st.composite
def promotion_lists(draw, most=7):
    modes = {
        None: GroupMode.BEST,
        "g": draw(st.sampled_from(GroupMode)),
        "h": draw(st.sampled_from(GroupMode)),
    }
    count = draw(st.integers(0, most))
    return [draw(promotions(promotion_id, modes)) for promotion_id in range(1, count + 1)]


allowance_lists = st.lists(
    st.builds(
        Allowance,
        promotion_id=st.integers(1, 7),
        uses=st.one_of(st.none(), st.integers(0, 1)),
        budget_fen=st.one_of(st.none(), st.integers(0, 60)),
    ),
    max_size=3,
    unique_by=lambda one: one.promotion_id,
).map(tuple)

carts = st.builds(
    Cart,
    lines=lines(),
    now=st.just(NOON),
    freight_fen=st.sampled_from([0, 50, 120]),
    allowances=allowance_lists,
)
