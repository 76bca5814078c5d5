"""
How one becomes a distributor, as the merchant has set it: versions, never edited.

A condition on buying decides who may join and nothing else: no grade and no rate follows from it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from distribution.team.models import JoiningRulesVersion as Version
from distribution.team.states import Joining

MOST_SPU_IDS = 200
MOST_SPEND_FEN = 10_000_000
"""A hundred thousand yuan: more than anybody should have to spend before they may share."""


class BadJoiningRules(Exception):
    """What the way asks for is missing, or something is set that the way does not ask for."""


class Bought(NamedTuple):
    """What a member has bought and kept, in fen of goods without freight."""

    total_fen: int = 0
    largest_fen: int = 0
    """Of one order."""
    has_chosen: bool = False
    """One of the products the rules name."""


@dataclass(frozen=True, slots=True)
class JoiningRules:
    """One version. Version 0 is the default of a shop that has set nothing: staff approve."""

    version: int = 0
    way: Joining = Joining.APPROVAL
    spend_fen: int | None = None
    """`spending`: how much must be spent, net of refunds, without freight."""
    in_one_order: bool = False
    """`spending`: in one order, not in all together."""
    spu_ids: tuple[int, ...] = ()
    """`goods`: the products of which one must have been bought and kept."""
    counts_at_payment: bool = True
    """Orders count as soon as they are paid; otherwise when they are completed."""

    def spent_fen(self, bought: Bought) -> int:
        """What of it counts towards `spend_fen`."""
        return bought.largest_fen if self.in_one_order else bought.total_fen

    def are_met(self, bought: Bought) -> bool:
        """Whether what was bought is what the way asks for; a way that asks for nothing is met."""
        if self.way == Joining.GOODS:
            return bought.has_chosen
        return self.spend_fen is None or self.spent_fen(bought) >= self.spend_fen


def current(session: Session) -> JoiningRules:
    """The rules in force."""
    columns = (
        Version.version, Version.way, Version.spend_fen, Version.in_one_order, Version.spu_ids,
        Version.counts_at_payment,
    )  # fmt: skip
    latest = select(*columns).order_by(Version.version.desc()).limit(1)
    row = session.execute(latest).one_or_none()
    if row is None:
        return JoiningRules()
    version, way, spend_fen, in_one_order, spu_ids, counts_at_payment = row
    return JoiningRules(version, way, spend_fen, in_one_order, tuple(spu_ids), counts_at_payment)


def change(
    session: Session, rules: JoiningRules, *, changed_by: str, now: datetime
) -> JoiningRules:
    """
    Put the next version in force; its number is given here, whatever `rules.version` says.

    Who is a distributor stays one.

    :raises BadJoiningRules: an amount or products are missing, or are set for another way.
    """
    _check(rules)
    statement = insert(Version).values(
        way=rules.way,
        spend_fen=rules.spend_fen,
        in_one_order=rules.in_one_order,
        spu_ids=sorted(set(rules.spu_ids)),
        counts_at_payment=rules.counts_at_payment,
        changed_by=changed_by,
        changed_at=now,
    )
    session.execute(statement)
    return current(session)


def _check(rules: JoiningRules) -> None:
    if (rules.way == Joining.SPENDING) != (rules.spend_fen is not None):
        raise BadJoiningRules("spend_fen belongs to the way `spending`, and only to it")
    if rules.spend_fen is not None and not 0 < rules.spend_fen <= MOST_SPEND_FEN:
        raise BadJoiningRules(f"spend_fen {rules.spend_fen} is not within 1 to {MOST_SPEND_FEN}")
    if (rules.way == Joining.GOODS) != bool(rules.spu_ids):
        raise BadJoiningRules("spu_ids belong to the way `goods`, and only to it")
    if len(set(rules.spu_ids)) > MOST_SPU_IDS:
        raise BadJoiningRules(f"more than {MOST_SPU_IDS} products")
    if rules.in_one_order and rules.way != Joining.SPENDING:
        raise BadJoiningRules("in_one_order belongs to the way `spending`")
