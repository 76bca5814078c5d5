"""
Who may apply together: candidates, the lines they reach, conflicts, groups and independent parts.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from promotions.pricing.cart import CartLine
from promotions.pricing.promotion import GroupMode, Promotion
from promotions.pricing.rule import Lane, Offer
from promotions.pricing.snapshot import Match

FREIGHT = -1
"""What a shipping promotion reaches; line ids are never negative."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A promotion with the lines it looks at; it discounts within `reach` and nowhere else."""

    promotion: Promotion
    lines: tuple[CartLine, ...]
    reach: frozenset[int]

    @property
    def rank(self) -> tuple[int, int]:
        """The promotion's rank; one promotion never competes with itself."""
        return self.promotion.rank


@dataclass(frozen=True, slots=True)
class Eligible:
    """A candidate with the offer it would make alone: the most it can give in this lane."""

    candidate: Candidate
    alone: Offer


def candidate_for(promotion: Promotion, lines: tuple[CartLine, ...]) -> Candidate:
    """Return the candidate that looks at `lines`; in the shipping lane it reaches freight only."""
    if promotion.lane is Lane.SHIPPING:
        return Candidate(promotion, lines, frozenset((FREIGHT,)))
    return Candidate(promotion, lines, frozenset([line.line_id for line in lines]))


def rounds(matches: Sequence[Match]) -> list[list[Match]]:
    """
    Cut the matches of one lane into what is settled together: all, or, in the price lane, a line.

    So each line takes its own best price, wherever else a price-setting promotion applies.
    """
    if not matches or matches[0][0].lane is not Lane.PRICE:
        return [list(matches)]
    by_line: defaultdict[int, list[Match]] = defaultdict(list)
    for promotion, lines in matches:
        for line in lines:
            by_line[line.line_id].append((promotion, (line,)))
    return [by_line[line_id] for line_id in sorted(by_line)]


def conflict(first: Candidate, second: Candidate) -> bool:
    """Say whether `second` may not apply after `first` of the same lane; a line has one price."""
    one, other = first.promotion, second.promotion
    if one.is_grouped_with(other) and one.group_mode is not GroupMode.ALL:
        return True
    if first.reach.isdisjoint(second.reach):
        return False
    return one.lane is Lane.PRICE or shut_out(one, other)


def shut_out(first: Promotion, second: Promotion) -> bool:
    """Say whether `second` may not touch what `first` has discounted."""
    return first.stop_after or not first.agrees(second)


def independent_parts(eligible: Sequence[Eligible]) -> list[list[Eligible]]:
    """
    Cut the eligible of one lane into parts that share no line and no group.

    What is best for one part cannot matter to another, so each is settled by itself. Order is kept.
    """
    parts: list[tuple[set[int | str], list[Eligible]]] = []
    for one in eligible:
        touched = _touched(one.candidate)
        members: list[Eligible] = []
        apart: list[tuple[set[int | str], list[Eligible]]] = []
        for part in parts:
            if part[0].isdisjoint(touched):
                apart.append(part)
            else:
                touched |= part[0]
                members += part[1]
        parts = [*apart, (touched, [*members, one])]
    return [sorted(members, key=_rank) for _, members in parts]


def keep_by_group(part: Iterable[Eligible]) -> dict[str, Eligible]:
    """Return the one member each `first` or `worst` group of `part` sends forward, by group."""
    kept: dict[str, Eligible] = {}
    for one in part:
        promotion = one.candidate.promotion
        if promotion.group is None or promotion.group_mode in (GroupMode.ALL, GroupMode.BEST):
            continue
        current = kept.setdefault(promotion.group, one)
        is_less = one.alone.saves_fen < current.alone.saves_fen
        if promotion.group_mode is GroupMode.WORST and is_less:
            kept[promotion.group] = one
    return kept


def _touched(candidate: Candidate) -> set[int | str]:
    promotion = candidate.promotion
    if promotion.group is None:
        return set(candidate.reach)
    return {*candidate.reach, promotion.group}


def _rank(one: Eligible) -> tuple[int, int]:
    return one.candidate.rank
