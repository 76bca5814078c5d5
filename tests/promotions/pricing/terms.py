"""Terms of every kind, drawn at random, small enough to meet the baskets of `baskets`."""

from hypothesis import strategies as st

from promotions.pricing import BadTerms, Gift, Measure
from promotions.pricing.kinds import (
    BulkBuy,
    BulkTier,
    Bundle,
    BuyXGetY,
    CouponAmount,
    CouponExchange,
    CouponFreight,
    CouponPercent,
    CouponPrice,
    FlashSale,
    GiftTier,
    GroupBuy,
    LimitedTime,
    NthPiece,
    OverLimit,
    Part,
    Per,
    Seats,
    SkuPrice,
    SpendAndGift,
    SpendAndSave,
    Tier,
    WhenLate,
)

sku_ids = st.integers(1, 4)
rates = st.integers(1, 10_000)
fen = st.integers(1, 90)
times = st.one_of(st.none(), st.integers(1, 3))
thresholds = st.one_of(st.just(0), st.integers(1, 250))


def unless_refused(strategy):
    """Draw again whenever the terms contradict themselves."""
    drawn = strategy.map(lambda make: make())
    return drawn.filter(lambda rule: rule is not None)


def _or_none(make):
    def attempt():
        try:
            return make()
        except BadTerms:
            return None

    return attempt


@st.composite
def priced(draw):
    chosen = draw(st.lists(sku_ids, min_size=1, max_size=3, unique=True))
    return tuple(
        SkuPrice(sku_id=one, price_fen=draw(st.integers(0, 120))) for one in sorted(chosen)
    )


@st.composite
def limited_time(draw):
    way = draw(
        st.sampled_from(
            [{"prices": draw(priced())}, {"off_bp": draw(rates)}, {"off_fen": draw(fen)}]
        )
    )
    return LimitedTime(
        **way,
        max_units_per_order=draw(st.one_of(st.none(), st.integers(1, 6))),
        over_limit=draw(st.sampled_from(OverLimit)),
    )


@st.composite
def benefits(draw, measure):
    price = {"price_fen": draw(st.integers(0, 200))}
    percent = {"off_bp": draw(rates), "off_max_fen": draw(st.one_of(st.none(), fen))}
    choices = [{"off_fen": draw(fen)}, percent, {"free_freight": True}]
    if measure is Measure.PIECES:
        choices.append(price)
    return {"free_freight": draw(st.booleans()), **draw(st.sampled_from(choices))}


@st.composite
def spend_and_save(draw):
    measure = draw(st.sampled_from(Measure))
    most = 250 if measure is Measure.AMOUNT_FEN else 8
    at = sorted(draw(st.lists(st.integers(1, most), min_size=1, max_size=3, unique=True)))
    tiers = [{"threshold": threshold, **draw(benefits(measure))} for threshold in at]
    repeats = draw(st.integers(1, 3)) if len(tiers) == 1 else 1
    return _or_none(
        lambda: SpendAndSave(
            tiers=tuple(Tier(**tier) for tier in tiers), measure=measure, max_times=repeats
        )
    )


@st.composite
def gift_tiers(draw, threshold):
    gifts = tuple(
        Gift(sku_id=one, quantity=draw(st.integers(1, 3)), value_fen=draw(st.integers(0, 20)))
        for one in draw(st.lists(sku_ids, max_size=3, unique=True))
    )
    has_choice = len(gifts) > 1 and draw(st.booleans())
    return {
        "threshold": threshold,
        "gifts": gifts,
        "choose": draw(st.integers(1, len(gifts) - 1)) if has_choice else None,
        "points": draw(st.sampled_from([0, 0, 100])),
        "coupons": draw(st.sampled_from([(), (), ((7, 1),)])),
    }


@st.composite
def spend_and_gift(draw):
    measure = draw(st.sampled_from(Measure))
    most = 250 if measure is Measure.AMOUNT_FEN else 8
    at = sorted(draw(st.lists(st.integers(1, most), min_size=1, max_size=3, unique=True)))
    tiers = [draw(gift_tiers(threshold)) for threshold in at]
    repeats = draw(st.integers(1, 3)) if len(tiers) == 1 else 1
    return _or_none(
        lambda: SpendAndGift(
            tiers=tuple(GiftTier(**tier) for tier in tiers), measure=measure, max_times=repeats
        )
    )


nth_piece = st.builds(
    NthPiece, nth=st.integers(2, 4), off_bp=rates, per=st.sampled_from(Per), max_times=times
)


@st.composite
def bundle(draw):
    chosen = draw(st.lists(sku_ids, min_size=2, max_size=3, unique=True))
    parts = tuple(Part(sku_id=one, quantity=draw(st.integers(1, 2))) for one in sorted(chosen))
    return Bundle(parts=parts, price_fen=draw(st.integers(0, 250)), max_times=draw(times))


buy_x_get_y = st.builds(
    BuyXGetY,
    buy=st.integers(1, 3),
    get=st.integers(1, 3),
    get_sku_ids=st.one_of(
        st.none(), st.lists(sku_ids, min_size=1, max_size=2, unique=True).map(sorted).map(tuple)
    ),
    off_bp=st.one_of(st.just(10_000), rates),
    max_times=times,
)


@st.composite
def coupon_amount(draw):
    off_fen = draw(fen)
    return CouponAmount(
        threshold_fen=draw(st.one_of(st.just(0), st.integers(off_fen, 250))), off_fen=off_fen
    )


coupon_percent = st.builds(
    CouponPercent, threshold_fen=thresholds, off_bp=rates, max_off_fen=st.one_of(st.none(), fen)
)
coupon_freight = st.builds(
    CouponFreight, threshold_fen=thresholds, off_fen=st.one_of(st.none(), fen)
)
coupon_exchange = st.builds(CouponExchange, sku_id=sku_ids, quantity=st.integers(1, 4))
coupon_price = st.builds(CouponPrice, prices=priced(), max_units=st.integers(1, 6))
flash_sale = st.builds(
    FlashSale,
    prices=priced(),
    max_units_per_order=st.one_of(st.none(), st.integers(1, 6)),
    with_coupons=st.booleans(),
    with_points=st.booleans(),
    pay_minutes=st.integers(1, 60),
    warm_up_minutes=st.integers(0, 600),
)
group_buy = st.builds(
    GroupBuy,
    prices=priced(),
    max_units_per_order=st.one_of(st.none(), st.integers(1, 6)),
    team_size=st.integers(2, 100),
    team_minutes=st.integers(1, 1_440),
    newcomers_only=st.booleans(),
    auto_complete=st.booleans(),
    seats=st.sampled_from(Seats),
    when_late=st.sampled_from(WhenLate),
)


@st.composite
def bulk_buy(draw):
    """One tier below the first prices, or a least number of pieces."""
    prices = draw(priced())
    dearer = tuple(
        SkuPrice(sku_id=one.sku_id, price_fen=one.price_fen + draw(fen)) for one in prices
    )
    least = draw(st.one_of(st.none(), st.integers(2, 5)))
    has_tier = least is None or draw(st.booleans())
    return BulkBuy(
        prices=dearer,
        tiers=(BulkTier(pieces=draw(st.integers(6, 9)), prices=prices),) if has_tier else (),
        min_pieces=least,
        max_units_per_order=draw(st.one_of(st.none(), st.integers(1, 6))),
    )


RULES = {
    "limited_time": limited_time(),
    "spend_and_save": unless_refused(spend_and_save()),
    "spend_and_gift": unless_refused(spend_and_gift()),
    "nth_piece": nth_piece,
    "bundle": bundle(),
    "buy_x_get_y": buy_x_get_y,
    "coupon_amount": coupon_amount(),
    "coupon_percent": coupon_percent,
    "coupon_freight": coupon_freight,
    "coupon_exchange": coupon_exchange,
    "coupon_price": coupon_price,
    "flash_sale": flash_sale,
    "group_buy": group_buy,
    "bulk_buy": bulk_buy(),
}
"""How to draw the terms of each kind."""
any_rule = st.sampled_from(sorted(RULES)).flatmap(RULES.__getitem__)
