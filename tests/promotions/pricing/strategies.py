"""Random carts and promotions, small enough that they meet and clash often."""

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st

from promotions.pricing import (
    EVERYBODY,
    KINDS,
    Allowance,
    Audience,
    Base,
    Buyer,
    Cart,
    CartLine,
    Gift,
    GiftChoice,
    GroupMode,
    HeldCoupon,
    Lane,
    Promotion,
    Scope,
    Slot,
    SpendAndSave,
    Targets,
    Tier,
)
from tests.builders.promotions import NOON
from tests.promotions.pricing.kinds import FreightOff
from tests.promotions.pricing.toy_kinds import GiftFrom, OnePrice

RUNS = settings(max_examples=30, deadline=None)
"""Enough for every run of the tests; the soak runs many more."""
MANY_RUNS = settings(max_examples=2_000, deadline=None)

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
            member_price_fen=draw(st.sampled_from([None, None, None, 0, 60, 150, 300])),
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


gifts = st.builds(
    Gift,
    sku_id=st.integers(90, 92),
    quantity=st.integers(1, 2),
    value_fen=st.sampled_from([0, 50, 80]),
)
CUP = {"sku_id": 90, "quantity": 1, "value_fen": 50}
BAG = {"sku_id": 91, "quantity": 2, "value_fen": 30}
one_prices = st.builds(
    OnePrice,
    price_fen=st.integers(0, 150),
    most=st.one_of(st.none(), st.integers(1, 4)),
    refuses=st.booleans(),
)
gift_rules = st.builds(
    GiftFrom,
    pieces=st.integers(1, 5),
    gifts=st.lists(gifts, max_size=3, unique_by=lambda gift: gift.sku_id).map(tuple),
    choose=st.integers(1, 2),
    points=st.sampled_from([0, 0, 10]),
    coupons=st.sampled_from([(), (), ((77, 2),)]),
    frees_freight=st.booleans(),
)


def terms(kind, **fields):
    return st.fixed_dictionaries(fields).map(KINDS[kind].parse)


off_bps = st.integers(1, 10_000)
a_sku = st.integers(1, 5)
price_lists = st.dictionaries(a_sku, st.integers(0, 150), min_size=1).map(
    lambda prices: [{"sku_id": sku_id, "price_fen": fen} for sku_id, fen in prices.items()]
)
bundle_parts = st.dictionaries(a_sku, st.integers(1, 2), min_size=2, max_size=2).map(
    lambda parts: [{"sku_id": sku_id, "quantity": count} for sku_id, count in parts.items()]
)
a_few_times = st.one_of(st.none(), st.integers(1, 2))
real_kinds = {
    Lane.PRICE: terms(
        "limited_time",
        off_bp=off_bps,
        max_units_per_order=st.one_of(st.none(), st.integers(1, 4)),
        over_limit=st.sampled_from(["normal", "refuse"]),
    )
    | terms("coupon_price", prices=price_lists, max_units=st.integers(1, 3)),
    Lane.LINE: terms(
        "nth_piece",
        nth=st.integers(2, 3),
        off_bp=off_bps,
        per=st.sampled_from(["sku", "scope"]),
        max_times=a_few_times,
    )
    | terms("bundle", parts=bundle_parts, price_fen=st.integers(0, 200), max_times=a_few_times)
    | terms(
        "buy_x_get_y",
        buy=st.integers(1, 2),
        get=st.integers(1, 2),
        off_bp=off_bps,
        max_times=a_few_times,
    ),
    Lane.ORDER: terms(
        "spend_and_save",
        measure=st.just("pieces"),
        tiers=st.integers(1, 4).flatmap(
            lambda pieces: st.sampled_from(
                [
                    [{"threshold": pieces, "price_fen": 60 * pieces}],
                    [{"threshold": pieces, "off_fen": 40, "free_freight": True}],
                    [{"threshold": pieces, "off_bp": 2_000, "off_max_fen": 50}],
                ]
            )
        ),
    )
    | terms(
        "spend_and_gift",
        tiers=st.just(
            [
                {"threshold": 100, "gifts": [CUP]},
                {"threshold": 200, "gifts": [CUP, BAG], "points": 5},
            ]
        ),
    ),
    Lane.COUPON: terms("coupon_percent", off_bp=off_bps, max_off_fen=st.sampled_from([None, 40]))
    | terms("coupon_amount", threshold_fen=st.integers(60, 200), off_fen=st.integers(1, 60))
    | terms("coupon_exchange", sku_id=a_sku, quantity=st.integers(1, 2)),
    Lane.SHIPPING: terms(
        "coupon_freight",
        threshold_fen=st.integers(0, 200),
        off_fen=st.one_of(st.none(), st.integers(1, 90)),
    ),
}
LANES = [Lane.PRICE, Lane.LINE, Lane.ORDER, Lane.ORDER, Lane.COUPON, Lane.SHIPPING]
ANYBODY_MOSTLY = [
    *[EVERYBODY] * 5,
    Audience(levels=frozenset({1})),
    Audience(tags=frozenset("ab")),
    Audience(is_new=True),
    Audience(is_new=False),
]
ALWAYS_MOSTLY = [
    *[()] * 5,
    (Slot(from_minute=0, until_minute=12 * 60),),
    (Slot(from_minute=12 * 60, until_minute=13 * 60), Slot(from_minute=0, until_minute=1)),
    (Slot(from_minute=0, until_minute=1_440, weekdays=frozenset({0, 3})),),
    (Slot(from_minute=600, until_minute=840, weekdays=frozenset({2})),),
]


def rules_of(lane):
    if lane is Lane.SHIPPING:
        toys = st.builds(FreightOff, threshold_fen=st.integers(1, 250), off_fen=st.integers(1, 90))
        return toys | real_kinds[lane]
    return rules() | (one_prices if lane is Lane.PRICE else gift_rules) | real_kinds[lane]


@st.composite
def promotions(draw, promotion_id, modes):
    lane = draw(st.sampled_from(LANES))
    rule = draw(rules_of(lane))
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
        audience=draw(st.sampled_from(ANYBODY_MOSTLY)),
        slots=draw(st.sampled_from(ALWAYS_MOSTLY)),
        needs_coupon=lane is Lane.COUPON or draw(st.sampled_from([False, False, False, True])),
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
        units=st.one_of(st.none(), st.integers(0, 4)),
        gifts=st.dictionaries(st.integers(90, 92), st.integers(0, 2)).map(
            lambda left: tuple(left.items())
        ),
    ),
    max_size=3,
    unique_by=lambda one: one.promotion_id,
).map(tuple)

HOUR = timedelta(hours=1)
coupon_lists = st.lists(
    st.builds(
        HeldCoupon,
        coupon_id=st.integers(1, 9),
        promotion_id=st.integers(1, 7),
        starts_at=st.sampled_from([NOON - HOUR, NOON, NOON, NOON + HOUR]),
        ends_at=st.sampled_from([NOON + 2 * HOUR, NOON + 3 * HOUR]),
    )
    | st.builds(
        HeldCoupon,
        coupon_id=st.integers(1, 9),
        promotion_id=st.integers(1, 7),
        starts_at=st.just(NOON - HOUR),
        ends_at=st.just(NOON),
    ),
    max_size=7,
    unique_by=lambda one: one.coupon_id,
).map(tuple)
choice_lists = st.lists(
    st.builds(
        GiftChoice,
        promotion_id=st.integers(1, 7),
        sku_ids=st.lists(st.integers(90, 93), max_size=2).map(tuple),
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
    buyer=st.builds(Buyer, tags=labels, level=st.sampled_from([None, 1, 2]), is_new=st.booleans()),
    coupons=coupon_lists,
    coupon_ids=st.one_of(st.none(), st.none(), st.lists(st.integers(1, 9)).map(tuple)),
    declined=st.frozensets(st.integers(1, 7), max_size=1),
    gift_choices=choice_lists,
    points_fen=st.sampled_from([0, 0, 30, 10_000]),
)
