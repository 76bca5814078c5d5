"""
Who may apply together: candidates, the lines they reach, conflicts, groups and independent parts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from promotions.pricing.buyer import Allowance
from promotions.pricing.cart import CartLine
from promotions.pricing.promotion import GroupMode, Promotion
from promotions.pricing.rule import Lane, Offer

FREIGHT = -1
"""What a shipping promotion reaches; line ids are never negative."""
FREIGHT_ONLY = frozenset((FREIGHT,))


# Not frozen, for speed, like all that is made per line and promotion; nobody changes one.
@dataclass(slots=True, eq=False)
class Candidate:
    """A promotion with the lines it looks at, what is left of its limits, and its coupon."""

    promotion: Promotion
    lines: tuple[CartLine, ...]
    line_ids: frozenset[int]
    base_fen: int
    """What the lines cost before any promotion."""
    coupon_id: int | None = None
    allowance: Allowance | None = None
    gift_choice: tuple[int, ...] = ()
    taken_fen: int = 0
    """What it has taken off other lines of this cart."""
    taken_units: int = 0
    """Pieces it has priced on other lines of this cart."""
    as_opener: bool = False
    """The buyer opens a team with it."""

    @property
    def reach(self) -> frozenset[int]:
        """Where it discounts, and nowhere else; others of its lane conflict with it only there."""
        return FREIGHT_ONLY if self.promotion.lane is Lane.SHIPPING else self.line_ids

    @property
    def rank(self) -> tuple[int, int]:
        """The promotion's rank; one promotion never competes with itself."""
        return self.promotion.rank


@dataclass(slots=True, eq=False)
class Eligible:
    """A candidate with the offer it would make alone: the most it can give in this lane."""

    candidate: Candidate
    alone: Offer

    @property
    def touches(self) -> frozenset[int]:
        """What it may take something off: its reach, and freight if its terms free it."""
        reach = self.candidate.reach
        return reach | FREIGHT_ONLY if self.alone.freight_fen else reach


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


def apart(first: Eligible, second: Eligible) -> bool:
    """Say whether neither can change what the other takes off."""
    return first.touches.isdisjoint(second.touches)


def independent_parts(eligible: Sequence[Eligible]) -> list[list[Eligible]]:
    """
    Cut the eligible of one lane into parts that touch nothing in common and share no group.

    What is best for one part cannot matter to another, so each is settled by itself. Order is kept.
    """
    parts: list[tuple[set[int | str], list[Eligible]]] = []
    for one in eligible:
        touched: set[int | str] = {*one.touches, *_group(one.candidate.promotion)}
        members: list[Eligible] = []
        others: list[tuple[set[int | str], list[Eligible]]] = []
        for part in parts:
            if part[0].isdisjoint(touched):
                others.append(part)
            else:
                touched |= part[0]
                members += part[1]
        parts = [*others, (touched, [*members, one])]
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


def goes_forward(one: Eligible, kept: Mapping[str, Eligible]) -> bool:
    """Say whether `one` takes part in the search: its group has not sent another."""
    sent = kept.get(one.candidate.promotion.group or "")
    return sent is None or sent is one


def _group(promotion: Promotion) -> tuple[str, ...]:
    return () if promotion.group is None else (promotion.group,)


def _rank(one: Eligible) -> tuple[int, int]:
    return one.candidate.rank
