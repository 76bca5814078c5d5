"""What distributors and staff read about grades: conditions in words, and the law."""

from app.distributors.wording import yuan
from distribution.team.conditions import OWN, SOLD, Conditions, Grade
from distribution.team.states import GradeCause

NAMES = {
    "own_orders": "本人完成订单数",
    "own_spend_fen": "本人完成订单实付",
    "level1_orders": "直接客户完成订单数",
    "level1_fen": "直接客户完成订单实付",
    "direct_customers": "买过东西的直接客户数",
}
CAUSES = {
    GradeCause.EARNED: "达到升级条件",
    GradeCause.REVIEW: "复核期内未再达到条件",
    GradeCause.STAFF: "商家调整",
    GradeCause.ARCHIVED: "该等级已停用",
}
BASIC_NOTE = "等级只看真实成交，不看发展了多少人；订单完成（退货期结束）后计入，退款相应扣除。"
SELLING_NOTE = (
    "直接客户的成交抬高佣金，可能被认定为以下线的销售业绩计酬（团队计酬，《禁止传销条例》第七条"
    "第三项），请先咨询律师。"
)
BUYING_NOTE = (
    "本人消费须与销售条件同时满足，单靠购买不能升级：以购买换取更高返利曾被微信平台警告，"
    "也可能被认定为变相入门费（《禁止传销条例》第七条第二项）。"
)


def condition(name: str, needed: int) -> str:
    """One condition: `直接客户完成订单数达到 5`."""
    return f"{NAMES[name]}达到 {yuan(needed) if name.endswith('_fen') else needed}"


def conditions(grade: Grade) -> str:
    """What lifts somebody to a grade, in one sentence."""
    thresholds = grade.conditions.thresholds
    if not thresholds:
        return "由商家授予。"
    joined = ("，且" if grade.conditions.is_every else "，或").join(
        condition(name, needed) for name, needed in thresholds.items()
    )
    if grade.keep_days is None:
        return f"累计{joined}。"
    return f"最近 {grade.keep_days} 天{joined}；每 {grade.keep_days} 天复核一次。"


def compliance_note(asked: Conditions) -> str:
    """What the law and the platform say about conditions like these."""
    note = BASIC_NOTE
    if asked.thresholds.keys() & set(SOLD):
        note += SELLING_NOTE
    if asked.thresholds.keys() & set(OWN):
        note += BUYING_NOTE
    return note
