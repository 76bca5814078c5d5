"""The tree of bindings as staff read it."""

import marshmallow as ma

from app.core.fields import Id, Moment, Quantity, Query, Text, WholeNumber
from distribution.team.states import DistributorStatus


class TreeQuery(Query):
    cursor = Text(maximum=200)
    limit = Quantity(maximum=100, load_default=20)


class BoundToOut(ma.Schema):
    member_id = Id(required=True)
    nickname = ma.fields.String(required=True)
    bound_at = Moment(required=True)
    protection_ends_at = Moment(
        required=True, allow_none=True, metadata={"description": "空为永久"}
    )
    is_live = ma.fields.Boolean(required=True, metadata={"description": "此刻付款是否计佣给上级"})


class AboveOut(BoundToOut):
    distance = WholeNumber(
        minimum=1, required=True, metadata={"description": "1 是推荐人；只有 1、2 可能有佣金"}
    )
    status = ma.fields.Enum(DistributorStatus, by_value=True, required=True)


class BelowOut(BoundToOut):
    status = ma.fields.Enum(DistributorStatus, by_value=True, required=True, allow_none=True)
    origin = ma.fields.String(required=True)
    brought = WholeNumber(required=True, metadata={"description": "其直接绑定的人数，不计酬"})


class TreeOut(ma.Schema):
    member_id = Id(required=True)
    nickname = ma.fields.String(required=True)
    above = ma.fields.List(ma.fields.Nested(AboveOut), required=True)
    items = ma.fields.List(ma.fields.Nested(BelowOut), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)
