"""
A bill as a file: a byte order mark, CRLF, a backtick before every value, yuan in decimals.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

from sandbox.clock import CHINA
from sandbox.statement_lines import FEE_BP, Line
from sandbox.world import Merchant

TRADE_COLUMNS = (
    "交易时间", "公众账号ID", "商户号", "特约商户号", "设备号", "微信订单号", "商户订单号",
    "用户标识", "交易类型", "交易状态", "付款银行", "货币种类", "应结订单金额", "代金券金额",
    "微信退款单号", "商户退款单号", "退款金额", "充值券退款金额", "退款类型", "退款状态",
    "商品名称", "商户数据包", "手续费", "费率", "订单金额", "申请退款金额", "费率备注",
)  # fmt: skip
REFUND_COLUMNS = (
    "微信退款单号", "商户退款单号", "退款金额", "充值券退款金额", "退款类型", "退款状态",
    "申请退款金额",
)  # fmt: skip
"""What a bill of type SUCCESS leaves out."""
REFUND_TIMES = ("退款申请时间", "退款成功时间")
"""What a bill of type REFUND adds."""
TRADE_SUMMARY = (
    "总交易单数", "应结订单总金额", "退款总金额", "充值券退款总金额", "手续费总金额", "订单总金额",
    "申请退款总金额",
)  # fmt: skip
FLOW_COLUMNS = (
    "记账时间", "微信支付业务单号", "资金流水单号", "业务名称", "业务类型", "收支类型",
    "收支金额(元)", "账户结余(元)", "资金变更提交申请人", "备注", "业务凭证号",
)  # fmt: skip
FLOW_SUMMARY = ("资金流水总笔数", "收入笔数", "收入金额", "支出笔数", "支出金额")
FLOW_NAMES = {
    "trade": ("交易", "交易"),
    "refund": ("退款", "退款"),
    "transfer": ("商家转账", "转账"),
    "fee": ("扣除交易手续费", "扣除交易手续费"),
}
FIRST_BALANCE_FEN = 100_000_000

Cells = dict[str, str]


def trade_file(merchant: Merchant, lines: Iterable[Line], kind: str) -> str:
    """The trade bill of one day, of type ALL, SUCCESS or REFUND."""
    wanted = {"SUCCESS": ("trade",), "REFUND": ("refund",)}.get(kind, ("trade", "refund"))
    chosen = [line for line in lines if line.kind in wanted]
    columns = [name for name in TRADE_COLUMNS if not (kind == "SUCCESS" and name in REFUND_COLUMNS)]
    if kind == "REFUND":
        columns[1:1] = REFUND_TIMES
    return _file(columns, [_trade_cells(merchant, line) for line in chosen], _trade_sums(chosen))


def flow_file(merchant: Merchant, lines: Sequence[Line], before: Iterable[Line]) -> str:
    """The fund-flow bill of one day and account; `before` is what moved on the days before."""
    balance = FIRST_BALANCE_FEN + sum(line.fen for line in before)
    rows = []
    for line in lines:
        balance += line.fen
        rows.append(_flow_cells(merchant, line, balance))
    return _file(FLOW_COLUMNS, rows, _flow_sums(lines))


def yuan(fen: int, places: int = 2) -> str:
    """`-1234` → `-12.34`; a fee has five places."""
    whole, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole}.{rest:02d}{'0' * (places - 2)}"


def _trade_cells(merchant: Merchant, line: Line) -> Cells:
    is_refund = line.kind == "refund"
    cells = dict.fromkeys(TRADE_COLUMNS, "")
    zero = yuan(0)
    cells |= {
        "交易时间": _time(line.at),
        "公众账号ID": merchant.appid,
        "商户号": merchant.mchid,
        "特约商户号": "0",
        "微信订单号": line.transaction_id,
        "商户订单号": line.trade_number,
        "用户标识": line.openid,
        "交易类型": "JSAPI",
        "交易状态": "REFUND" if is_refund else line.state,
        "付款银行": "OTHERS",
        "货币种类": "CNY",
        "应结订单金额": zero if is_refund else yuan(line.fen),
        "代金券金额": zero,
        "微信退款单号": line.wechat_number if is_refund else "0",
        "商户退款单号": line.number if is_refund else "0",
        "退款金额": yuan(line.fen) if is_refund else zero,
        "充值券退款金额": zero,
        "退款类型": "ORIGINAL" if is_refund else "",
        "退款状态": line.state if is_refund else "",
        "商品名称": _plain(line.title),
        "手续费": yuan(line.fee_fen, 5),
        "费率": f"{FEE_BP / 100:.2f}%",
        "订单金额": zero if is_refund else yuan(line.fen),
        "申请退款金额": yuan(line.fen) if is_refund else zero,
        "退款申请时间": _time(line.at),
        "退款成功时间": _time(line.succeeded_at) if line.succeeded_at else "",
    }
    return cells


def _trade_sums(lines: Sequence[Line]) -> Cells:
    paid = sum(line.fen for line in lines if line.kind == "trade")
    back = sum(line.fen for line in lines if line.kind == "refund")
    values = (
        f"{len(lines)}.0", yuan(paid), yuan(back), yuan(0),
        yuan(sum(line.fee_fen for line in lines), 5), yuan(paid), yuan(back),
    )  # fmt: skip
    return dict(zip(TRADE_SUMMARY, values, strict=True))


def _flow_cells(merchant: Merchant, line: Line, balance_fen: int) -> Cells:
    name, kind = FLOW_NAMES[line.kind]
    digest = hashlib.sha256(f"{line.kind}:{line.number}".encode()).hexdigest()
    values = (
        _time(line.at), line.wechat_number, f"{merchant.mchid}{int(digest[:16], 16):020d}", name,
        kind, "收入" if line.fen > 0 else "支出", yuan(abs(line.fen)), yuan(balance_fen), "system",
        _plain(line.title), line.number,
    )  # fmt: skip
    return dict(zip(FLOW_COLUMNS, values, strict=True))


def _flow_sums(lines: Sequence[Line]) -> Cells:
    came = [line.fen for line in lines if line.fen > 0]
    went = [-line.fen for line in lines if line.fen <= 0]
    values = (
        f"{len(lines)}.0", f"{len(came)}.0", yuan(sum(came)), f"{len(went)}.0", yuan(sum(went))
    )  # fmt: skip
    return dict(zip(FLOW_SUMMARY, values, strict=True))


def _file(columns: Sequence[str], rows: Iterable[Cells], summary: Cells) -> str:
    def values(cells: Cells, names: Iterable[str]) -> str:
        return ",".join(f"`{cells[name]}" for name in names)

    lines = [",".join(columns), *(values(row, columns) for row in rows)]
    lines += [",".join(summary), values(summary, summary)]
    return "\ufeff" + "".join(f"{line}\r\n" for line in lines)


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"


def _plain(text: str) -> str:
    """Commas and line breaks never stand inside a value."""
    return text.translate(str.maketrans(",\r\n`", "，   "))
