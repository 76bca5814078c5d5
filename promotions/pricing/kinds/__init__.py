"""
The kinds of promotion, one file each, by the name a campaign carries.
"""

from promotions.pricing.kinds.bulk_buy import BulkBuy, BulkTier, due_back_fen
from promotions.pricing.kinds.bundle import Bundle, Part
from promotions.pricing.kinds.buy_x_get_y import BuyXGetY
from promotions.pricing.kinds.coupon_amount import CouponAmount
from promotions.pricing.kinds.coupon_exchange import CouponExchange
from promotions.pricing.kinds.coupon_freight import CouponFreight
from promotions.pricing.kinds.coupon_percent import CouponPercent
from promotions.pricing.kinds.coupon_price import CouponPrice
from promotions.pricing.kinds.deal import DealRule
from promotions.pricing.kinds.flash_sale import FlashSale
from promotions.pricing.kinds.group_buy import GroupBuy, Seats, WhenLate
from promotions.pricing.kinds.limited_time import LimitedTime, OverLimit
from promotions.pricing.kinds.nth_piece import NthPiece, Per
from promotions.pricing.kinds.prices import SkuPrice
from promotions.pricing.kinds.spend_and_gift import GiftTier, SpendAndGift
from promotions.pricing.kinds.spend_and_save import SpendAndSave, Tier
from promotions.pricing.rule import Rule

__all__ = [
    "KINDS",
    "BulkBuy",
    "BulkTier",
    "Bundle",
    "BuyXGetY",
    "CouponAmount",
    "CouponExchange",
    "CouponFreight",
    "CouponPercent",
    "CouponPrice",
    "DealRule",
    "FlashSale",
    "GiftTier",
    "GroupBuy",
    "LimitedTime",
    "NthPiece",
    "OverLimit",
    "Part",
    "Per",
    "Seats",
    "SkuPrice",
    "SpendAndGift",
    "SpendAndSave",
    "Tier",
    "WhenLate",
    "due_back_fen",
]

_KINDS: tuple[type[Rule], ...] = (
    LimitedTime,
    SpendAndSave,
    SpendAndGift,
    NthPiece,
    Bundle,
    BuyXGetY,
    CouponAmount,
    CouponPercent,
    CouponFreight,
    CouponExchange,
    CouponPrice,
    FlashSale,
    GroupBuy,
    BulkBuy,
)

KINDS: dict[str, type[Rule]] = {rule.kind: rule for rule in _KINDS}
