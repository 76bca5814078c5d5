"""
What a benefit kind is: a rule that looks at a basket and answers with an offer or a shortfall.

A kind is one small file in `kinds/` implementing `Rule`: its condition and its benefit. Lanes,
groups, agreement, caps and the trace are the engine's and the same for every kind.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Protocol, Self

from promotions.pricing.cart import CartLine
from promotions.pricing.money import apportion


class Lane(StrEnum):
    """The fixed stages of a price, in order; promotions of one lane compete."""

    BASE = "base"
    """What goods cost before any promotion; takes prices from the cart, holds no promotion."""
    PRICE = "price"
    """Sets the price of a line; settled line by line, so each line takes its own best."""
    LINE = "line"
    ORDER = "order"
    COUPON = "coupon"
    SHIPPING = "shipping"
    """Reduces freight and nothing else."""
    TENDER = "tender"
    """Ways to pay other than money; takes amounts from the cart, holds no promotion."""


PROMOTION_LANES = (Lane.PRICE, Lane.LINE, Lane.ORDER, Lane.COUPON, Lane.SHIPPING)


class Base(StrEnum):
    """The amounts that thresholds and percentages look at."""

    INITIAL = "initial"
    """List prices, as if no promotion had applied yet."""
    RUNNING = "running"
    """What is left after the promotions applied before."""


class Measure(StrEnum):
    """What a condition counts."""

    AMOUNT_FEN = "amount_fen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """How far the basket is from a condition, and the fen that just meeting it would save."""

    measure: Measure
    need: int
    have: int
    saves_fen: int

    @property
    def gap(self) -> int:
        """What is missing, in the unit of the measure: the 20 yuan of 还差 20 元."""
        return self.need - self.have

    def to_json(self) -> dict[str, Any]:
        """Return the shortfall as plain data."""
        return {
            "measure": self.measure.value,
            "need": self.need,
            "have": self.have,
            "gap": self.gap,
            "saves_fen": self.saves_fen,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a promotion would take off: fen by line id, fen of freight; and its next step."""

    shares: Mapping[int, int] = field(default_factory=dict)
    freight_fen: int = 0
    next_step: Shortfall | None = None

    @property
    def saves_fen(self) -> int:
        """The whole of the offer, goods and freight."""
        return sum(self.shares.values()) + self.freight_fen

    def capped(self, most_fen: int) -> "Offer":
        """Return this offer cut down, in proportion, to at most `most_fen`."""
        if self.saves_fen <= most_fen:
            return self
        goods_fen = min(most_fen, sum(self.shares.values()))
        return Offer(
            shares=apportion(self.shares, goods_fen),
            freight_fen=most_fen - goods_fen,
            next_step=self.next_step,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """The part of a cart within one promotion's reach, as its rule sees it."""

    lines: tuple[CartLine, ...]
    running: Mapping[int, int]
    """Fen still payable by line id; may hold other lines too."""
    freight_fen: int
    """Freight still payable."""
    base: Base

    @property
    def amount_fen(self) -> int:
        """The fen that thresholds and percentages look at."""
        if self.base is Base.INITIAL:
            return sum([line.unit_price_fen * line.quantity for line in self.lines])
        running = self.running
        return sum([running[line.line_id] for line in self.lines])

    def spread(self, amount_fen: int) -> dict[int, int]:
        """Split `amount_fen`, or all that is still payable if that is less, over the lines."""
        running = self.running
        weights = {line.line_id: running[line.line_id] for line in self.lines}
        return apportion(weights, min(amount_fen, sum(weights.values())))


class Rule(Protocol):
    """
    Condition and benefit of one kind of promotion, with its terms.

    An offer must not grow when the amounts payable before it shrink: the best-deal search takes a
    promotion's offer on its own for the most it can give.
    A rule in the shipping lane offers freight only, in any other lane shares of its lines only.
    """

    kind: ClassVar[str]
    lane: ClassVar[Lane]
    """Where promotions of this kind belong unless they say otherwise."""

    @classmethod
    def parse(cls, terms: Mapping[str, Any]) -> Self:
        """
        Read the terms as `to_json` writes them.

        :raises BadTerms: they contradict themselves or lack something.
        """
        ...

    def to_json(self) -> dict[str, Any]:
        """Return the terms as plain data."""
        ...

    def offer(self, basket: Basket) -> Offer | Shortfall:
        """Say what the basket would save, or what it lacks."""
        ...


class Problem(StrEnum):
    """What may be wrong with the terms of a rule."""

    EMPTY = "empty"
    """Something is needed and nothing is given."""
    AMBIGUOUS = "ambiguous"
    """Exactly one of several fields must be given."""
    NOT_RISING = "not_rising"
    """A later step asks no more than the one before it."""
    NOT_WORTH_IT = "not_worth_it"
    """A higher step saves no more than the one below it."""
    MORE_THAN_PAID = "more_than_paid"
    """The benefit exceeds what reaching it costs."""
    NOT_TOGETHER = "not_together"
    """Two settings exclude each other."""


class BadTerms(ValueError):
    """The terms of a rule contradict themselves; `field` says where and `problem` how."""

    def __init__(self, field: str, problem: Problem) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem
