"""
One merchant transfer: its states, and the papers it is shown on.

ACCEPTED -> PROCESSING (locks the money) -> WAIT_USER_CONFIRM -> TRANSFERING -> SUCCESS or FAIL;
until the payee has accepted, a cancel leads by CANCELING to CANCELLED.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox import sensitive
from sandbox.clock import rfc3339
from sandbox.world import Merchant

STARTS = ("ACCEPTED", "PROCESSING", "WAIT_USER_CONFIRM")
NEXT = {
    "ACCEPTED": "PROCESSING",
    "PROCESSING": "WAIT_USER_CONFIRM",
    "TRANSFERING": "SUCCESS",
    "CANCELING": "CANCELLED",
}
"""What comes without anybody's doing."""
FINAL = ("SUCCESS", "FAIL", "CANCELLED")
MOVES = {
    "ACCEPTED": ("PROCESSING", "CANCELING", "FAIL"),
    "PROCESSING": ("WAIT_USER_CONFIRM", "CANCELING", "FAIL"),
    "WAIT_USER_CONFIRM": ("TRANSFERING", "CANCELING", "FAIL"),
    "TRANSFERING": ("SUCCESS", "FAIL"),
    # A payee who was quicker than the merchant's cancel has the money.
    "CANCELING": ("CANCELLED", "SUCCESS"),
    **dict.fromkeys(FINAL, ()),
}
SUMMARIES = {"SUCCESS": "商家转账成功", "FAIL": "商家转账失败", "CANCELLED": "商家转账已撤销"}


@dataclass
class Bill:
    """One `out_bill_no` of one merchant. Amounts in fen; `confirm_by` in sandbox time."""

    merchant: Merchant
    body: dict[str, Any]
    transfer_bill_no: str
    package: str
    created_at: datetime
    created_passed: float
    updated_at: datetime
    state: str
    confirm_by: float | None = None
    is_locked: bool = False
    """The merchant's money for it has been set aside."""
    is_short: bool = False
    """It could not be locked, and waits for its request to be repeated."""
    fail_reason: str | None = None

    @property
    def out_bill_no(self) -> str:
        return str(self.body["out_bill_no"])

    @property
    def amount_fen(self) -> int:
        return int(self.body["transfer_amount"])

    def receipt(self) -> dict[str, object]:
        """Return the bill as its own call shows it: `package_info` only while it can be used."""
        document: dict[str, object] = {
            "out_bill_no": self.out_bill_no,
            "transfer_bill_no": self.transfer_bill_no,
            "create_time": rfc3339(self.created_at),
            "state": self.state,
        }
        if self.state == "WAIT_USER_CONFIRM":
            document["package_info"] = self.package
        return document | self._reason()

    def document(self) -> dict[str, object]:
        """Return the bill as the query shows it, the name sealed for the merchant."""
        document: dict[str, object] = {
            "mch_id": self.merchant.mchid,
            "appid": self.body["appid"],
            "transfer_remark": self.body["transfer_remark"],
            **self._facts(),
        }
        if "user_name" in self.body:
            document["user_name"] = sensitive.conceal(self.merchant, self.body["user_name"])
        return document

    def news(self) -> dict[str, object]:
        """Return the bill as its notification shows it."""
        return {
            "mch_id": self.merchant.mchid, **self._facts(), "payment_method_type": "CFT",
        }  # fmt: skip

    def _facts(self) -> dict[str, object]:
        return {
            "out_bill_no": self.out_bill_no,
            "transfer_bill_no": self.transfer_bill_no,
            "state": self.state,
            "transfer_amount": self.amount_fen,
            "openid": self.body["openid"],
            "create_time": rfc3339(self.created_at),
            "update_time": rfc3339(self.updated_at),
        } | self._reason()

    def _reason(self) -> dict[str, object]:
        return {} if self.fail_reason is None else {"fail_reason": self.fail_reason}
