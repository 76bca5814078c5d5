"""
Flash sale (秒杀): few pieces at a low price, from one moment on, to whoever comes first.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from promotions.pricing.kinds.deal import DealRule
from promotions.pricing.money import whole

WARM_UP_MINUTES = 7 * 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class FlashSale(DealRule):
    """
    A deal whose pieces are set aside: 1 yuan a piece, 100 pieces, 1 for each person, at 20:00.

    Its daily sessions (场次) are the slots of its campaign, its pieces the campaign's stock.

    :raises BadTerms: no SKU has a price, or one has two.
    """

    kind: ClassVar[str] = "flash_sale"

    warm_up_minutes: int = 60
    """How long before a session people see it coming."""

    def __post_init__(self) -> None:
        DealRule.__post_init__(self)
        whole(self.warm_up_minutes, "warm_up_minutes", most=WARM_UP_MINUTES)

    def to_json(self) -> dict[str, Any]:
        """Return the terms as plain data."""
        return {**DealRule.to_json(self), "warm_up_minutes": self.warm_up_minutes}
