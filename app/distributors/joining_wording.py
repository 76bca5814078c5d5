"""What members and staff read about becoming a distributor, the law included."""

from app.distributors.wording import yuan
from distribution.team.joining_rules import Bought, JoiningRules
from distribution.team.states import Joining

DECLARATION = "本人已年满 18 周岁，已阅读并同意分销协议；成为分销员不收取任何费用。"

WAYS = {
    Joining.EVERYONE: "人人分销",
    Joining.OPEN: "申请即开通",
    Joining.APPROVAL: "申请后由商家审核",
    Joining.SPENDING: "消费满额后开通",
    Joining.GOODS: "购买指定商品后开通",
    Joining.APPOINTED: "由商家指定",
}
_FREE = (
    "不得收取入门费、押金或会员费，不得以发展人数计酬（《禁止传销条例》第七条）；分销员须年满"
    " 18 周岁，由本人声明并留存。"
)
_BUYING = (
    "请先咨询律师：《禁止传销条例》第七条第二项禁止以认购商品等方式变相交纳费用取得加入资格；"
    "微信平台曾对“购买商品升级会员并推荐返利”的小程序发出警告。本系统中该条件只决定能否申请，"
    "不影响佣金比例和分销等级；所购商品应按正常价格销售并可正常退货，建议改用审核或申请即开通。"
)
NOTES = {
    Joining.EVERYONE: "用户在登录时声明年满 18 周岁即开通，未声明者不开通。" + _FREE,
    Joining.OPEN: _FREE,
    Joining.APPROVAL: "拒绝申请须写明理由，用户可再次申请。" + _FREE,
    Joining.SPENDING: _BUYING + _FREE,
    Joining.GOODS: _BUYING + _FREE,
    Joining.APPOINTED: "指定后须由本人声明年满 18 周岁才开通。" + _FREE,
}
_TEXTS = {
    Joining.EVERYONE: "声明年满 18 周岁后立即成为分销员，免费。",
    Joining.OPEN: "提交申请后立即成为分销员，免费。",
    Joining.APPROVAL: "提交申请，商家审核通过后成为分销员，免费。",
    Joining.APPOINTED: "分销员由商家指定。",
}


def how(rules: JoiningRules) -> str:
    """How one becomes a distributor, in a sentence a shopper understands."""
    counted = "付款后" if rules.counts_at_payment else "订单完成后"
    if rules.way == Joining.SPENDING:
        span = "单笔订单" if rules.in_one_order else "累计"
        amount = yuan(rules.spend_fen or 0)
        return f"{span}实付满 {amount}（不含运费，扣除退款，{counted}计入），提交申请即成为分销员。"
    if rules.way == Joining.GOODS:
        return f"购买任一指定商品（未退款，{counted}计入），提交申请即成为分销员。"
    return _TEXTS[rules.way]


def needs(rules: JoiningRules, bought: Bought) -> list[dict[str, object]]:
    """What the rules ask to have bought, and how far the member is; fen, or a count."""
    if rules.way == Joining.SPENDING:
        text, needed, reached = "实付金额", rules.spend_fen or 0, rules.spent_fen(bought)
    elif rules.way == Joining.GOODS:
        text, needed, reached = "购买指定商品", 1, int(bought.has_chosen)
    else:
        return []
    return [{"text": text, "needed": needed, "reached": reached, "is_met": reached >= needed}]
