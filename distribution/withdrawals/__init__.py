"""
Withdrawals: a distributor asks for available money, and gets it once or has it back once.

Asking sets the money aside (`withdraw:{no}:hold`); one more posting ends it (`withdraw:{no}:done`),
either as paid or as given back: one key for both, so a withdrawal can never end twice. Who carries
the money, and what WeChat says of it, is not known here.

- `tax`         what is withheld, by the hook the merchant has chosen
- `rules`       what the merchant has set, in versions
- `requesting`  ask for money
- `life`        approve, reject, cancel, pay out, give back
- `queries`     lists, sums, and the months for the tax office
"""

from distribution.withdrawals.life import (
    IllegalMove,
    SamePerson,
    UnknownWithdrawal,
    approve,
    cancel,
    get,
    give_back,
    pay_out,
    reject,
)
from distribution.withdrawals.queries import WithdrawalSummary, summary_of
from distribution.withdrawals.requesting import WithdrawalRefused, request

__all__ = [
    "IllegalMove",
    "SamePerson",
    "UnknownWithdrawal",
    "WithdrawalRefused",
    "WithdrawalSummary",
    "approve",
    "cancel",
    "get",
    "give_back",
    "pay_out",
    "reject",
    "request",
    "summary_of",
]
