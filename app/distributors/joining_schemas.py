"""Ways of becoming a distributor, and what staff do with applications."""

import marshmallow as ma

from app.core.fields import Fen, Flag, Id, Moment, Schema, Text, WholeNumber
from app.distributors.grades_schemas import StaffGradeChangeOut
from distribution.team.joining_rules import MOST_SPEND_FEN, MOST_SPU_IDS
from distribution.team.states import DistributorStatus, Joining


class Declaration(Schema):
    """What the member declares by asking."""

    is_adult = Flag(
        required=True,
        validate=ma.validate.OneOf([True], error="年满 18 周岁才能成为分销员"),
        metadata={"description": "本人已年满 18 周岁并同意分销协议"},
    )


class Reason(Schema):
    reason = Text(maximum=200, required=True)


class JoiningIn(Schema):
    """The whole of a way of joining; what it does not ask for is left out."""

    way = ma.fields.Enum(Joining, by_value=True, required=True)
    spend_fen = Fen(minimum=1, maximum=MOST_SPEND_FEN, load_default=None, allow_none=True)
    in_one_order = Flag(load_default=False)
    spu_ids = ma.fields.List(Id(), load_default=list, validate=ma.validate.Length(max=MOST_SPU_IDS))
    counts_at_payment = Flag(
        load_default=True, metadata={"description": "付款即计入；否则订单完成后计入"}
    )


class WayOut(ma.Schema):
    way = ma.fields.Enum(Joining, by_value=True, required=True)
    name = ma.fields.String(required=True)
    compliance_note = ma.fields.String(required=True)


class JoiningOut(ma.Schema):
    version = WholeNumber(required=True, metadata={"description": "0 是未设置时的默认规则"})
    way = ma.fields.Enum(Joining, by_value=True, required=True)
    spend_fen = Fen(required=True, allow_none=True)
    in_one_order = ma.fields.Boolean(required=True)
    spu_ids = ma.fields.List(Id(), required=True)
    counts_at_payment = ma.fields.Boolean(required=True)
    compliance_note = ma.fields.String(required=True)
    choices = ma.fields.List(
        ma.fields.Nested(WayOut), required=True, metadata={"description": "每种方式及其合规说明"}
    )


class NeedOut(ma.Schema):
    text = ma.fields.String(required=True)
    needed = WholeNumber(required=True, metadata={"description": "金额为分，其余为个数"})
    reached = WholeNumber(required=True)
    is_met = ma.fields.Boolean(required=True)


class ChosenOut(ma.Schema):
    spu_id = Id(required=True)
    title = ma.fields.String(required=True)


class JoiningPageOut(ma.Schema):
    """How one becomes a distributor here, and how far I am."""

    status = ma.fields.Enum(DistributorStatus, by_value=True, required=True, allow_none=True)
    status_reason = ma.fields.String(required=True, allow_none=True)
    may_apply = ma.fields.Boolean(required=True)
    way = ma.fields.Enum(Joining, by_value=True, required=True)
    text = ma.fields.String(required=True, metadata={"description": "怎样成为分销员"})
    declaration = ma.fields.String(required=True, metadata={"description": "须勾选的声明"})
    needs = ma.fields.List(ma.fields.Nested(NeedOut), required=True)
    products = ma.fields.List(ma.fields.Nested(ChosenOut), required=True)


class StatusChangeOut(ma.Schema):
    from_status = ma.fields.Enum(DistributorStatus, by_value=True, required=True, allow_none=True)
    status = ma.fields.Enum(DistributorStatus, by_value=True, required=True)
    reason = ma.fields.String(required=True, allow_none=True)
    actor = ma.fields.String(
        required=True, metadata={"description": "member、system 或 staff:编号"}
    )
    changed_at = Moment(required=True)


class HistoryOut(ma.Schema):
    statuses = ma.fields.List(ma.fields.Nested(StatusChangeOut), required=True)
    grades = ma.fields.List(ma.fields.Nested(StaffGradeChangeOut), required=True)
