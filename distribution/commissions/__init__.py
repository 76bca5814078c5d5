"""
The life of a commission: accrue at payment, claw back on refund, schedule at receipt, mature.

Each verb is one posting, may be repeated without effect, and may meet any other at any moment.
This module is what callers import; each verb lives in its own.
"""

from distribution.commissions.accrual import PaidLine, accrue
from distribution.commissions.clawback import RefundedLine, RefundExceedsPayment, claw_back
from distribution.commissions.maturity import BATCH, mature_due, schedule_maturity

__all__ = [
    "BATCH",
    "PaidLine",
    "RefundExceedsPayment",
    "RefundedLine",
    "accrue",
    "claw_back",
    "mature_due",
    "schedule_maturity",
]
