"""
What shoppers read of bulk buys: the rule of a campaign, and what its end brought an order.
"""

from app.marketing.wording import yuan
from promotions.bulk_buys import ShareState
from promotions.pricing.kinds import BulkBuy

LOWERED = "团购价格下降，差价原路退回"
FAILED = "团购未达到起订件数，全额原路退回"
GIVES_WAY = "团购未达到起订件数，订单已全额退款，无需另行处理"


def rule(terms: BulkBuy) -> str:
    """Return how a campaign is settled, in a sentence for its page."""
    parts = []
    if terms.min_pieces is not None:
        parts.append(f"活动结束时累计满{terms.min_pieces}件成团，未成团全额退款")
    if terms.tiers:
        parts.append("累计件数越多价格越低，所有人按最终达到的档位结算，差价自动退回")
    return "；".join(parts) + "。"


def outcome(state: ShareState, due_back_fen: int | None, *, is_back: bool) -> str:
    """Return what became of an order's part, and why, for the page of the order."""
    told = "已原路退回" if is_back else "正在原路退回"
    return {
        ShareState.COLLECTED: "已计入团购件数，活动结束后按最终价格结算",
        ShareState.LOWERED: f"团购达到更低价格，差价 {yuan(due_back_fen or 0)} 元{told}",
        ShareState.KEPT: "团购已结束，您支付的就是最终价格",
        ShareState.FAILED: f"团购未达到起订件数，{yuan(due_back_fen or 0)} 元{told}",
        ShareState.GONE: "订单在团购结算前已全部退款",
    }[state]
