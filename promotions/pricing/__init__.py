"""
Pricing: `price(cart, snapshot)` and the types it speaks. Pure; standard library only.
"""

from promotions.pricing.cart import Allowance, Cart, CartLine
from promotions.pricing.engine import price
from promotions.pricing.kinds import KINDS
from promotions.pricing.kinds.spend_and_save import SpendAndSave, Tier
from promotions.pricing.money import ALL_BP, apportion, pct_round, units_share
from promotions.pricing.promotion import GroupMode, Promotion
from promotions.pricing.quote import Adjustment, PricedLine, Quote, Verdict
from promotions.pricing.rule import (
    BadTerms,
    Base,
    Basket,
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
    "KINDS",
    "NOTHING",
    "Adjustment",
    "Allowance",
    "BadTerms",
    "Base",
    "Basket",
    "Cart",
    "CartLine",
    "Code",
    "EmptyScope",
    "GroupMode",
    "Lane",
    "Measure",
    "MixedGroup",
    "Offer",
    "PricedLine",
    "Problem",
    "Promotion",
    "Quote",
    "Rule",
    "Scope",
    "Shortfall",
    "Snapshot",
    "SpendAndSave",
    "Targets",
    "Tier",
    "Verdict",
    "apportion",
    "pct_round",
    "price",
    "require_one_mode_per_group",
    "units_share",
]
