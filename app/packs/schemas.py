"""What staff set up of packs, and what newcomers and staff are shown of them and of points."""

import marshmallow as ma

from app.core.fields import Fen, Id, Moment, Quantity, Query, Schema, Text, WholeNumber
from app.core.http import page_of
from promotions.coupons.states import CouponStatus
from promotions.life import TITLE
from promotions.packs.claims import Refusal
from promotions.packs.setup import Eligibility, PartKind
from promotions.states import Action, CampaignStatus, Phase

PARTS_MAX = 10
COUNT_MAX = 20
POINTS_MAX = 1_000_000
CLAIM_DAYS_MAX = 365
CLAIMS_MAX = 100_000_000


class PackPartIn(Schema):
    """`points` for a part of points; else the template, and how many coupons of it."""

    kind = ma.fields.Enum(PartKind, by_value=True, required=True)
    promotion_id = Id(load_default=None, allow_none=True)
    count = Quantity(maximum=COUNT_MAX, load_default=1)
    points = Quantity(maximum=POINTS_MAX, load_default=None, allow_none=True)


class PackIn(Schema):
    """The whole set-up of a pack. No `claim_days`: however long ago the member registered."""

    title = Text(maximum=TITLE, required=True)
    eligibility = ma.fields.Enum(Eligibility, by_value=True, required=True)
    parts = ma.fields.List(
        ma.fields.Nested(PackPartIn),
        required=True,
        validate=ma.validate.Length(min=1, max=PARTS_MAX),
    )
    starts_at = Moment(required=True)
    ends_at = Moment(load_default=None, allow_none=True)
    claim_days = Quantity(maximum=CLAIM_DAYS_MAX, load_default=None, allow_none=True)
    worth_fen = Fen(load_default=0)
    max_claims = Quantity(maximum=CLAIMS_MAX, load_default=None, allow_none=True)
    budget_fen = Fen(minimum=1, load_default=None, allow_none=True)


class PackQuery(Query):
    status = ma.fields.Enum(CampaignStatus, by_value=True)
    cursor = Text(maximum=200)
    limit = Quantity(maximum=100, load_default=20)


class PackPartOut(ma.Schema):
    kind = ma.fields.String(
        required=True, validate=ma.validate.OneOf([kind.value for kind in PartKind])
    )
    promotion_id = Id()
    count = Quantity(maximum=COUNT_MAX)
    points = Quantity(maximum=POINTS_MAX)


class PackLimitsOut(ma.Schema):
    max_claims = Quantity(maximum=CLAIMS_MAX, required=True, allow_none=True)
    claims = WholeNumber(required=True)
    budget_fen = Fen(required=True, allow_none=True)
    spent_fen = Fen(required=True)


class PackOut(ma.Schema):
    id = Id(required=True)
    title = ma.fields.String(required=True)
    status = ma.fields.Enum(CampaignStatus, by_value=True, required=True)
    phase = ma.fields.Enum(Phase, by_value=True, required=True)
    version = WholeNumber(required=True)
    eligibility = ma.fields.Enum(Eligibility, by_value=True, required=True)
    claim_days = Quantity(maximum=CLAIM_DAYS_MAX, required=True, allow_none=True)
    starts_at = Moment(required=True)
    ends_at = Moment(required=True, allow_none=True)
    parts = ma.fields.List(ma.fields.Nested(PackPartOut), required=True)
    worth_fen = Fen(required=True)
    limits = ma.fields.Nested(PackLimitsOut, required=True, allow_none=True)
    created_by = Id(required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)


PackPage = page_of(PackOut)


class PackVersionOut(ma.Schema):
    version = WholeNumber(required=True)
    action = ma.fields.Enum(Action, by_value=True, required=True)
    changed_by = Id(required=True)
    changed_at = Moment(required=True)
    document = ma.fields.Dict(required=True)


class PackHistoryOut(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(PackVersionOut), required=True)


class PackReportOut(ma.Schema):
    claims = WholeNumber(required=True)
    coupons = WholeNumber(required=True)
    coupons_used = WholeNumber(required=True)
    orders = WholeNumber(required=True)
    points = WholeNumber(required=True)
    worth_fen = WholeNumber(required=True, metadata={"description": "领取份数 × 每份价值"})
    max_claims = Quantity(maximum=CLAIMS_MAX, required=True, allow_none=True)
    budget_fen = Fen(required=True, allow_none=True)


class OfferedPartOut(PackPartOut):
    title = ma.fields.String(required=True)


class OfferedPackOut(ma.Schema):
    id = Id(required=True)
    title = ma.fields.String(required=True)
    worth_fen = Fen(required=True)
    eligibility = ma.fields.Enum(Eligibility, by_value=True, required=True)
    ends_at = Moment(required=True, allow_none=True)
    parts = ma.fields.List(ma.fields.Nested(OfferedPartOut), required=True)


class PackOfferOut(ma.Schema):
    """The pack I may claim; else one that runs, and why I cannot have it."""

    pack = ma.fields.Nested(OfferedPackOut, required=True, allow_none=True)
    can_claim = ma.fields.Boolean(required=True)
    reason = ma.fields.String(
        required=True,
        allow_none=True,
        validate=ma.validate.OneOf([refusal.value for refusal in Refusal]),
    )
    message = ma.fields.String(required=True, allow_none=True)
    claim_ends_at = Moment(required=True, allow_none=True)
    claimed_at = Moment(required=True, allow_none=True)


class PackClaimIn(Schema):
    pack_id = Id(required=True)


class ClaimedCouponOut(ma.Schema):
    id = Id(required=True)
    promotion_id = Id(required=True)
    status = ma.fields.Enum(CouponStatus, by_value=True, required=True)
    starts_at = Moment(required=True)
    ends_at = Moment(required=True)


class PackClaimOut(ma.Schema):
    pack = ma.fields.Nested(OfferedPackOut, required=True)
    claimed_at = Moment(required=True)
    coupons = ma.fields.List(ma.fields.Nested(ClaimedCouponOut), required=True)


class PackClaimListOut(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(PackClaimOut), required=True)


class PointsQuery(Query):
    cursor = Text(maximum=200)
    limit = Quantity(maximum=100, load_default=20)


class PointsRowOut(ma.Schema):
    id = Id(required=True)
    points = ma.fields.Integer(required=True, metadata={"description": "收回时为负数"})
    source = ma.fields.String(required=True)
    granted_at = Moment(required=True)


class PointsOut(ma.Schema):
    balance = ma.fields.Integer(required=True)
    items = ma.fields.List(ma.fields.Nested(PointsRowOut), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)
