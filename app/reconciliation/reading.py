"""
The lines of WeChat's bills as values: which money, under which number, how much. Pure.

WeChat words its fund flow as it likes, so a line is recognised by what surely says it: the kind of
business, or a number of our own form. What is none of ours is kept as `other` and only summed.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from app.reconciliation.models import NUMBER_MAX, LineKind
from app.wechat.bills import MalformedBill, fen

Row = Mapping[str, str]

OURS = re.compile("[PRW][0-9A-Z]{26}")
PAYOUT = re.compile("W[0-9A-Z]{26}")
CHINA_OFFSET = "+08:00"
"""Bills are in China's time, which has known no other offset since 1991."""
STATE_MAX = 40
NONE = {"", "0"}
"""What a cell without a number holds."""


class Line(NamedTuple):
    """What is kept of one line; see `BillLine`. `moved_at` is RFC 3339."""

    kind: LineKind
    out_no: str
    wechat_no: str
    amount_fen: int
    state: str
    moved_at: str


def trade_line(row: Row, *, appid: str) -> Line:
    """
    Read a line of the trade bill; what another mini-program of the merchant sold is `other`.

    :raises MalformedBill: a column is missing or holds something else.
    """
    state = _cell(row, "交易状态")
    if state == "REFUND":
        out_no, wechat_no = _number(row, "商户退款单号"), _number(row, "微信退款单号")
        kind, state = LineKind.REFUND, _cell(row, "退款状态")
        amount_fen = fen(_cell(row, "申请退款金额", "退款金额"))
    else:
        out_no, wechat_no = _number(row, "商户订单号"), _number(row, "微信订单号")
        kind = LineKind.PAYMENT if state == "SUCCESS" else LineKind.OTHER
        # Not 应结订单金额, which leaves out what WeChat's own coupons paid.
        amount_fen = fen(_cell(row, "订单金额", "应结订单金额"))
    if _cell(row, "公众账号ID") != appid and not OURS.fullmatch(out_no):
        kind = LineKind.OTHER
    return Line(kind, out_no, wechat_no, amount_fen, _short(state), _moment(row, "交易时间"))


def flow_line(row: Row) -> Line:
    """
    Read a line of a fund-flow bill.

    :raises MalformedBill: a column is missing or holds something else.
    """
    voucher = _cell(row, "业务凭证号")
    business, name = _cell(row, "业务类型"), _cell(row, "业务名称")
    kind = _business(business, name, voucher)
    amount_fen = fen(_cell(row, "收支金额(元)", "收支金额（元）"))
    direction = _cell(row, "收支类型")
    if direction not in ("收入", "支出"):
        raise MalformedBill(f"neither income nor expense: {direction!r}")
    goes_out = kind in (LineKind.REFUND, LineKind.PAYOUT)
    return Line(
        kind,
        voucher if OURS.fullmatch(voucher) else "",
        _number(row, "微信支付业务单号"),
        amount_fen if (direction == "支出") == goes_out else -amount_fen,
        _short(business),
        _moment(row, "记账时间"),
    )


def _business(business: str, name: str, voucher: str) -> LineKind:
    words = business + name
    if "手续费" in words:
        return LineKind.FEE
    if business == "交易":
        return LineKind.PAYMENT
    if business == "退款":
        return LineKind.REFUND
    is_payout = "转账" in words or PAYOUT.fullmatch(voucher)
    return LineKind.PAYOUT if is_payout else LineKind.OTHER


def _cell(row: Row, *names: str) -> str:
    """The cell under the first of these columns that the bill has."""
    for name in names:
        if name in row:
            return row[name]
    raise MalformedBill(f"no column {names[0]}")


def _number(row: Row, name: str) -> str:
    text = _cell(row, name)
    if text in NONE:
        return ""
    if len(text) > NUMBER_MAX or not text.isprintable():
        raise MalformedBill(f"not a number: {text!r:.80}")
    return text


def _short(text: str) -> str:
    if not text.isprintable():
        raise MalformedBill(f"not a word: {text!r:.80}")
    return text[:STATE_MAX]


def _moment(row: Row, name: str) -> str:
    text = _cell(row, name)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise MalformedBill(f"not a moment: {text!r:.80}") from error
    if moment.tzinfo is not None:
        raise MalformedBill(f"a moment of its own zone: {text!r:.80}")
    return f"{moment.isoformat()}{CHINA_OFFSET}"
