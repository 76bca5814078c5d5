"""
Where a commission stands, the moves between, why one may be nothing; what a rate is set for, and
what it is taken of.
"""

from enum import StrEnum


class CommissionState(StrEnum):
    """Where the commission of one line and level stands."""

    FROZEN = "frozen"
    """Earned; waits for the goods to be received and the days after it."""
    MATURED = "matured"
    """Became available, or repaid a debt."""
    CLAWED = "clawed"
    """Taken back in full before it matured."""
    UNEARNED = "unearned"
    """Nothing was earned; `reason` says why."""


COMMISSION_TRANSITIONS: dict[CommissionState, set[CommissionState]] = {
    CommissionState.FROZEN: {CommissionState.MATURED, CommissionState.CLAWED},
    CommissionState.MATURED: set(),
    CommissionState.CLAWED: set(),
    CommissionState.UNEARNED: set(),
}


class Unearned(StrEnum):
    """Why a line earned an upline nothing."""

    INVITED = "upline_invited"
    QUALIFYING = "upline_qualifying"
    PENDING = "upline_pending"
    FROZEN = "upline_frozen"
    REFUSED = "upline_refused"
    LEFT = "upline_left"
    PRODUCT_OFF = "product_off"
    """The product pays no commission."""
    CAMPAIGN_OFF = "campaign_off"
    """A campaign that made the line cheaper pays no commission."""
    NO_COST = "no_cost"
    """Commission is taken of the profit, and what the goods cost the shop is not known."""
    NO_RATE = "no_rate"
    """The rule pays this level nothing for this SKU."""
    NO_PROFIT = "no_profit"
    """Commission is taken of the profit, and there is none."""
    TOO_SMALL = "too_small"
    """The share of the base is less than one fen."""
    CAPPED = "capped"
    """The cap of both levels together leaves nothing for this one."""


class Scope(StrEnum):
    """What a rate is set for."""

    SKU = "sku"
    SPU = "spu"
    CATEGORY = "category"
    """The category and all below it, unless a nearer one has a rate."""
    SHOP = "shop"
    """All goods; only for a grade: without one it is what the rules say."""


class RuleName(StrEnum):
    """Which rule decided a commission, the strongest first."""

    SKU_GRADE = "sku_grade"
    SKU = "sku"
    SPU_GRADE = "spu_grade"
    SPU = "spu"
    CATEGORY_GRADE = "category_grade"
    CATEGORY = "category"
    GRADE = "grade"
    SHOP = "shop"
    """The rates of the shop's rules: nothing nearer was set."""


class BaseKind(StrEnum):
    """What a commission is a share of."""

    PAID = "paid"
    """What was really paid for the line, without freight and without points."""
    PROFIT = "profit"
    """What is left of it when the cost of the goods is taken off; never less than nothing."""
