"""
The proof: every rule recomputed over the stored rows; each breach is named with its figures.

`proofs` holds one query per rule, which finds what breaks it. Nothing is repaired here.
"""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from distribution.commissions.rules import CommissionRules
from distribution.ledger import chain, records
from distribution.proofs import PROOFS
from distribution.reports import trial

APPEND_ONLY = (
    "posting", "entry", "record_block", "ledger_block", "commission_rules", "commission_rate",
    "binding_log", "binding_rules", "share_click", "trial_day", "trial_balance",
    "withdrawal_rules",
    "joining_rules", "distributor_status_log", "distributor_grade_log",
)  # fmt: skip
"""Tables whose rows are never changed. Add new ones at the end: they get a chain of their own."""
RECORDS = APPEND_ONLY[3:]
"""Tables that are chained as records; `chain` covers postings and entries."""


class Breach(NamedTuple):
    """One rule broken by one row or sum."""

    rule: str
    subject: str
    detail: str


def verify(session: Session) -> Iterator[Breach]:
    """Every breach of the engine's rules in the database; nothing if all of them hold."""
    defaults = CommissionRules()
    given = {
        "append_only": list(APPEND_ONLY),
        "levels": defaults.levels,
        "level1_bp": defaults.level1_bp,
        "level2_bp": defaults.level2_bp,
        "cap_bp": defaults.cap_bp,
        "base_kind": defaults.base_kind.value,
        "pays_self_purchase": defaults.pays_self_purchase,
    }
    for proof in PROOFS:
        wanted = {name: value for name, value in given.items() if f":{name}" in proof.query}
        try:
            found = session.execute(text(proof.query), wanted).all()
        except DataError as error:  # No question can be asked of what is not even JSON any more.
            yield Breach(proof.rule, "what is stored", f"cannot be read: {error.orig}")
            return
        for subject, detail in found:
            yield Breach(proof.rule, subject, detail)
    for block in chain.verify(session):
        yield Breach("ledger.chain", f"block {block.number}", block.detail)
    for wrong in trial.verify(session):
        yield Breach("ledger.trial_balance", f"day {wrong.day}", wrong.detail)
    for subject, detail in records.verify_all(session, RECORDS):
        yield Breach("ledger.records", subject, detail)
