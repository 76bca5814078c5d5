"""限时购: a price, a percentage or an amount off a piece, for all pieces or some."""

import pytest
from hypothesis import given

from promotions.pricing import BadTerms, Base, Code, Lane, Problem
from promotions.pricing.kinds import LimitedTime, OverLimit, SkuPrice
from promotions.pricing.money import NotWhole, OutOfRange
from tests.builders.promotions import make_cart, make_line, make_promotion, quote_of
from tests.promotions.pricing.baskets import basket_of, baskets, half_up, offered, saved
from tests.promotions.pricing.strategies import RUNS
from tests.promotions.pricing.terms import limited_time

EIGHTY = LimitedTime(off_bp=2_000)
AT_59 = LimitedTime(prices=(SkuPrice(sku_id=1, price_fen=5_900),))


def reference(rule, basket):
    """Piece by piece: fen off by line, and how many pieces were sold."""
    prices = {one.sku_id: one.price_fen for one in rule.prices or ()}
    limits = [limit for limit in (rule.max_units_per_order, basket.units_left) if limit is not None]
    left = min(limits, default=10**9)
    off, sold, refused = {}, {}, {}
    for line in basket.lines:
        own = line.base_price_fen
        lower = prices.get(line.sku_id, own) if rule.prices else own - rule.off_fen
        if rule.off_bp:
            lower = own - half_up(own, rule.off_bp)
        if max(lower, 0) >= own:
            continue
        count = 0
        for _ in range(line.quantity):
            if left > 0:
                count, left = count + 1, left - 1
        if count:
            sold[line.line_id] = count
            off[line.line_id] = min((own - max(lower, 0)) * count, basket.running[line.line_id])
        if count < line.quantity and rule.over_limit is OverLimit.REFUSE:
            refused[line.line_id] = count
    return off, sold, refused


@RUNS
@given(limited_time(), baskets())
def test_it_prices_what_a_plain_count_of_pieces_prices(rule, basket):
    offer = rule.offer(basket)

    assert (offer.shares, offer.units, offer.refuses) == reference(rule, basket)


class TestWays:
    def test_a_percentage_makes_the_price_of_a_piece_and_pieces_cost_multiples_of_it(self):
        # 5 fen at 10 % off cost 4 (half a fen of the discount goes up), so 3 pieces cost 12.
        rule = LimitedTime(off_bp=1_000)

        assert [saved(rule, basket_of(make_line(fen=5, quantity=n))) for n in (1, 3)] == [1, 3]

    def test_a_price_counts_where_it_is_below_the_buyers_own(self):
        lines = [make_line(1, fen=9_900, quantity=2), make_line(2, fen=9_900)]
        offer = offered(AT_59, basket_of(*lines))

        assert (offer.shares, offer.units) == ({1: 8_000}, {1: 2})

    @pytest.mark.parametrize(("own", "off"), [(5_900, 0), (5_901, 1), (5_000, 0)])
    def test_a_price_that_is_not_lower_uses_up_no_piece(self, own, off):
        offer = offered(AT_59, basket_of(make_line(fen=own)))

        assert (offer.saves_fen, bool(offer.units)) == (off, off > 0)

    def test_a_members_price_below_the_offer_stays(self):
        member = make_line(fen=9_900, member_price_fen=5_000)

        assert saved(AT_59, basket_of(member)) == 0

    def test_an_amount_off_never_pays_the_buyer(self):
        rule = LimitedTime(off_fen=1_000)

        assert saved(rule, basket_of(make_line(fen=300, quantity=2))) == 600

    def test_a_piece_may_cost_nothing(self):
        free = LimitedTime(prices=(SkuPrice(sku_id=1, price_fen=0),))

        assert saved(free, basket_of(make_line(fen=1, quantity=3))) == 3


class TestLimits:
    def test_pieces_beyond_the_limit_keep_their_price(self):
        rule = LimitedTime(off_bp=2_000, max_units_per_order=2)
        quote = quote_of(make_cart(make_line(fen=1_005, quantity=3)), make_promotion(rule=rule))

        assert quote.payable_fen == 804 + 804 + 1_005
        assert not quote.refusals

    def test_or_are_refused(self):
        rule = LimitedTime(off_bp=2_000, max_units_per_order=2, over_limit=OverLimit.REFUSE)

        refused = offered(rule, basket_of(make_line(1, quantity=2), make_line(2)))
        fine = offered(rule, basket_of(make_line(1), make_line(2)))

        assert (refused.units, refused.refuses) == ({1: 2}, {2: 0})
        assert fine.refuses == {}

    @pytest.mark.parametrize(
        ("most", "left", "taken", "sold"),
        [
            (None, None, 0, 5),
            (1, None, 0, 1),
            (3, None, 0, 3),
            (None, 2, 0, 2),
            (3, 2, 0, 2),
            (3, 9, 2, 1),
        ],
    )
    def test_the_narrowest_limit_counts(self, most, left, taken, sold):
        rule = LimitedTime(off_bp=2_000, max_units_per_order=most)
        basket = basket_of(make_line(quantity=5), units_left=left, units_taken=taken)

        assert sum(rule.offer(basket).units.values()) == sold

    @pytest.mark.parametrize(("left", "taken"), [(0, 0), (None, 3), (None, 4)])
    def test_nothing_left_is_nothing_off(self, left, taken):
        rule = LimitedTime(off_bp=2_000, max_units_per_order=3)
        basket = basket_of(make_line(quantity=5), units_left=left, units_taken=taken)

        assert rule.offer(basket).has_effect is False


class TestTerms:
    def test_the_skus_with_a_price_are_the_scope(self):
        assert AT_59.sku_ids == {1}
        assert EIGHTY.sku_ids is None
        assert EIGHTY.lane is Lane.PRICE

    @pytest.mark.parametrize(
        ("fields", "problem"),
        [
            ({}, Problem.AMBIGUOUS),
            ({"off_bp": 1, "off_fen": 1}, Problem.AMBIGUOUS),
            ({"prices": [{"sku_id": 1, "price_fen": 1}], "off_fen": 1}, Problem.AMBIGUOUS),
            ({"prices": []}, Problem.EMPTY),
            ({"prices": [{"sku_id": 1, "price_fen": 1}] * 2}, Problem.DUPLICATE),
        ],
    )
    def test_terms_that_contradict_themselves(self, fields, problem):
        with pytest.raises(BadTerms) as refused:
            LimitedTime.parse(fields)

        assert (refused.value.field, refused.value.problem) == ("prices", problem)

    @pytest.mark.parametrize(
        "fields", [{"off_bp": 10_001}, {"off_fen": -1}, {"off_bp": 1, "max_units_per_order": 0}]
    )
    def test_numbers_out_of_range(self, fields):
        with pytest.raises(OutOfRange):
            LimitedTime(**fields)

    def test_prices_that_are_not_whole(self):
        with pytest.raises(NotWhole):
            SkuPrice(sku_id=1, price_fen=9.9)


def test_each_line_takes_its_own_price_and_other_lines_stay():
    promotion = make_promotion(rule=AT_59, base=Base.INITIAL)
    quote = quote_of(make_cart(make_line(1, fen=6_000), make_line(2, fen=6_000)), promotion)

    assert [line.discount_fen for line in quote.lines] == [100, 0]
    assert {one.code for one in quote.trace} <= {Code.APPLIED}
