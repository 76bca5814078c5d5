"""
The ledger: accounts, postings and entries, and what is made of them. Nothing else moves money.

- `postings`  reserve a key, lock accounts, move, write
- `horizon`   how far history is settled
- `rollup`    the balances of the shop's own accounts
- `chain`     hashes over all that is posted
- `records`   hashes over the logs and versions that decide it
- `as_of`     balances at any past moment
- `adjusting` money moved by hand, by two people
"""

from distribution.ledger.postings import (
    AccountIds,
    Draft,
    KeyReused,
    Overdrawn,
    canonical,
    open_accounts,
    refuse_other,
    reserve,
)
from distribution.ledger.states import DEBIT_NORMAL, MEMBER_KINDS, SHOP_KINDS

__all__ = [
    "DEBIT_NORMAL",
    "MEMBER_KINDS",
    "SHOP_KINDS",
    "AccountIds",
    "Draft",
    "KeyReused",
    "Overdrawn",
    "canonical",
    "open_accounts",
    "refuse_other",
    "reserve",
]
