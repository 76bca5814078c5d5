"""
The limits of a campaign as rows that refuse to be exceeded: written for a draft.
"""

from sqlalchemy import delete
from sqlalchemy.orm import Session

from promotions.definitions import CAPS, Campaign
from promotions.models import PromotionCounter, PromotionGiftStock
from promotions.states import MemberPeriod


def write(session: Session, promotion_id: int, campaign: Campaign) -> None:
    """Give a draft the rows its limits need; nothing is taken of them before it is published."""
    for table in (PromotionCounter, PromotionGiftStock):
        session.execute(delete(table).where(table.promotion_id == promotion_id))
    if campaign.has_counter:
        session.add(
            PromotionCounter(
                promotion_id=promotion_id,
                member_period=MemberPeriod(campaign.member_period),
                **{name: getattr(campaign, name) for name in CAPS},
            )
        )
    for stock in campaign.gift_stock:
        session.add(
            PromotionGiftStock(
                promotion_id=promotion_id, sku_id=stock["sku_id"], max_units=stock["total"]
            )
        )
    session.flush()
