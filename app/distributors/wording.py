"""What distributors and staff read: states, reasons and sums in Chinese, people without a face."""

from app.core import crypto
from app.members.queries import MemberBrief
from distribution.commissions.states import CommissionState, Unearned
from distribution.ledger.states import (
    AccountKind,
    AdjustmentKind,
    AdjustmentState,
    PostingKind,
)
from distribution.queries import LineState
from distribution.team.binding_rules import BindingRules
from distribution.team.states import Bindable, BindingKind, BindingMode, OnLeaving, Source

POSTINGS = {
    PostingKind.ACCRUE: "订单佣金入账（待结算）",
    PostingKind.CLAW_BACK: "买家退款，扣回佣金",
    PostingKind.MATURE: "佣金结算",
    PostingKind.HOLD: "申请提现",
    PostingKind.PAY_OUT: "提现到账",
    PostingKind.GIVE_BACK: "提现退回",
    PostingKind.ADJUST: "人工调整",
}
ACCOUNTS = {
    AccountKind.FROZEN: "待结算",
    AccountKind.AVAILABLE: "可提现",
    AccountKind.WITHDRAWING: "提现中",
    AccountKind.RECEIVABLE: "待扣回",
}
ADJUSTMENTS = {
    AdjustmentKind.GIVE: "增加佣金",
    AdjustmentKind.TAKE: "扣减佣金",
    AdjustmentKind.WRITE_OFF: "核销待扣回",
}
ADJUSTMENT_STATES = {
    AdjustmentState.REQUESTED: "待审批",
    AdjustmentState.APPROVED: "已生效",
    AdjustmentState.REFUSED: "已驳回",
}
STATES = {
    CommissionState.FROZEN: "待结算",
    CommissionState.MATURED: "已结算",
    CommissionState.CLAWED: "已退款扣回",
    CommissionState.UNEARNED: "无佣金",
}
LINE_STATES = {
    LineState.FROZEN: "待结算",
    LineState.HELD: "售后处理中，暂缓结算",
    LineState.MATURED: "已结算",
    LineState.CLAWED: "已退款扣回",
    LineState.UNEARNED: "无佣金",
}
REASONS = {
    Unearned.INVITED: "付款时尚未确认成为分销员，不计佣金",
    Unearned.QUALIFYING: "付款时尚未达到成为分销员的条件，不计佣金",
    Unearned.PENDING: "付款时分销资格仍在审核中，不计佣金",
    Unearned.FROZEN: "付款时分销资格已被冻结，不计佣金",
    Unearned.REFUSED: "付款时分销申请未通过，不计佣金",
    Unearned.LEFT: "付款时已退出分销，不计佣金",
    Unearned.PRODUCT_OFF: "该商品不参与分销，不计佣金",
    Unearned.CAMPAIGN_OFF: "该商品参加的活动不计佣金",
    Unearned.NO_COST: "按利润计佣，但该商品未填成本价，不计佣金",
    Unearned.NO_RATE: "该商品在这一级不设佣金",
    Unearned.NO_PROFIT: "按利润计佣，而该商品这一单没有利润，不计佣金",
    Unearned.TOO_SMALL: "按比例不足 1 分，不计佣金",
    Unearned.CAPPED: "两级佣金合计已达上限，这一级没有余额",
}

BINDINGS = {
    BindingKind.BIND: "绑定",
    BindingKind.EXTEND: "下单，延长保护期",
    BindingKind.REBIND: "换绑",
    BindingKind.UNBIND: "解绑",
}
"""What a row of the binding log says happened."""
ORIGINS: dict[str, str] = {
    Source.LINK: "链接或分享卡片",
    Source.CODE: "小程序码",
    Source.INVITE_CODE: "填写邀请码",
    Source.POSTER: "海报",
    Source.COUPON: "优惠券",
    Source.CHANNEL: "渠道",
    Source.STAFF: "客服操作",
    Source.ORDER: "下单",
    Source.LEAVING: "推荐人退出",
}
"""What bound a member, prolonged it, or ended it."""

ONE_LEVEL_NOTE = (
    "不得收取入门费，不得以购买商品作为成为分销员的条件，不得按发展人数计酬；"
    "佣金只来自真实订单的实付金额，退款时按比例扣回。"
)
TWO_LEVELS_NOTE = (
    "您已开启二级分佣，请先咨询律师再上线：《禁止传销条例》第七条禁止以发展人员数量、入门费"
    "或下线的销售业绩计酬；微信平台不支持多级分销，一级返佣通常不视为多级分销，而两级并无"
    "官方许可，可能受到警告、下架或封禁。本系统最多两级，不提供第三级。"
)


def compliance_note(levels: int) -> str:
    """What the law and the platform say about this many levels."""
    return ONE_LEVEL_NOTE if levels == 1 else TWO_LEVELS_NOTE + ONE_LEVEL_NOTE


def binding_note(rules: BindingRules) -> str:
    """What rules of binding mean, in the words of a settings page."""
    modes = {
        BindingMode.PERMANENT: "首次绑定永久有效，其他分销员不能抢客",
        BindingMode.PROTECTED: (
            f"绑定后保护 {rules.protect_days} 天"
            + (f"，期内每笔付款订单顺延至其后 {rules.extend_days} 天" if rules.extend_days else "")
            + "；过期后原推荐人不再计佣，其他分销员可重新绑定"
        ),
        BindingMode.LAST_TOUCH: "以最后一次点击为准，后来的分销员会取代原推荐人",
    }
    who = {
        Bindable.EVERYONE: "任何用户都可被绑定",
        Bindable.NEVER_PAID: "仅从未付款的用户可被绑定",
        Bindable.JUST_REGISTERED: f"仅注册 {rules.new_minutes} 分钟内的用户可被绑定",
    }
    leaving = {
        OnLeaving.KEEP: "分销员退出后团队保留，期间的订单不计佣金，也不归其他人",
        OnLeaving.RELEASE: "分销员退出后其团队自动解绑",
    }
    said = (modes[rules.mode], who[rules.bindable], leaving[rules.on_leaving])
    return "；".join(said) + "。已给出的保护期不因修改规则而改变；绑定本身不产生任何佣金。"


def yuan(fen: int) -> str:
    """`1234` → `¥12.34`."""
    return f"¥{fen // 100}.{fen % 100:02d}"


def percent(rate_bp: int) -> str:
    """`1050` → `10.5%`."""
    whole, rest = divmod(rate_bp, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + "%"


def name_of(member: MemberBrief | None) -> str:
    """A member as a distributor sees them: the first character of the nickname, no more."""
    if member is None or not member.nickname:
        return "微信用户"
    return crypto.mask_name(member.nickname)
