"""
What staff do with coupons: look at templates and coupons, make and revoke codes, take coupons back.
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.coupons.service import CouponNotFound, badge, described, translated
from app.marketing.campaigns import PromotionStatusConflict
from promotions import campaigns, coupons
from promotions.coupons import codes as engine
from promotions.coupons import queries
from promotions.coupons import templates as engine_templates
from promotions.coupons.codes import CodeRow
from promotions.coupons.models import CouponCodeBatch
from promotions.coupons.queries import Figures
from promotions.coupons.states import CouponStatus
from promotions.coupons.templates import Template
from promotions.life import WrongStatus

TERMS = (
    "valid_starts_at",
    "valid_ends_at",
    "valid_days",
    "delay_days",
    "max_issued",
    "member_max",
    "member_day_max",
    "is_claimable",
    "claim_ends_at",
    "extend_days",
)


class CodeBatchNotFound(NotFound):
    code, title = "coupon_code_batch_not_found", "兑换码批次不存在"


def templates(session: Session, *, before_id: int | None, limit: int) -> list[dict[str, Any]]:
    """Return up to `limit` templates older than `before_id`, the latest first, with figures."""
    found = queries.template_page(session, before_id=before_id, limit=limit)
    figures = queries.figures(session, [each.promotion.id for each in found])
    return [_template(each, figures[each.promotion.id]) for each in found]


def template(session: Session, promotion_id: int) -> dict[str, Any]:
    """
    Return one template with its figures.

    :raises CouponTemplateNotFound: there is none.
    """
    found = require_template(session, promotion_id)
    return _template(found, queries.figures(session, [promotion_id])[promotion_id])


def change_claims(
    session: Session, *, promotion_id: int, is_claimable: bool, staff_id: int, now: datetime
) -> dict[str, Any]:
    """
    Stop or resume what members claim of a published template themselves.

    :raises CouponTemplateNotFound: there is none.
    :raises PromotionStatusConflict: it is a draft, or over.
    """
    with translated():
        try:
            campaigns.change_claims(
                session,
                promotion_id=promotion_id,
                is_claimable=is_claimable,
                staff_id=staff_id,
                now=now,
            )
        except WrongStatus as wrong:
            raise PromotionStatusConflict(promotion_status=wrong.status.value) from wrong
    return template(session, promotion_id)


def require_template(session: Session, promotion_id: int) -> Template:
    """
    Return a template.

    :raises CouponTemplateNotFound: there is none.
    """
    with translated():
        return engine_templates.get(session, promotion_id)


def coupons_page(
    session: Session,
    *,
    promotion_id: int | None,
    member_id: int | None,
    status: CouponStatus | None,
    before_id: int | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Return up to `limit` coupons older than `before_id`, the latest first."""
    found = queries.page(
        session,
        promotion_id=promotion_id,
        member_id=member_id,
        status=status,
        before_id=before_id,
        limit=limit,
    )
    return described(session, found)


def revoke(session: Session, *, coupon_ids: Collection[int], now: datetime) -> dict[str, Any]:
    """
    Take back those of these coupons that are unused, and say which.

    :raises CouponNotFound: one of them does not exist; nothing is taken back.
    """
    if queries.existing(session, coupon_ids) != set(coupon_ids):
        raise CouponNotFound
    return {"revoked_ids": coupons.revoke(session, coupon_ids=coupon_ids, now=now)}


def make_codes(
    session: Session, *, promotion_id: int, count: int, staff_id: int, now: datetime
) -> dict[str, Any]:
    """
    Make a batch of codes for a template.

    :raises CouponTemplateNotFound: there is none.
    :raises CouponRefused: it is not published, or over.
    """
    with translated():
        batch = coupons.make_codes(
            session, promotion_id=promotion_id, count=count, staff_id=staff_id, now=now
        )
    return _batch(batch, 0)


def batches(
    session: Session, *, promotion_id: int, before_id: int | None, limit: int
) -> list[dict[str, Any]]:
    """
    Return up to `limit` code batches of a template older than `before_id`, the latest first.

    :raises CouponTemplateNotFound: there is no such template.
    """
    require_template(session, promotion_id)
    found = engine.batches(session, promotion_id=promotion_id, before_id=before_id, limit=limit)
    return [_batch(batch, redeemed) for batch, redeemed in found]


def codes_page(
    session: Session, *, batch_id: int, after_id: int | None, limit: int
) -> list[dict[str, Any]]:
    """
    Return up to `limit` codes of a batch after `after_id`.

    :raises CodeBatchNotFound: there is no such batch.
    """
    _require_batch(session, batch_id)
    found = engine.page(session, batch_id=batch_id, after_id=after_id, limit=limit)
    return [row._asdict() for row in found]


def codes(session: Session, *, batch_id: int) -> Iterator[CodeRow]:
    """
    Return every code of a batch, read as they are needed.

    :raises CodeBatchNotFound: there is no such batch.
    """
    _require_batch(session, batch_id)
    return engine.each(session, batch_id=batch_id)


def revoke_codes(session: Session, *, batch_id: int, now: datetime) -> dict[str, Any]:
    """
    Make the codes of a batch worthless that nobody has redeemed.

    :raises CodeBatchNotFound: there is no such batch.
    """
    try:
        batch = coupons.revoke_batch(session, batch_id=batch_id, now=now)
    except coupons.NoSuchBatch as missing:
        raise CodeBatchNotFound from missing
    return _batch(batch, engine.redeemed(session, batch_id))


def _require_batch(session: Session, batch_id: int) -> None:
    try:
        engine.get_batch(session, batch_id)
    except coupons.NoSuchBatch as missing:
        raise CodeBatchNotFound from missing


def _template(found: Template, figures: Figures) -> dict[str, Any]:
    promotion, terms = found
    return {
        "promotion_id": promotion.id,
        "kind": promotion.kind,
        "title": promotion.title,
        "badge": badge(promotion),
        "status": promotion.status,
        "starts_at": promotion.starts_at,
        "ends_at": promotion.ends_at,
        **{name: getattr(terms, name) for name in TERMS},
        "figures": figures._asdict(),
    }


def _batch(batch: CouponCodeBatch, redeemed: int) -> dict[str, Any]:
    return {
        "id": batch.id,
        "promotion_id": batch.promotion_id,
        "codes": batch.codes,
        "redeemed": redeemed,
        "created_by": batch.created_by,
        "created_at": batch.created_at,
        "revoked_at": batch.revoked_at,
    }
