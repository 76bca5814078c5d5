"""What distributors and staff send and see."""

import marshmallow as ma

from app.core.fields import (
    Fen,
    Flag,
    Id,
    Moment,
    Pattern,
    Quantity,
    Query,
    Schema,
    Text,
    WholeNumber,
)
from app.core.http import page_of
from distribution.commissions.policy import ALL_BP
from distribution.commissions.rules import MOST_MATURE_DAYS
from distribution.commissions.states import BaseKind, CommissionState, RuleName, Unearned
from distribution.team.states import DistributorStatus

PAGE_MAX = 100


class PageQuery(Query):
    cursor = Text(maximum=200)
    limit = Quantity(maximum=PAGE_MAX, load_default=20)


class ShareQuery(Query):
    spu_id = Id()


class DistributorsQuery(PageQuery):
    status = ma.fields.Enum(DistributorStatus, by_value=True)


class RulesIn(Schema):
    """The whole set of rules: what is left out takes its default."""

    levels = WholeNumber(
        minimum=1, maximum=2, required=True, metadata={"description": "1 或 2，没有第三级"}
    )
    level1_bp = WholeNumber(maximum=ALL_BP, required=True)
    level2_bp = WholeNumber(maximum=ALL_BP, load_default=0)
    cap_bp = WholeNumber(maximum=ALL_BP, load_default=5000)
    mature_days = WholeNumber(maximum=MOST_MATURE_DAYS, load_default=7)
    base_kind = ma.fields.Enum(
        BaseKind,
        by_value=True,
        load_default=BaseKind.PAID,
        metadata={"description": "按实付（paid）还是按利润（profit）计佣"},
    )
    pays_self_purchase = Flag(
        load_default=False, metadata={"description": "分销员自购是否计佣：买家算一级"}
    )


class OrderQuery(Query):
    order_no = Pattern("O[0-9A-Z]{26}", required=True, error="订单号不正确")


class SummaryOut(ma.Schema):
    frozen_fen = Fen(required=True, metadata={"description": "待结算"})
    available_fen = Fen(required=True, metadata={"description": "可提现"})
    withdrawing_fen = Fen(required=True, metadata={"description": "提现中"})
    receivable_fen = Fen(required=True, metadata={"description": "待扣回：以后的佣金先抵扣"})
    earned_fen = Fen(required=True, metadata={"description": "累计佣金"})
    clawed_fen = Fen(required=True, metadata={"description": "累计退款扣回"})
    withdrawn_fen = Fen(required=True, metadata={"description": "累计提现（含手续费与代扣税款）"})
    adjusted_fen = ma.fields.Integer(
        required=True, metadata={"description": "累计人工调整：增加为正，扣减为负"}
    )


class TeamCountsOut(ma.Schema):
    level1_count = WholeNumber(required=True)
    level2_count = WholeNumber(required=True)


class StandingOut(ma.Schema):
    status = ma.fields.Enum(DistributorStatus, by_value=True, required=True)
    status_reason = ma.fields.String(required=True, allow_none=True)
    invite_code = ma.fields.String(required=True)
    applied_at = Moment(required=True)
    approved_at = Moment(required=True, allow_none=True)
    declared_at = Moment(
        required=True, allow_none=True, metadata={"description": "声明年满 18 周岁的时间"}
    )
    grade_id = Id(required=True, allow_none=True)


class ProfileOut(StandingOut, SummaryOut, TeamCountsOut):
    """A distributor's own page."""


class DistributorOut(StandingOut, SummaryOut):
    """A distributor as staff see it."""

    member_id = Id(required=True)
    nickname = ma.fields.String(required=True)
    phone = ma.fields.String(required=True, allow_none=True)


class CommissionOut(ma.Schema):
    commission_id = Id(required=True)
    order_no = ma.fields.String(required=True)
    line_source = ma.fields.String(required=True)
    level = WholeNumber(required=True)
    sku_id = Id(required=True)
    title = ma.fields.String(required=True)
    spec_text = ma.fields.String(required=True)
    image_url = ma.fields.String(required=True)
    buyer = ma.fields.String(required=True, metadata={"description": "脱敏昵称"})
    quantity = WholeNumber(required=True)
    paid_fen = Fen(required=True, metadata={"description": "该行实付，不含运费与积分抵扣"})
    base_kind = ma.fields.Enum(BaseKind, by_value=True, required=True)
    base_fen = Fen(required=True, metadata={"description": "计佣基数：实付或利润"})
    rule = ma.fields.Enum(RuleName, by_value=True, required=True)
    rule_name = ma.fields.String(required=True, metadata={"description": "适用的规则"})
    rate_bp = WholeNumber(required=True, allow_none=True)
    piece_fen = Fen(required=True, allow_none=True, metadata={"description": "每件固定金额"})
    reason = ma.fields.Enum(Unearned, by_value=True, required=True, allow_none=True)
    is_self_purchase = ma.fields.Boolean(required=True, metadata={"description": "本人下单"})
    amount_fen = Fen(required=True)
    clawed_fen = Fen(required=True)
    state = ma.fields.Enum(CommissionState, by_value=True, required=True)
    state_name = ma.fields.String(required=True)
    why = ma.fields.String(required=True, metadata={"description": "为什么是这个数"})
    accrued_at = Moment(required=True)
    mature_at = Moment(required=True, allow_none=True)


class ExplainedCommissionOut(CommissionOut):
    """A commission of one's own, step by step."""

    steps = ma.fields.List(
        ma.fields.String(), required=True, metadata={"description": "逐步说明这笔佣金怎么来的"}
    )


class ExplainedOut(ExplainedCommissionOut):
    beneficiary_id = Id(required=True)
    beneficiary = ma.fields.String(required=True)
    grade_id = Id(required=True, allow_none=True, metadata={"description": "付款时的分销等级"})
    grade_name = ma.fields.String(required=True, allow_none=True)
    bound_at = Moment(required=True, allow_none=True)
    origin = ma.fields.String(required=True, allow_none=True)


class OrderCommissionsOut(ma.Schema):
    order_no = ma.fields.String(required=True)
    items = ma.fields.List(ma.fields.Nested(ExplainedOut), required=True)


DistributorPage = page_of(DistributorOut)


class ShareCardOut(ma.Schema):
    invite_code = ma.fields.String(required=True)
    scene = ma.fields.String(required=True, metadata={"description": "小程序码的 scene，≤ 32 字符"})
    page = ma.fields.String(required=True, metadata={"description": "小程序码的 page"})
    path = ma.fields.String(required=True, metadata={"description": "转发卡片的 path"})


class RulesOut(ma.Schema):
    version = WholeNumber(required=True, metadata={"description": "0 是未设置时的默认规则"})
    levels = WholeNumber(required=True)
    level1_bp = WholeNumber(required=True)
    level2_bp = WholeNumber(required=True)
    cap_bp = WholeNumber(required=True)
    mature_days = WholeNumber(required=True)
    base_kind = ma.fields.Enum(BaseKind, by_value=True, required=True)
    pays_self_purchase = ma.fields.Boolean(required=True)
    compliance_note = ma.fields.String(required=True)
