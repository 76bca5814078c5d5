"""
One query per rule of the engine; each answers (subject, detail) for whatever breaks its rule.

What a CHECK or a foreign key already holds is not asked again: these are the rules between rows.
Each room of the engine has a module here; why commissions are what they are has its own.
"""

from distribution.proofs import commissions, earning, figures, ledger, people, team, withdrawals
from distribution.proofs.proof import Proof

PROOFS: tuple[Proof, ...] = (
    *ledger.PROOFS, *commissions.PROOFS, *earning.PROOFS, *withdrawals.PROOFS, *team.PROOFS,
    *people.PROOFS, *figures.PROOFS,
)  # fmt: skip

__all__ = ["PROOFS", "Proof"]
