"""Offers compared: what saves most is best, then what gives most."""

from promotions.pricing import Offer
from promotions.pricing.rule import Gift


def test_offers_are_ranked_by_what_they_save_then_worth_then_points_then_number():
    cup, sticker = Gift(sku_id=1, quantity=1, value_fen=5), Gift(sku_id=2, quantity=9, value_fen=0)
    ranked = [
        Offer(shares={1: 2}, freight_fen=1),
        Offer(shares={1: 2}),
        Offer(shares={1: 1}, gifts=(cup,)),
        Offer(shares={1: 1}, gifts=(sticker,), points=3),
        Offer(shares={1: 1}, points=3, coupons=((7, 2),)),
        Offer(shares={1: 1}, points=3),
        Offer(shares={1: 1}, gifts=(sticker,)),
        Offer(shares={1: 1}, coupons=((7, 2), (8, 1))),
        Offer(shares={1: 1}, coupons=((7, 2),)),
        Offer(shares={1: 1}),
        Offer(points=9),
        Offer(),
    ]

    costs = [offer.cost for offer in ranked]
    assert costs == sorted(set(costs))
    assert [offer.has_effect for offer in ranked] == [True] * 11 + [False]
