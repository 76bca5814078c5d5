"""What members and staff say and see of coupons."""

from enum import StrEnum

import marshmallow as ma

from app.core.fields import Id, Moment, Quantity, Query, Schema, Text, WholeNumber
from app.core.http import page_of
from app.coupons.models import PushStatus, SegmentKind
from promotions.coupons.queries import Drawer
from promotions.coupons.states import ClaimState, CouponStatus, Way
from promotions.states import CampaignStatus

CURSOR = 200
CODES_MAX = 100_000
"""Codes made at one time."""
NAMED_MAX = 10_000
"""Members named in one push."""
REVOKED_MAX = 1000
PER_MEMBER_MAX = 10


def _word(kind: type[StrEnum]) -> ma.fields.String:
    """A word of `kind` that the table keeps as text."""
    return ma.fields.String(
        required=True, validate=ma.validate.OneOf([each.value for each in kind])
    )


class PageQuery(Query):
    cursor = Text(maximum=CURSOR)
    limit = Quantity(maximum=100, load_default=20)


class DrawerQuery(PageQuery):
    drawer = ma.fields.Enum(Drawer, by_value=True, load_default=Drawer.USABLE)


class RedeemIn(Schema):
    code = Text(maximum=40, required=True)


class OfferOut(ma.Schema):
    """A template in the claim centre: valid in fixed dates, or so many days from the claim."""

    promotion_id = Id(required=True)
    kind = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    badge = ma.fields.String(required=True)
    claim_state = ma.fields.Enum(ClaimState, by_value=True, required=True)
    message = ma.fields.String(required=True, metadata={"description": "如 已抢光"})
    claim_starts_at = Moment(required=True)
    claim_ends_at = Moment(required=True, allow_none=True)
    valid_starts_at = Moment(required=True, allow_none=True)
    valid_ends_at = Moment(required=True, allow_none=True)
    valid_days = WholeNumber(minimum=1, required=True, allow_none=True)
    delay_days = WholeNumber(required=True)
    left = WholeNumber(required=True, allow_none=True)
    member_max = WholeNumber(minimum=1, required=True, allow_none=True)


OfferPage = page_of(OfferOut)


class CouponOut(ma.Schema):
    id = Id(required=True)
    promotion_id = Id(required=True)
    kind = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    badge = ma.fields.String(required=True, metadata={"description": "如 满100减10"})
    is_paused = ma.fields.Boolean(required=True)
    status = ma.fields.Enum(CouponStatus, by_value=True, required=True)
    starts_at = Moment(required=True)
    ends_at = Moment(required=True)
    issued_at = Moment(required=True)
    used_at = Moment(required=True, allow_none=True)


CouponPage = page_of(CouponOut)


class IssuedCouponOut(CouponOut):
    """A coupon as staff see it: whose it is, how they got it, and which order it is on."""

    member_id = Id(required=True)
    way = ma.fields.Enum(Way, by_value=True, required=True)
    source = ma.fields.String(required=True, allow_none=True)
    held_by = ma.fields.String(required=True, allow_none=True)


IssuedCouponPage = page_of(IssuedCouponOut)


class CouponQuery(PageQuery):
    promotion_id = Id()
    member_id = Id()
    status = ma.fields.Enum(CouponStatus, by_value=True)


class FiguresOut(ma.Schema):
    issued = WholeNumber(required=True)
    unused = WholeNumber(required=True)
    held = WholeNumber(required=True)
    used = WholeNumber(required=True)
    expired = WholeNumber(required=True)
    revoked = WholeNumber(required=True)


class TemplateOut(ma.Schema):
    """A campaign of a coupon kind, on what terms it is issued, and what became of its coupons."""

    promotion_id = Id(required=True)
    kind = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    badge = ma.fields.String(required=True)
    status = ma.fields.Enum(CampaignStatus, by_value=True, required=True)
    starts_at = Moment(required=True)
    ends_at = Moment(required=True, allow_none=True)
    valid_starts_at = Moment(required=True, allow_none=True)
    valid_ends_at = Moment(required=True, allow_none=True)
    valid_days = WholeNumber(minimum=1, required=True, allow_none=True)
    delay_days = WholeNumber(required=True)
    max_issued = WholeNumber(minimum=1, required=True, allow_none=True)
    member_max = WholeNumber(minimum=1, required=True, allow_none=True)
    member_day_max = WholeNumber(minimum=1, required=True, allow_none=True)
    is_claimable = ma.fields.Boolean(required=True)
    claim_ends_at = Moment(required=True, allow_none=True)
    extend_days = WholeNumber(required=True)
    figures = ma.fields.Nested(FiguresOut, required=True)


TemplatePage = page_of(TemplateOut)


class RevokeIn(Schema):
    coupon_ids = ma.fields.List(
        Id(), required=True, validate=ma.validate.Length(min=1, max=REVOKED_MAX)
    )


class RevokedOut(ma.Schema):
    """Which were taken back; the others are held, used, over, or were taken back before."""

    revoked_ids = ma.fields.List(Id(), required=True)


class CodeBatchIn(Schema):
    count = Quantity(maximum=CODES_MAX, required=True)


class CodeBatchOut(ma.Schema):
    id = Id(required=True)
    promotion_id = Id(required=True)
    codes = Quantity(maximum=CODES_MAX, required=True)
    redeemed = WholeNumber(required=True)
    created_by = Id(required=True)
    created_at = Moment(required=True)
    revoked_at = Moment(required=True, allow_none=True)


CodeBatchPage = page_of(CodeBatchOut)


class CodeOut(ma.Schema):
    code = ma.fields.String(required=True)
    member_id = Id(required=True, allow_none=True)
    redeemed_at = Moment(required=True, allow_none=True)


CodePage = page_of(CodeOut)


class PushIn(Schema):
    """`member_ids` are for the segment `members`, and only for it."""

    segment = ma.fields.Enum(SegmentKind, by_value=True, required=True)
    member_ids = ma.fields.List(
        Id(),
        load_default=None,
        allow_none=True,
        validate=ma.validate.Length(min=1, max=NAMED_MAX),
    )
    per_member = Quantity(maximum=PER_MEMBER_MAX, load_default=1)


class PushOut(ma.Schema):
    id = Id(required=True)
    promotion_id = Id(required=True)
    segment = _word(SegmentKind)
    per_member = WholeNumber(minimum=1, required=True)
    status = _word(PushStatus)
    stopped_by = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "staff, 或不能继续发放的原因"}
    )
    members = WholeNumber(required=True)
    given = WholeNumber(required=True)
    skipped = WholeNumber(required=True)
    revoked = WholeNumber(required=True)
    created_by = Id(required=True)
    created_at = Moment(required=True)
    finished_at = Moment(required=True, allow_none=True)


PushPage = page_of(PushOut)
