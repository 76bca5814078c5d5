"""
The label of a promotion, in Chinese: 限时8折, 满100减10, 第2件半价, 买2送1, 满99包邮.
"""

from collections.abc import Callable
from typing import Any

from promotions import pricing
from promotions.pricing import ALL_BP, Measure, kinds

HALF_BP = 5_000


def yuan(fen: int) -> str:
    """Return fen as yuan without needless zeros: 2,000 is 20, 2,050 is 20.5, 2,005 is 20.05."""
    return f"{fen // 100}.{fen % 100:02}".rstrip("0").rstrip(".")


def discount(off_bp: int) -> str:
    """Return a percentage off as shops say it: 1,500 bp off is 打8.5折, everything off is 免单."""
    return "免单" if off_bp == ALL_BP else f"打{_paid(off_bp)}"


def badge(promotion: pricing.Promotion) -> str:
    """Return the label of a promotion, such as 满100减10；满200减30; its title if it has no own."""
    label = _LABELS.get(promotion.rule.kind)
    return promotion.title if label is None else label(promotion.rule)


def _paid(off_bp: int) -> str:
    """Return what is left to pay: 2,000 bp off is 8折."""
    paid_bp = ALL_BP - off_bp
    return f"{paid_bp // 1000}.{paid_bp % 1000:03}".rstrip("0").rstrip(".") + "折"


def _cheaper(off_bp: int) -> str:
    """Return what a piece costs then: 半价, 免费 or 8折."""
    if off_bp == ALL_BP:
        return "免费"
    return "半价" if off_bp == HALF_BP else _paid(off_bp)


def _from_price(prices: tuple[kinds.SkuPrice, ...]) -> str:
    """Return the one price, or the lowest of several: 9.9元, 9.9元起."""
    several = {price.price_fen for price in prices}
    return f"{yuan(min(several))}元{'起' if len(several) > 1 else ''}"


def _threshold(threshold: int, measure: Measure) -> str:
    return f"满{threshold}件" if measure is Measure.PIECES else f"满{yuan(threshold)}"


def _coupon_threshold(threshold_fen: int) -> str:
    return f"满{yuan(threshold_fen)}" if threshold_fen else "无门槛"


def _limited_time(rule: kinds.LimitedTime) -> str:
    if rule.prices is not None:
        label = _from_price(rule.prices)
    elif rule.off_fen:
        label = f"立减{yuan(rule.off_fen)}元"
    else:
        label = "免单" if rule.off_bp == ALL_BP else _paid(rule.off_bp)
    limit = rule.max_units_per_order
    return f"限时{label}" + (f"（每单限{limit}件）" if limit else "")


def _spend_and_save(rule: kinds.SpendAndSave) -> str:
    if rule.max_times > 1:
        (tier,) = rule.tiers
        return f"每{_tier(tier, rule.measure)}（最多{rule.max_times}次）"
    return "；".join(_tier(tier, rule.measure) for tier in rule.tiers)


def _tier(tier: kinds.Tier, measure: Measure) -> str:
    benefit = ""
    if tier.price_fen is not None:
        benefit = f"{yuan(tier.price_fen)}元"
    elif tier.off_fen:
        benefit = f"减{yuan(tier.off_fen)}"
    elif tier.off_bp:
        benefit = discount(tier.off_bp) + _capped(tier.off_max_fen)
    return f"{_threshold(tier.threshold, measure)}{benefit}{'包邮' if tier.free_freight else ''}"


def _capped(most_fen: int | None) -> str:
    return "" if most_fen is None else f"（最高减{yuan(most_fen)}）"


def _spend_and_gift(rule: kinds.SpendAndGift) -> str:
    if rule.max_times > 1:
        (tier,) = rule.tiers
        return f"每{_gift_tier(tier, rule.measure)}（最多{rule.max_times}次）"
    return "；".join(_gift_tier(tier, rule.measure) for tier in rule.tiers)


def _gift_tier(tier: kinds.GiftTier, measure: Measure) -> str:
    gives = []
    if tier.choose is not None:
        gives.append(f"赠品{len(tier.gifts)}选{tier.choose}")
    elif tier.gifts:
        gives.append("赠品")
    if tier.points:
        gives.append(f"{tier.points}积分")
    if tier.coupons:
        gives.append("优惠券")
    return f"{_threshold(tier.threshold, measure)}送{'、'.join(gives)}"


def _nth_piece(rule: kinds.NthPiece) -> str:
    return f"第{rule.nth}件{_cheaper(rule.off_bp)}"


def _bundle(rule: kinds.Bundle) -> str:
    return f"组合价{yuan(rule.price_fen)}元"


def _buy_x_get_y(rule: kinds.BuyXGetY) -> str:
    if rule.off_bp == ALL_BP:
        return f"买{rule.buy}送{rule.get}"
    return f"买{rule.buy}件，另{rule.get}件{_cheaper(rule.off_bp)}"


def _coupon_amount(rule: kinds.CouponAmount) -> str:
    return f"{_coupon_threshold(rule.threshold_fen)}减{yuan(rule.off_fen)}"


def _coupon_percent(rule: kinds.CouponPercent) -> str:
    threshold = _coupon_threshold(rule.threshold_fen)
    return f"{threshold}{discount(rule.off_bp)}{_capped(rule.max_off_fen)}"


def _coupon_freight(rule: kinds.CouponFreight) -> str:
    threshold = _coupon_threshold(rule.threshold_fen)
    return f"{threshold}包邮" if rule.off_fen is None else f"{threshold}运费减{yuan(rule.off_fen)}"


def _coupon_exchange(rule: kinds.CouponExchange) -> str:
    return f"免费兑换{rule.quantity}件"


def _coupon_price(rule: kinds.CouponPrice) -> str:
    return f"新人价{_from_price(rule.prices)}"


def _flash_sale(rule: kinds.FlashSale) -> str:
    return f"秒杀{_from_price(rule.prices)}"


def _group_buy(rule: kinds.GroupBuy) -> str:
    return f"{rule.team_size}人团{_from_price(rule.prices)}"


def _bulk_buy(rule: kinds.BulkBuy) -> str:
    lowest = f"低至{yuan(min(rule.lists[-1].values()))}元"
    label = f"团购{lowest if rule.tiers else _from_price(rule.prices)}"
    return label if rule.min_pieces is None else f"{label}（满{rule.min_pieces}件成团）"


_LABELS: dict[str, Callable[[Any], str]] = {
    kinds.LimitedTime.kind: _limited_time,
    kinds.SpendAndSave.kind: _spend_and_save,
    kinds.SpendAndGift.kind: _spend_and_gift,
    kinds.NthPiece.kind: _nth_piece,
    kinds.Bundle.kind: _bundle,
    kinds.BuyXGetY.kind: _buy_x_get_y,
    kinds.CouponAmount.kind: _coupon_amount,
    kinds.CouponPercent.kind: _coupon_percent,
    kinds.CouponFreight.kind: _coupon_freight,
    kinds.CouponExchange.kind: _coupon_exchange,
    kinds.CouponPrice.kind: _coupon_price,
    kinds.FlashSale.kind: _flash_sale,
    kinds.GroupBuy.kind: _group_buy,
    kinds.BulkBuy.kind: _bulk_buy,
}
