"""The reasons a buyer chooses from, in Chinese."""

from app.aftersales.models import Reason

REASONS = {
    Reason.CHANGED_MIND: "不想要了",
    Reason.WRONG_ORDER: "拍错、多拍",
    Reason.NOT_ARRIVED: "未收到货",
    Reason.DAMAGED: "商品破损",
    Reason.DEFECTIVE: "质量问题",
    Reason.NOT_AS_DESCRIBED: "与描述不符",
    Reason.WRONG_GOODS: "发错货",
    Reason.MISSING_PIECES: "少件、漏发",
    Reason.AGREED: "与商家协商一致",
    Reason.OTHER: "其他",
}
"""Every reason, in the order it is offered."""
