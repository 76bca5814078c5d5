"""
Pricing: `price(cart, snapshot)` and the types it speaks. Pure; standard library only.
"""

from promotions.pricing.buyer import ANYBODY, Allowance, Buyer, Deal, GiftChoice, HeldCoupon
from promotions.pricing.canon import canonical
from promotions.pricing.cart import Cart, CartLine
from promotions.pricing.engine import price
from promotions.pricing.kinds import KINDS
from promotions.pricing.kinds.spend_and_gift import GiftTier, SpendAndGift
from promotions.pricing.kinds.spend_and_save import SpendAndSave, Tier
from promotions.pricing.money import ALL_BP, apportion, pct_round, units_share
from promotions.pricing.promotion import EVERYBODY, Audience, GroupMode, Promotion, Slot
from promotions.pricing.quote import (
    ENGINE_VERSION,
    Adjustment,
    GiftLine,
    PricedLine,
    Quote,
    Refusal,
    Verdict,
)
from promotions.pricing.rule import (
    BadTerms,
    Base,
    Basket,
    Gift,
    Lane,
    Measure,
    Offer,
    Problem,
    Rule,
    Shortfall,
)
from promotions.pricing.scope import NOTHING, EmptyScope, Scope, Targets
from promotions.pricing.snapshot import MixedGroup, Snapshot, require_one_mode_per_group
from promotions.pricing.tally import Code

__all__ = [
    "ALL_BP",
    "ANYBODY",
    "ENGINE_VERSION",
    "EVERYBODY",
    "KINDS",
    "NOTHING",
    "Adjustment",
    "Allowance",
    "Audience",
    "BadTerms",
    "Base",
    "Basket",
    "Buyer",
    "Cart",
    "CartLine",
    "Code",
    "Deal",
    "EmptyScope",
    "Gift",
    "GiftChoice",
    "GiftLine",
    "GiftTier",
    "GroupMode",
    "HeldCoupon",
    "Lane",
    "Measure",
    "MixedGroup",
    "Offer",
    "PricedLine",
    "Problem",
    "Promotion",
    "Quote",
    "Refusal",
    "Rule",
    "Scope",
    "Shortfall",
    "Slot",
    "Snapshot",
    "SpendAndGift",
    "SpendAndSave",
    "Targets",
    "Tier",
    "Verdict",
    "apportion",
    "canonical",
    "pct_round",
    "price",
    "require_one_mode_per_group",
    "units_share",
]
