"""Lines of bills as values: kinds, numbers, directions, and forms nobody documented."""

import io

import pytest

from app.reconciliation import loading
from app.reconciliation.models import LineKind
from app.reconciliation.reading import flow_line, trade_line
from app.wechat.billing import BillKind
from app.wechat.bills import MalformedBill

APPID = "wx1"
OURS = "P" + "0" * 26
TRADE = {
    "交易时间": "2026-11-11 09:08:07", "公众账号ID": APPID, "微信订单号": "42001",
    "商户订单号": OURS, "交易状态": "SUCCESS", "应结订单金额": "9.00", "微信退款单号": "0",
    "商户退款单号": "0",
    "退款金额": "0.00", "退款状态": "", "订单金额": "10.00", "申请退款金额": "0.00",
}  # fmt: skip
REFUND = {
    **TRADE, "交易状态": "REFUND", "微信退款单号": "50001", "商户退款单号": "R" + "0" * 26,
    "退款金额": "1.50", "退款状态": "PROCESSING", "订单金额": "0.00", "申请退款金额": "2.00",
}  # fmt: skip
FLOW = {
    "记账时间": "2026-11-11 09:08:07", "微信支付业务单号": "42001", "业务名称": "交易",
    "业务类型": "交易", "收支类型": "收入", "收支金额(元)": "10.00", "业务凭证号": OURS,
}  # fmt: skip


def trade(row=TRADE, **changes):
    return trade_line({**row, **changes}, appid=APPID)


def flow(**changes):
    return flow_line({**FLOW, **changes})


def without(row, *names):
    return {name: value for name, value in row.items() if name not in names}


def test_a_payment_counts_what_was_ordered_not_what_is_settled():
    assert trade() == (
        LineKind.PAYMENT, OURS, "42001", 1_000, "SUCCESS", "2026-11-11T09:08:07+08:00"
    )  # fmt: skip


def test_a_refund_has_numbers_amount_and_state_of_its_own():
    assert trade(REFUND)[:5] == (LineKind.REFUND, "R" + "0" * 26, "50001", 200, "PROCESSING")


def test_older_merchants_lack_two_columns():
    assert trade_line(without(TRADE, "订单金额", "申请退款金额"), appid=APPID).amount_fen == 900
    assert trade_line(without(REFUND, "申请退款金额"), appid=APPID).amount_fen == 150


def test_what_another_shop_of_the_merchant_sold_is_none_of_ours():
    assert trade(公众账号ID="wx2", 商户订单号="20261111").kind == LineKind.OTHER
    assert trade(公众账号ID="wx2").kind == LineKind.PAYMENT
    assert trade(交易状态="REVOKED").kind == LineKind.OTHER


@pytest.mark.parametrize(
    ("changes", "kind", "fen"),
    [
        ({}, LineKind.PAYMENT, 1_000),
        ({"收支类型": "支出"}, LineKind.PAYMENT, -1_000),
        ({"业务类型": "退款", "收支类型": "支出"}, LineKind.REFUND, 1_000),
        ({"业务类型": "扣除交易手续费", "收支类型": "支出"}, LineKind.FEE, -1_000),
        ({"业务类型": "退还手续费"}, LineKind.FEE, 1_000),
        ({"业务类型": "转账", "收支类型": "支出"}, LineKind.PAYOUT, 1_000),
        ({"业务类型": "转账"}, LineKind.PAYOUT, -1_000),
        ({"业务类型": "付款", "业务凭证号": "W" + "0" * 26}, LineKind.PAYOUT, -1_000),
        ({"业务类型": "提现", "收支类型": "支出"}, LineKind.OTHER, -1_000),
        ({"业务类型": "充值"}, LineKind.OTHER, 1_000),
    ],
)
def test_the_fund_flow_is_told_apart_by_its_business(changes, kind, fen):
    line = flow(**changes)

    assert (line.kind, line.amount_fen) == (kind, fen)


def test_a_voucher_that_is_no_number_of_ours_names_nothing():
    line = flow(业务凭证号="REF4200000068201801293084726067")

    assert (line.out_no, line.wechat_no) == ("", "42001")


@pytest.mark.parametrize(
    "changes",
    [
        {"交易时间": "yesterday"},
        {"交易时间": "2026-11-11T09:08:07+08:00"},
        {"订单金额": "1.001"},
        {"商户订单号": "P" * 65},
        {"微信订单号": "4\x00"},
        {"交易状态": "SUCC\x07"},
    ],
)
def test_a_line_in_another_form_is_refused(changes):
    row = {**TRADE, **changes}
    if "交易状态" in changes:
        row["公众账号ID"] = APPID

    with pytest.raises(MalformedBill):
        trade_line(row, appid=APPID)


@pytest.mark.parametrize("changes", [{"收支类型": "都不是"}, {"收支金额(元)": "十元"}])
def test_a_flow_in_another_form_is_refused(changes):
    with pytest.raises(MalformedBill):
        flow(**changes)


@pytest.mark.parametrize("name", ["交易状态", "商户订单号", "交易时间", "公众账号ID"])
def test_a_bill_without_a_needed_column_is_refused(name):
    with pytest.raises(MalformedBill, match=name):
        trade_line(without(TRADE, name), appid=APPID)


def test_a_bill_that_is_not_utf8_is_refused():
    with pytest.raises(MalformedBill, match="UTF-8"):
        list(loading.read(io.BytesIO(b"\xff\xfe\n\xff\n"), bill=BillKind.TRADE, appid=APPID))
