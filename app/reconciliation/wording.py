"""What staff read of reconciliation, in Chinese."""

from app.reconciliation.models import (
    BillStatus,
    Book,
    BreakStatus,
    LineKind,
    Resolution,
    Resolver,
    Verdict,
)
from app.wechat.billing import BillKind

BILLS = {
    BillKind.TRADE: "交易账单",
    BillKind.BASIC: "资金账单（基本账户）",
    BillKind.OPERATION: "资金账单（运营账户）",
}
BILL_STATES = {
    BillStatus.WANTED: "待下载",
    BillStatus.NONE: "当日无账单",
    BillStatus.LOADED: "已下载",
}
BOOKS = {Book.TRADE: "交易账单", Book.FUNDS: "资金账单"}
KINDS = {
    LineKind.PAYMENT: "收款",
    LineKind.REFUND: "退款",
    LineKind.PAYOUT: "佣金打款",
    LineKind.FEE: "手续费",
    LineKind.OTHER: "其他",
}
VERDICTS = {
    Verdict.MISSING_HERE: "微信有、本店无",
    Verdict.MISSING_THERE: "本店有、微信无",
    Verdict.AMOUNT_DIFFERS: "金额不符",
    Verdict.STATE_DIFFERS: "状态不符",
    Verdict.TIMING: "跨日",
}
BREAK_STATES = {BreakStatus.OPEN: "待处理", BreakStatus.RESOLVED: "已处理"}
RESOLVERS = {
    Resolver.WECHAT: "先向微信查询，仍不符由员工处理",
    Resolver.NEXT_BILL: "等次日账单",
    Resolver.STAFF: "员工处理",
}
RESOLUTIONS = {
    Resolution.REPAIRED: "按微信查询结果补记",
    Resolution.MATCHED: "复核时已相符",
    Resolution.OTHER_DAY: "两边都有，不在同一天",
    Resolution.NEWER_WORD: "微信最新状态与本店一致",
    Resolution.EXPLAINED: "已说明",
    Resolution.CORRECTED: "已人工更正",
    Resolution.WRITTEN_OFF: "已核销",
}
