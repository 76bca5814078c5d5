"""What staff send and see of adjustments."""

import marshmallow as ma

from app.core.fields import Fen, Id, Moment, Schema, Text
from app.core.http import page_of
from app.distributors.schemas import PageQuery
from distribution.ledger.states import AdjustmentKind, AdjustmentState

_KINDS = "give：增加佣金，先抵待扣回；take：扣减佣金，不足部分记为待扣回；write_off：核销待扣回"


class CommissionAdjustmentIn(Schema):
    """One move of a distributor's money, and why; the distributor reads the reason too."""

    member_id = Id(required=True)
    kind = ma.fields.Enum(
        AdjustmentKind, by_value=True, required=True, metadata={"description": _KINDS}
    )
    amount_fen = Fen(minimum=1, required=True)
    reason = Text(maximum=200, required=True)


class AdjustmentRefusalIn(Schema):
    answer = Text(maximum=200, required=True)


class AdjustmentsQuery(PageQuery):
    state = ma.fields.Enum(AdjustmentState, by_value=True)
    member_id = Id()


class CommissionAdjustmentOut(ma.Schema):
    adjustment_no = ma.fields.String(required=True)
    member_id = Id(required=True)
    nickname = ma.fields.String(required=True)
    kind = ma.fields.Enum(AdjustmentKind, by_value=True, required=True)
    kind_name = ma.fields.String(required=True)
    amount_fen = Fen(required=True)
    reason = ma.fields.String(required=True)
    state = ma.fields.Enum(AdjustmentState, by_value=True, required=True)
    state_name = ma.fields.String(required=True)
    requested_by = ma.fields.String(required=True)
    requested_at = Moment(required=True)
    decided_by = ma.fields.String(required=True, allow_none=True)
    decided_at = Moment(required=True, allow_none=True)
    answer = ma.fields.String(required=True)


CommissionAdjustmentPage = page_of(CommissionAdjustmentOut)
