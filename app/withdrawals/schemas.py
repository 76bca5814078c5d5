"""What withdrawals take and answer."""

from typing import Any

import marshmallow as ma

from app.core.fields import (
    Fen,
    Flag,
    Id,
    Moment,
    Pattern,
    PlainText,
    Quantity,
    Query,
    Schema,
    Text,
    WholeNumber,
)
from app.core.http import page_of
from app.withdrawals.models import PayoutStatus
from distribution.commissions.policy import ALL_BP
from distribution.withdrawals.rules import (
    MOST_A_DAY,
    MOST_FEN,
    NAME_REQUIRED_FEN,
    WithdrawalRules,
)
from distribution.withdrawals.states import Channel, Tax, WithdrawalState

PAGE_MAX = 100
DEFAULTS = WithdrawalRules()


class PageQuery(Query):
    cursor = Text(maximum=200)
    limit = Quantity(maximum=PAGE_MAX, load_default=20)


class QueueQuery(PageQuery):
    state = ma.fields.Enum(WithdrawalState, by_value=True)
    is_parked = Flag(load_default=False, metadata={"description": "微信暂拒、等待重试的"})


class MonthQuery(Query):
    month = Pattern("20[0-9]{2}-(0[1-9]|1[0-2])", required=True, error="月份如 2026-11")


class WithdrawalIn(Schema):
    """How much to withdraw, fee and tax included."""

    amount_fen = Fen(minimum=1, required=True)
    channel = ma.fields.Enum(Channel, by_value=True, load_default=Channel.WECHAT)


class PayeeIn(Schema):
    """Who receives the money. Consent is given in words: see `consent` of the terms."""

    real_name = PlainText(maximum=30, minimum=2, required=True)
    id_number = Pattern("[1-9][0-9]{16}[0-9X]", required=True, error="身份证号为 18 位")
    account = PlainText(
        maximum=100, load_default=None, allow_none=True,
        metadata={"description": "人工打款的收款账户，如开户行与卡号"},
    )  # fmt: skip
    has_consented = Flag(required=True)

    @ma.validates_schema
    def consents(self, data: dict[str, Any], **_: object) -> None:
        """Refuse to keep anything of somebody who does not agree to it."""
        if not data["has_consented"]:
            raise ma.ValidationError("须同意后才能保存", "has_consented")


class WithdrawalRefusal(Schema):
    reason = Text(maximum=200, required=True)


class HandReceipt(Schema):
    receipt_no = Pattern(
        "[0-9A-Za-z_-]{4,64}", required=True, error="凭证号为 4 到 64 位字母或数字"
    )


class WithdrawalRulesIn(Schema):
    """The whole set of rules: what is left out takes its default."""

    min_fen = Fen(minimum=1, maximum=MOST_FEN, load_default=DEFAULTS.min_fen)
    max_fen = Fen(minimum=1, maximum=MOST_FEN, load_default=DEFAULTS.max_fen)
    daily_count = WholeNumber(minimum=1, maximum=MOST_A_DAY, load_default=DEFAULTS.daily_count)
    daily_fen = Fen(minimum=1, load_default=DEFAULTS.daily_fen)
    fee_bp = WholeNumber(maximum=ALL_BP, load_default=DEFAULTS.fee_bp)
    fee_min_fen = Fen(maximum=MOST_FEN, load_default=DEFAULTS.fee_min_fen)
    tax = ma.fields.Enum(Tax, by_value=True, load_default=DEFAULTS.tax)
    review_over_fen = Fen(load_default=DEFAULTS.review_over_fen)
    second_review_over_fen = Fen(load_default=DEFAULTS.second_review_over_fen)
    name_from_fen = Fen(maximum=NAME_REQUIRED_FEN, load_default=DEFAULTS.name_from_fen)
    has_wechat = Flag(load_default=DEFAULTS.has_wechat)
    has_manual = Flag(load_default=DEFAULTS.has_manual)


class WithdrawalRulesOut(ma.Schema):
    version = WholeNumber(required=True, metadata={"description": "0 是未设置时的默认规则"})
    min_fen = Fen(required=True)
    max_fen = Fen(required=True)
    daily_count = WholeNumber(required=True)
    daily_fen = Fen(required=True)
    fee_bp = WholeNumber(required=True)
    fee_min_fen = Fen(required=True)
    tax = ma.fields.Enum(Tax, by_value=True, required=True)
    review_over_fen = Fen(required=True, metadata={"description": "超过该金额须一人审核"})
    second_review_over_fen = Fen(required=True, metadata={"description": "超过该金额须两人审核"})
    name_from_fen = Fen(required=True, metadata={"description": "达到该金额须实名"})
    has_wechat = ma.fields.Boolean(required=True)
    has_manual = ma.fields.Boolean(required=True)


class WithdrawalRulesForStaffOut(WithdrawalRulesOut):
    tax_notice = ma.fields.String(required=True)


class PayeeOut(ma.Schema):
    """The payee, masked."""

    real_name = ma.fields.String(required=True)
    id_number = ma.fields.String(required=True)
    account = ma.fields.String(required=True, allow_none=True)
    consent = ma.fields.String(required=True)
    consented_at = Moment(required=True)


class WithdrawalTermsOut(WithdrawalRulesOut):
    """What to know before withdrawing."""

    available_fen = Fen(required=True)
    payee = ma.fields.Nested(PayeeOut, required=True, allow_none=True)
    consent = ma.fields.String(required=True, metadata={"description": "保存收款人前须同意的文字"})


ConfirmationOut = ma.Schema.from_dict(
    {name: ma.fields.String(required=True) for name in ("mchId", "appId", "package")},
    name="RequestMerchantTransfer",
)
"""The arguments of `wx.requestMerchantTransfer`, to be passed on as they are."""


class WithdrawalOut(ma.Schema):
    """One withdrawal."""

    withdrawal_no = ma.fields.String(required=True)
    channel = ma.fields.Enum(Channel, by_value=True, required=True)
    channel_name = ma.fields.String(required=True)
    amount_fen = Fen(required=True, metadata={"description": "从余额扣除"})
    fee_fen = Fen(required=True)
    tax_fen = Fen(required=True)
    net_fen = Fen(required=True, metadata={"description": "实际到账"})
    state = ma.fields.Enum(WithdrawalState, by_value=True, required=True)
    title = ma.fields.String(required=True)
    is_cancelling = ma.fields.Boolean(required=True)
    reason = ma.fields.String(required=True, allow_none=True)
    receipt_no = ma.fields.String(required=True, allow_none=True)
    requested_at = Moment(required=True)
    ended_at = Moment(required=True, allow_none=True)


class OwnWithdrawalOut(WithdrawalOut):
    confirmation = ma.fields.Nested(
        ConfirmationOut,
        required=True,
        allow_none=True,
        metadata={"description": "可确认收款时，wx.requestMerchantTransfer 的参数"},
    )


class OwnWithdrawalsOut(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(WithdrawalOut), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)
    paid_fen = Fen(required=True, metadata={"description": "累计提现"})
    net_fen = Fen(required=True, metadata={"description": "累计到账"})
    open_count = WholeNumber(required=True, metadata={"description": "处理中的笔数"})


class StaffWithdrawalOut(WithdrawalOut):
    """One withdrawal as staff see it."""

    member_id = Id(required=True)
    nickname = ma.fields.String(required=True)
    phone = ma.fields.String(required=True, allow_none=True)
    receivable_fen = Fen(required=True, metadata={"description": "该用户待扣回"})
    reviews_needed = WholeNumber(required=True)
    first_by = ma.fields.String(required=True, allow_none=True)
    second_by = ma.fields.String(required=True, allow_none=True)
    ended_by = ma.fields.String(required=True, allow_none=True)
    payout_status = ma.fields.Enum(PayoutStatus, by_value=True, required=True)
    transfer_bill_no = ma.fields.String(required=True, allow_none=True)
    last_error = ma.fields.String(required=True, allow_none=True)
    next_poll_at = Moment(required=True, allow_none=True)


class StaffWithdrawalDetailOut(StaffWithdrawalOut):
    payee = ma.fields.Nested(PayeeOut, required=True, allow_none=True)


StaffWithdrawalPage = page_of(StaffWithdrawalOut)


class PayeeAccountOut(ma.Schema):
    """Whom and where to pay by hand."""

    real_name = ma.fields.String(required=True)
    account = ma.fields.String(required=True)
    net_fen = Fen(required=True)
