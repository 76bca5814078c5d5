"""
The life of a commission: accrue at payment, claw back on refund, schedule at receipt, mature.

Each verb may be repeated without effect, and may meet any other at any moment; those that move
money are one posting. While a claim on a line is open, its commissions do not mature.
This module is what callers import; each verb lives in its own.
"""

from distribution.commissions.accrual import accrue
from distribution.commissions.claims import claim, settle_claim
from distribution.commissions.clawback import RefundedLine, RefundExceedsPayment, claw_back
from distribution.commissions.earning import PaidLine
from distribution.commissions.maturity import BATCH, mature_due, schedule_maturity

__all__ = [
    "BATCH",
    "PaidLine",
    "RefundExceedsPayment",
    "RefundedLine",
    "accrue",
    "claim",
    "claw_back",
    "mature_due",
    "schedule_maturity",
    "settle_claim",
]
