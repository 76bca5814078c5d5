"""What a sale would earn: for a distributor who shares, and for a merchant who tries out rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from distribution.commissions import rates, terms
from distribution.commissions import rules as commission_rules
from distribution.commissions.earning import (
    Earned,
    Earner,
    PaidLine,
    Rate,
    RateBook,
    earned,
    targets_of,
)
from distribution.commissions.rules import CommissionRules
from distribution.team.states import DistributorStatus

NOBODY = 0
"""Who earns in a preview."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What a merchant tries out: rules and rates that may not be stored, and who would earn."""

    rules: CommissionRules | None = None
    """None: those in force."""
    rates: Sequence[Rate] = ()
    """Instead of those in force for the same goods and grade."""
    level1_grade_id: int | None = None
    level2_grade_id: int | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What lines would earn, and the rules that say so."""

    rules: CommissionRules
    earned: Sequence[Earned]


def preview(session: Session, lines: Sequence[PaidLine], trial: Trial) -> Preview:
    """
    What these lines would earn two active people above the buyer; nothing is written.

    :raises BadRules: the rules or a rate tried could not be set.
    """
    in_force = trial.rules or commission_rules.current(session)
    commission_rules.check(in_force)
    for rate in trial.rates:
        rates.check(rate, cap_bp=in_force.cap_bp)
    grade_ids = (trial.level1_grade_id, trial.level2_grade_id)
    targets = {target for line in lines for target in targets_of(line)}
    stored = rates.find(session, targets, grade_ids=grade_ids)
    earners = [
        Earner(level, NOBODY, DistributorStatus.ACTIVE, grade_id, binding_log_id=None)
        for level, grade_id in enumerate(grade_ids, start=1)
    ][: in_force.levels]
    found = RateBook([*stored, *trial.rates])
    return Preview(
        in_force,
        [each for line in lines for each in earned(line, earners, rules=in_force, rates=found)],
    )


def promise(
    session: Session, lines: Sequence[PaidLine], *, member_id: int, now: datetime
) -> dict[str, int]:
    """
    What a distributor would earn if somebody they brought bought each line now, by line source.

    In fen; empty for who is no active distributor. One query, however many lines.
    """
    decided = terms.read_for_sharing(session, member_id=member_id, lines=lines, now=now)
    if decided is None:
        return {}
    return {
        each.line_source: each.amount_fen
        for line in lines
        for each in earned(line, decided.earners, rules=decided.rules, rates=decided.rates)
    }
