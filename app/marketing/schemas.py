"""What staff set up, and what shoppers and staff are shown of promotions."""

from typing import Any

import marshmallow as ma

from app.core.fields import Fen, Flag, Id, Moment, Quantity, Query, Schema, Text, WholeNumber
from app.core.http import page_of
from app.marketing.setups import (
    SLOTS_MAX,
    TAGS_MAX,
    AudienceIn,
    AudienceOut,
    DealStockOut,
    GiftStockOut,
    IssueIn,
    LimitsMixin,
    LimitsOut,
    SlotIn,
    SlotOut,
)
from app.marketing.terms import terms_field
from promotions import models, pricing
from promotions.life import TITLE
from promotions.states import Action, CampaignStatus, Phase

TARGETS_MAX = 2000
PRIORITY_MAX = 10_000


def _tags() -> ma.fields.List[Any]:
    return ma.fields.List(
        Text(maximum=models.NAME), load_default=list, validate=ma.validate.Length(max=TAGS_MAX)
    )


def _ids() -> ma.fields.List[Any]:
    return ma.fields.List(Id(), load_default=list, validate=ma.validate.Length(max=TARGETS_MAX))


class TargetsIn(Schema):
    category_ids = _ids()
    spu_ids = _ids()
    sku_ids = _ids()
    tags = _tags()


class CampaignIn(LimitsMixin):
    """The whole set-up of a campaign. No `includes`: all goods; no `ends_at`: for good."""

    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(list(pricing.KINDS)))
    title = Text(maximum=TITLE, required=True)
    terms = terms_field()
    starts_at = Moment(required=True)
    ends_at = Moment(load_default=None, allow_none=True)
    includes = ma.fields.Nested(TargetsIn, load_default=None, allow_none=True)
    excludes = ma.fields.Nested(TargetsIn, load_default=dict)
    group = Text(maximum=models.NAME, load_default=None, allow_none=True)
    group_mode = ma.fields.String(
        load_default=pricing.GroupMode.BEST.value,
        validate=ma.validate.OneOf([mode.value for mode in pricing.GroupMode]),
    )
    priority = WholeNumber(minimum=-PRIORITY_MAX, maximum=PRIORITY_MAX, load_default=0)
    tags = _tags()
    agrees_with = _tags()
    stop_after = Flag(load_default=False)
    base = ma.fields.String(
        load_default=pricing.Base.RUNNING.value,
        validate=ma.validate.OneOf([base.value for base in pricing.Base]),
    )
    max_discount_fen = Fen(minimum=1, load_default=None, allow_none=True)
    audience = ma.fields.Nested(AudienceIn, load_default=None, allow_none=True)
    slots = ma.fields.List(
        ma.fields.Nested(SlotIn), load_default=list, validate=ma.validate.Length(max=SLOTS_MAX)
    )
    issue = ma.fields.Nested(IssueIn, load_default=None, allow_none=True)
    pays_commission = Flag(
        load_default=True, metadata={"description": "为 false 时，参加该活动的商品行不计佣金"}
    )


class CampaignQuery(Query):
    status = ma.fields.Enum(CampaignStatus, by_value=True)
    cursor = Text(maximum=200)
    limit = Quantity(maximum=100, load_default=20)


class TargetsOut(ma.Schema):
    category_ids = ma.fields.List(Id())
    spu_ids = ma.fields.List(Id())
    sku_ids = ma.fields.List(Id())
    tags = ma.fields.List(ma.fields.String())


class CampaignOut(ma.Schema):
    id = Id(required=True)
    kind = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    badge = ma.fields.String(required=True)
    status = ma.fields.Enum(CampaignStatus, by_value=True, required=True)
    phase = ma.fields.Enum(Phase, by_value=True, required=True)
    version = WholeNumber(required=True)
    lane = ma.fields.Enum(pricing.Lane, by_value=True, required=True)
    terms = ma.fields.Dict(required=True)
    starts_at = Moment(required=True)
    ends_at = Moment(required=True, allow_none=True)
    includes = ma.fields.Nested(TargetsOut, required=True, allow_none=True)
    excludes = ma.fields.Nested(TargetsOut, required=True)
    group = ma.fields.String(required=True, allow_none=True)
    group_mode = ma.fields.String(required=True)
    priority = ma.fields.Integer(required=True)
    tags = ma.fields.List(ma.fields.String(), required=True)
    agrees_with = ma.fields.List(ma.fields.String(), required=True)
    stop_after = ma.fields.Boolean(required=True)
    base = ma.fields.String(required=True)
    max_discount_fen = Fen(required=True, allow_none=True)
    audience = ma.fields.Nested(AudienceOut, required=True, allow_none=True)
    slots = ma.fields.List(ma.fields.Nested(SlotOut), required=True)
    issue = ma.fields.Dict(required=True, allow_none=True)
    pays_commission = ma.fields.Boolean(required=True)
    gift_stock = ma.fields.List(ma.fields.Nested(GiftStockOut), required=True)
    stock = ma.fields.List(ma.fields.Nested(DealStockOut), required=True)
    limits = ma.fields.Nested(LimitsOut, required=True, allow_none=True)
    created_by = Id(required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)


CampaignPage = page_of(CampaignOut)


class CampaignVersionOut(ma.Schema):
    version = WholeNumber(required=True)
    action = ma.fields.Enum(Action, by_value=True, required=True)
    changed_by = Id(required=True)
    changed_at = Moment(required=True)
    document = ma.fields.Dict(required=True)


class CampaignHistoryOut(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(CampaignVersionOut), required=True)
