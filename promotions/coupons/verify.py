"""
The promises about coupons, recomputed over the live tables.
"""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Date, and_, case, cast, func, or_, select
from sqlalchemy.orm import Session

from promotions.coupons.models import (
    Coupon,
    CouponCode,
    CouponCodeBatch,
    CouponMemberCounter,
    CouponTemplate,
)
from promotions.coupons.states import LIMITED_BY_DAY, LIMITED_FOR_LIFE, CouponStatus
from promotions.models import LIFETIME
from promotions.verify import Breach


def verify(session: Session) -> Iterator[Breach]:
    """Yield every breach of the promises about coupons, their limits and their codes."""
    yield from _totals(session)
    yield from _per_member(session)
    yield from _orders(session)
    yield from _batches(session)
    yield from _codes(session)


def _totals(session: Session) -> Iterator[Breach]:
    """What a limited template counts is what was issued, and within its total."""
    counted, template = func.count(Coupon.id), CouponTemplate
    found = session.execute(
        select(template.promotion_id, template.issued, template.max_issued, counted)
        .join(Coupon, Coupon.promotion_id == template.promotion_id, isouter=True)
        .where(template.max_issued.is_not(None))
        .group_by(template.promotion_id)
        .having(or_(counted != template.issued, template.issued > template.max_issued))
        .order_by(template.promotion_id)
    )
    for promotion_id, issued, most, coupons in found:
        detail = f"counts {issued} of {most}, there are {coupons}"
        yield Breach("coupons.issued_is_count_of_coupons", f"promotion {promotion_id}", detail)


def _per_member(session: Session) -> Iterator[Breach]:
    """What a member's counter says is what the member was issued, and within the limit."""
    counter = CouponMemberCounter
    theirs = and_(
        Coupon.promotion_id == counter.promotion_id,
        Coupon.member_id == counter.member_id,
        case(
            (counter.day == LIFETIME, Coupon.way.in_(LIMITED_FOR_LIFE)),
            else_=and_(Coupon.way.in_(LIMITED_BY_DAY), _china_day() == counter.day),
        ),
    )
    counted = func.count(Coupon.id)
    found = session.execute(
        select(counter, counted)
        .join(Coupon, theirs, isouter=True)
        .group_by(counter.promotion_id, counter.member_id, counter.day)
        .having(or_(counted != counter.issued, counter.issued > counter.max_issued))
        .order_by(counter.promotion_id, counter.member_id, counter.day)
    )
    for row, coupons in found:
        subject = f"promotion {row.promotion_id} member {row.member_id} day {row.day}"
        detail = f"counts {row.issued} of {row.max_issued}, there are {coupons}"
        yield Breach("coupons.member_counter_is_count_of_coupons", subject, detail)


def _orders(session: Session) -> Iterator[Breach]:
    """A coupon is on an order exactly while it is held or used, and then on that one only."""
    is_on = Coupon.held_by.is_not(None)
    found = session.scalars(
        select(Coupon)
        .where(is_on != Coupon.status.in_((CouponStatus.HELD, CouponStatus.USED)))
        .order_by(Coupon.id)
    )
    for coupon in found:
        detail = f"{coupon.status}, on {coupon.held_by}"
        yield Breach("coupons.on_one_order_while_held", f"coupon {coupon.id}", detail)


def _batches(session: Session) -> Iterator[Breach]:
    """A batch has as many codes as were asked for."""
    counted = func.count(CouponCode.id)
    found = session.execute(
        select(CouponCodeBatch.id, CouponCodeBatch.codes, counted)
        .join(CouponCode, CouponCode.batch_id == CouponCodeBatch.id, isouter=True)
        .group_by(CouponCodeBatch.id)
        .having(counted != CouponCodeBatch.codes)
        .order_by(CouponCodeBatch.id)
    )
    for batch_id, wanted, codes in found:
        detail = f"{wanted} asked for, there are {codes}"
        yield Breach("coupons.batch_is_whole", f"batch {batch_id}", detail)


def _codes(session: Session) -> Iterator[Breach]:
    """A redeemed code became a coupon of its own template, and that coupon came from it."""
    found = session.execute(
        select(CouponCode.id, Coupon.id, Coupon.source)
        .join(CouponCodeBatch, CouponCodeBatch.id == CouponCode.batch_id)
        .join(Coupon, Coupon.id == CouponCode.coupon_id)
        .where(
            or_(
                Coupon.promotion_id != CouponCodeBatch.promotion_id,
                Coupon.source.is_distinct_from(func.concat("code:", CouponCode.id)),
            )
        )
        .order_by(CouponCode.id)
    )
    for code_id, coupon_id, source in found:
        detail = f"became coupon {coupon_id}, issued for {source}"
        yield Breach("coupons.code_became_its_coupon", f"code {code_id}", detail)


def _china_day() -> ColumnElement[object]:
    return cast(func.timezone("Asia/Shanghai", Coupon.issued_at), Date)
