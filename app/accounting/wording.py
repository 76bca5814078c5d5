"""What staff read of the books, in Chinese."""

from app.distributors.wording import ACCOUNTS
from distribution.ledger.states import AccountKind
from distribution.reports.liabilities import Age

ORDER = "order:"
"""What the source of an order's commissions begins with; its number follows."""

SHOP_ACCOUNTS = {
    AccountKind.EXPENSE: "佣金费用",
    AccountKind.CASH: "已打款",
    AccountKind.FEE: "提现手续费",
    AccountKind.TAX: "代扣税款",
    AccountKind.ADJUSTMENT: "人工调整",
}
AGES = {
    Age.SCHEDULED: "已排期",
    Age.OVERDUE: "已到期，待入账",
    Age.UNSCHEDULED: "买家尚未收货",
    Age.POSTPONED: "售后处理中，暂缓结算",
}


def account(kind: AccountKind) -> str:
    """The name of an account, a member's or the shop's."""
    return ACCOUNTS.get(kind) or SHOP_ACCOUNTS[kind]
