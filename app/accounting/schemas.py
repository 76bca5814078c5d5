"""What staff ask of the books and what they read."""

import marshmallow as ma

from app.core.fields import Day, Fen, Id, Moment, Quantity, Query, Text, WholeNumber
from app.core.http import page_of
from distribution.ledger.states import AccountKind
from distribution.reports.liabilities import Age

PAGE_MAX = 100
DAYS_MAX = 92

FIRST = {"description": "北京时间，含当天；默认为结束日期之前 30 天"}
LAST = {"description": "北京时间，含当天；默认为今天"}


class DaysQuery(Query):
    first_day = Day(metadata=FIRST)
    last_day = Day(metadata=LAST)


class CommissionsQuery(DaysQuery):
    member_id = Id(metadata={"description": "只看这位分销员"})
    spu_id = Id(metadata={"description": "只看这件商品"})


class CommissionsPageQuery(CommissionsQuery):
    cursor = Text(maximum=200)
    limit = Quantity(maximum=PAGE_MAX, load_default=20)


class TrialQuery(Query):
    cursor = Text(maximum=200)
    limit = Quantity(maximum=DAYS_MAX, load_default=31)


class SumsOut(ma.Schema):
    commissions = WholeNumber(required=True, metadata={"description": "佣金笔数，含无佣金的"})
    lines = WholeNumber(required=True, metadata={"description": "订单行数"})
    level1_fen = Fen(required=True)
    level2_fen = Fen(required=True)
    earned_fen = Fen(required=True, metadata={"description": "两级合计，付款时计提"})
    clawed_fen = Fen(required=True, metadata={"description": "退款已扣回"})
    frozen_fen = Fen(required=True, metadata={"description": "待结算"})
    matured_fen = Fen(required=True, metadata={"description": "已结算，含已提现的"})


class OrderSumsOut(SumsOut):
    order_no = ma.fields.String(required=True)
    buyer_id = Id(required=True)
    buyer = ma.fields.String(required=True)
    accrued_at = Moment(required=True)


class ProductSumsOut(SumsOut):
    spu_id = Id(required=True)
    title = ma.fields.String(required=True)
    orders = WholeNumber(required=True)


class DistributorSumsOut(SumsOut):
    member_id = Id(required=True)
    nickname = ma.fields.String(required=True)
    orders = WholeNumber(required=True)


OrderSumsPage = page_of(OrderSumsOut)
ProductSumsPage = page_of(ProductSumsOut)
DistributorSumsPage = page_of(DistributorSumsOut)


class HeldOut(ma.Schema):
    account = ma.fields.Enum(AccountKind, by_value=True, required=True)
    account_name = ma.fields.String(required=True)
    fen = Fen(required=True)
    people = WholeNumber(required=True, metadata={"description": "余额大于零的人数"})


class AgeOut(ma.Schema):
    age = ma.fields.Enum(Age, by_value=True, required=True)
    age_name = ma.fields.String(required=True)
    fen = Fen(required=True)
    commissions = WholeNumber(required=True)


class DueOut(ma.Schema):
    day = ma.fields.Date(required=True)
    fen = Fen(required=True)
    commissions = WholeNumber(required=True)


class LiabilitiesOut(ma.Schema):
    at = Moment(required=True)
    owed_fen = Fen(
        required=True, metadata={"description": "待结算 + 可提现 + 提现中；不抵扣待扣回"}
    )
    accounts = ma.fields.List(ma.fields.Nested(HeldOut), required=True)
    frozen = ma.fields.List(ma.fields.Nested(AgeOut), required=True)
    days = ma.fields.List(ma.fields.Nested(DueOut), required=True)


class BalanceOut(ma.Schema):
    account = ma.fields.Enum(AccountKind, by_value=True, required=True)
    account_name = ma.fields.String(required=True)
    debited_fen = WholeNumber(required=True, metadata={"description": "累计借方"})
    credited_fen = WholeNumber(required=True, metadata={"description": "累计贷方"})
    balance_fen = ma.fields.Integer(required=True)
    day_debited_fen = WholeNumber(required=True, metadata={"description": "当日借方"})
    day_credited_fen = WholeNumber(required=True, metadata={"description": "当日贷方"})


class TrialDayOut(ma.Schema):
    day = ma.fields.Date(required=True)
    postings = WholeNumber(required=True)
    late_postings = WholeNumber(
        required=True, metadata={"description": "属于更早的日子、结账后才到的记账"}
    )
    entries = WholeNumber(required=True)
    amount_fen = WholeNumber(
        required=True, metadata={"description": "当日分录合计：借方合计与贷方合计都等于它"}
    )
    last_posting_id = WholeNumber(required=True)
    closed_at = Moment(required=True)
    balances = ma.fields.List(ma.fields.Nested(BalanceOut), required=True)


TrialDayPage = page_of(TrialDayOut)
