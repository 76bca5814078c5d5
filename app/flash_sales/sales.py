"""
Which sale is meant and whether it runs: answered from the campaigns the process prices with.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from app.core.errors import Conflict, NotFound
from app.core.remembered import Remembered
from app.marketing.service import snapshot
from promotions import queries
from promotions.models import Promotion as Row
from promotions.pricing import Promotion
from promotions.pricing.kinds import FlashSale
from promotions.pricing.timetable import stretch
from promotions.states import CampaignStatus


class FlashSaleNotFound(NotFound):
    code, title = "flash_sale_not_found", "秒杀活动不存在"


class NotInSale(Conflict):
    """The SKU has no price in this sale."""

    code, title = "sku_not_in_sale", "该规格不参加本场秒杀"


class NotStarted(Conflict):
    """The sale, or its next session, has yet to begin: at `starts_at`."""

    code, title = "sale_not_started", "秒杀还没有开始"


class SaleEnded(Conflict):
    code, title = "sale_ended", "秒杀已结束"


class SalePaused(Conflict):
    """The merchant has stopped new orders; those placed go on."""

    code, title = "sale_paused", "秒杀已暂停"


STANDS = (FlashSaleNotFound, NotInSale, NotStarted, SaleEnded, SalePaused)


def running(session: Session, promotion_id: int, sku_id: int, *, now: datetime) -> Promotion:
    """
    Return the sale if it runs at `now` and the SKU is in it.

    :raises FlashSaleNotFound: there is no such sale.
    :raises NotStarted: it, or its next session, begins later.
    :raises SaleEnded: its last session is over, or staff ended it.
    :raises SalePaused: staff paused it.
    :raises NotInSale: the SKU is not sold in it.
    """
    sale = snapshot(session, now=now).promotions.get(promotion_id)
    if sale is None:
        raise _absent(session, promotion_id, now)
    if not isinstance(sale.rule, FlashSale):
        raise FlashSaleNotFound
    if not sale.is_running(now):
        following = stretch(sale, now)
        if following is None:
            raise SaleEnded
        raise NotStarted(starts_at=following.starts_at.isoformat())
    if sku_id not in sale.rule.price_of:
        raise NotInSale(sku_id=sku_id)
    return sale


def rule_of(sale: Promotion) -> FlashSale:
    """Return the terms of a sale."""
    assert isinstance(sale.rule, FlashSale)
    return sale.rule


_absences: Remembered[int, type[NotFound] | type[Conflict]] = Remembered(seconds=1.0, most=1_000)
"""Why a sale is not in the snapshot: asked of the database once a second, whoever asks."""


def _absent(session: Session, promotion_id: int, now: datetime) -> NotFound | Conflict:
    """Say why a sale prices nothing."""
    reason = _absences.get(promotion_id)
    if reason is None:
        reason = _reason(queries.of_kind(session, promotion_id, FlashSale.kind), now)
        _absences.put(promotion_id, reason)
    return reason()


def _reason(sale: Row | None, now: datetime) -> type[NotFound] | type[Conflict]:
    """A draft, and what is published this very moment, does not exist yet."""
    if sale is None:
        return FlashSaleNotFound
    if sale.status is CampaignStatus.PAUSED:
        return SalePaused
    is_over = sale.ends_at is not None and sale.ends_at <= now
    if sale.status is CampaignStatus.ENDED or (is_over and sale.status is not CampaignStatus.DRAFT):
        return SaleEnded
    return FlashSaleNotFound
