"""
The campaigns as staff work on them: the engine's refusals as problems, its rows as answers.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.core.errors import Conflict, Invalid, NotFound
from app.marketing import carving, wording
from promotions import campaigns, queries, setups, stock
from promotions.definitions import Campaign, campaign_of
from promotions.life import WrongStatus, phase
from promotions.models import Promotion, PromotionCounter, PromotionGiftStock, PromotionStock
from promotions.states import CampaignStatus

Move = Callable[..., Promotion]


class PromotionNotFound(NotFound):
    code, title = "promotion_not_found", "活动不存在"


class PromotionStatusConflict(Conflict):
    """The status of the campaign, in `promotion_status`, does not allow the move."""

    code, title = "promotion_status_conflict", "活动当前状态不允许该操作"


def create(
    session: Session, *, fields: Mapping[str, Any], staff_id: int, now: datetime
) -> dict[str, Any]:
    """
    Write down a campaign as a draft.

    :raises Invalid: the set-up contradicts itself.
    """
    with _translated():
        promotion = campaigns.create(
            session, campaign=_campaign(fields), staff_id=staff_id, now=now
        )
    return show(session, promotion_id=promotion.id, now=now)


def change(
    session: Session,
    *,
    promotion_id: int,
    fields: Mapping[str, Any],
    staff_id: int,
    now: datetime,
) -> dict[str, Any]:
    """
    Replace the set-up of a draft.

    :raises PromotionNotFound: there is none.
    :raises PromotionStatusConflict: it is no draft.
    :raises Invalid: the set-up contradicts itself.
    """
    with _translated():
        campaigns.change(
            session,
            promotion_id=promotion_id,
            campaign=_campaign(fields),
            staff_id=staff_id,
            now=now,
        )
    return show(session, promotion_id=promotion_id, now=now)


def copy(session: Session, *, promotion_id: int, staff_id: int, now: datetime) -> dict[str, Any]:
    """
    Write down the set-up of a campaign as a new draft.

    :raises PromotionNotFound: there is none.
    :raises Invalid: by the rules of today its set-up contradicts itself.
    """
    with _translated():
        draft = campaigns.copy(session, promotion_id=promotion_id, staff_id=staff_id, now=now)
    return show(session, promotion_id=draft.id, now=now)


def change_limits(
    session: Session,
    *,
    promotion_id: int,
    limits: Mapping[str, Any],
    staff_id: int,
    now: datetime,
) -> dict[str, Any]:
    """
    Change limits of a published or paused campaign.

    :raises PromotionNotFound: there is none.
    :raises PromotionStatusConflict: it is a draft or over.
    :raises Invalid: a limit is new, below what is taken, or does not fit the others.
    :raises OutOfStock: there are fewer pieces on the shelf than a deal is to sell more.
    """
    with _translated():
        before = carving.totals(session, promotion_id)
        campaigns.change_limits(
            session, promotion_id=promotion_id, limits=limits, staff_id=staff_id, now=now
        )
        carving.grow(session, promotion_id, before=before, now=now)
    return show(session, promotion_id=promotion_id, now=now)


def move(
    session: Session, step: Move, *, promotion_id: int, staff_id: int, now: datetime
) -> dict[str, Any]:
    """
    Publish, pause, resume or end a campaign: `step` is the engine's function for it.

    :raises PromotionNotFound: there is none.
    :raises PromotionStatusConflict: its status does not allow the move.
    :raises Invalid: it cannot be published as it stands.
    :raises OutOfStock: there are fewer pieces on the shelf than it sets aside.
    """
    with _translated():
        promotion = step(session, promotion_id=promotion_id, staff_id=staff_id, now=now)
        carving.follow(session, promotion, now=now)
    return show(session, promotion_id=promotion_id, now=now)


def show(session: Session, *, promotion_id: int, now: datetime) -> dict[str, Any]:
    """
    Return a campaign with what is taken of its limits.

    :raises PromotionNotFound: there is none.
    """
    with _translated():
        promotion, counter = queries.with_limits(session, promotion_id)
    gifts = queries.gift_stock(session, [promotion_id])
    own = stock.of(session, [promotion_id])
    return _answer(promotion, counter, gifts[promotion_id], own[promotion_id], now)


def stored(session: Session, *, promotion_id: int) -> Campaign:
    """
    Return a campaign as it is set up now.

    :raises PromotionNotFound: there is none.
    """
    with _translated():
        return campaign_of(*queries.with_limits(session, promotion_id))


def page(
    session: Session,
    *,
    status: CampaignStatus | None,
    before_id: int | None,
    limit: int,
    now: datetime,
) -> list[dict[str, Any]]:
    """Return up to `limit` campaigns older than `before_id`, the latest first."""
    found = queries.page(session, status=status, before_id=before_id, limit=limit)
    numbers = [promotion.id for promotion, _ in found]
    gifts, own = queries.gift_stock(session, numbers), stock.of(session, numbers)
    return [
        _answer(promotion, counter, gifts[promotion.id], own[promotion.id], now)
        for promotion, counter in found
    ]


def history(session: Session, *, promotion_id: int) -> dict[str, Any]:
    """
    Return every version of a campaign, the first one first.

    :raises PromotionNotFound: there is none.
    """
    with _translated():
        queries.get(session, promotion_id)
    return {"items": queries.history(session, promotion_id)}


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except queries.NoSuchPromotion as missing:
        raise PromotionNotFound from missing
    except WrongStatus as wrong:
        raise PromotionStatusConflict(promotion_status=wrong.status.value) from wrong
    except setups.Contradiction as flawed:
        raise Invalid(errors={flawed.field: [wording.REASONS[flawed.reason]]}) from flawed


def _campaign(fields: Mapping[str, Any]) -> Campaign:
    texts = {name: tuple(dict.fromkeys(fields[name])) for name in ("tags", "agrees_with")}
    return Campaign(**{**fields, **texts})


def _answer(
    promotion: Promotion,
    counter: PromotionCounter | None,
    gift_stock: Sequence[PromotionGiftStock],
    own_stock: Sequence[PromotionStock],
    now: datetime,
) -> dict[str, Any]:
    campaign = campaign_of(promotion, counter)
    return {
        **campaign.definition(),
        "id": promotion.id,
        "kind": promotion.kind,
        "title": promotion.title,
        "badge": wording.badge(campaign.compiled(promotion.id)),
        "status": promotion.status,
        "phase": phase(promotion, now),
        "version": promotion.version,
        "lane": promotion.lane,
        "starts_at": promotion.starts_at,
        "ends_at": promotion.ends_at,
        "group": promotion.group_name,
        "priority": promotion.priority,
        "tags": promotion.tags,
        "limits": counter,
        "gift_stock": gift_stock,
        "stock": own_stock,
        "created_by": promotion.created_by,
        "created_at": promotion.created_at,
        "updated_at": promotion.updated_at,
    }
