"""What distributors and staff read of withdrawals: states, reasons and notices in Chinese."""

from app.withdrawals.models import Payout, PayoutStatus
from distribution.withdrawals.models import Withdrawal
from distribution.withdrawals.rules import WithdrawalRules
from distribution.withdrawals.states import Channel, Tax, WithdrawalState

STATES = {
    WithdrawalState.REVIEWING: "待审核",
    WithdrawalState.APPROVING: "待复核",
    WithdrawalState.PAYING: "打款中",
    WithdrawalState.PAID: "已到账",
    WithdrawalState.RETURNED: "已退回余额",
}
PAYING = {
    PayoutStatus.CONFIRMING: "待您确认收款，24 小时内有效",
    PayoutStatus.TRANSFERRING: "已确认，微信正在转账",
    PayoutStatus.CANCELLING: "撤销中，以微信结果为准",
}
CHANNELS = {Channel.WECHAT: "微信零钱", Channel.MANUAL: "人工打款"}
FAILURES = {
    "OVERDUE_CLOSE": "超过 24 小时未确认收款",
    "NAME_NOT_CORRECT": "收款人姓名与微信实名不一致",
    "REAL_NAME_CHECK_FAIL": "收款人未通过微信实名校验",
    "ID_CARD_NOT_CORRECT": "身份证号与微信实名不一致",
    "ACCOUNT_FROZEN": "收款人微信账户已冻结",
    "ACCOUNT_NOT_EXIST": "收款人微信账户不存在",
    "PAYEE_ACCOUNT_ABNORMAL": "收款人微信账户异常",
    "DAY_RECEIVED_COUNT_EXCEED": "收款人当日收款次数超限",
    "DAY_RECEIVED_QUOTA_EXCEED": "收款人当日收款金额超限",
    "REALNAME_ACCOUNT_RECEIVED_QUOTA_EXCEED": "收款人收款额度超限",
    "TRANSFER_RISK": "微信风控拦截",
    "MERCHANT_REJECT": "商家已撤销",
    "MCH_CANCEL": "商家已撤销",
}
"""Those WeChat gives a distributor something to do about; any other is shown as a failure."""
OTHER_FAILURE = "微信打款失败，金额已退回余额，可重新申请"

NO_TAX_NOTICE = (
    "本店未开启代扣个人所得税。向个人支付劳务报酬的单位是法定扣缴义务人（个人所得税法第九条），"
    "请与会计确认后再关闭代扣；每月汇总可导出用于申报。"
)
LABOUR_NOTICE = (
    "已开启劳务报酬预扣：按自然月累计，不超过 4000 元减除 800 元，超过的减除 20%，"
    "按 20%／30%／40% 三级预扣率计算，分以下舍去。次月 15 日前申报，月度汇总可导出。"
)


def title(asked: Withdrawal, payout: Payout | None) -> str:
    """Where a withdrawal stands, in a few words."""
    if asked.state != WithdrawalState.PAYING or payout is None:
        return STATES[asked.state]
    if payout.cancel_asked_at is not None and payout.status != PayoutStatus.TRANSFERRING:
        return PAYING[PayoutStatus.CANCELLING]
    return PAYING.get(PayoutStatus(payout.status), STATES[asked.state])


def reason(asked: Withdrawal) -> str | None:
    """Why the money came back, for its distributor."""
    if asked.reason is None or not asked.reason.isascii():
        return asked.reason
    return FAILURES.get(asked.reason, OTHER_FAILURE)


def tax_notice(rules: WithdrawalRules) -> str:
    """What the merchant is told about tax under these rules."""
    return NO_TAX_NOTICE if rules.tax == Tax.OFF else LABOUR_NOTICE
