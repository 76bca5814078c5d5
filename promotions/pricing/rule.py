"""
What a benefit kind is: a rule that looks at a basket and answers with an offer or a shortfall.

A kind is one small file in `kinds/` implementing `Rule`: its condition and its benefit. Lanes,
groups, agreement, caps and the trace are the engine's and the same for every kind.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
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
    """What goods cost before any promotion."""
    RUNNING = "running"
    """What is left after the promotions applied before."""


class Measure(StrEnum):
    """What a condition counts."""

    AMOUNT_FEN = "amount_fen"
    PIECES = "pieces"


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
class Gift:
    """Pieces of a SKU given with an order."""

    sku_id: int
    quantity: int
    value_fen: int
    """The stated value of one piece: deducted if it does not come back with the goods."""

    @property
    def worth_fen(self) -> int:
        """The stated value of all pieces."""
        return self.value_fen * self.quantity

    def to_json(self) -> dict[str, Any]:
        """Return the gift as plain data."""
        return {"sku_id": self.sku_id, "quantity": self.quantity, "value_fen": self.value_fen}


NOTHING_GIVEN = (0, 0, 0)


class Spread(Mapping[int, int]):
    """An amount spread over lines in proportion to weights, reckoned once somebody looks."""

    __slots__ = ("_shares", "_weights", "total_fen")

    def __init__(self, weights: Callable[[], dict[int, int]], total_fen: int) -> None:
        self.total_fen = total_fen
        self._weights = weights
        self._shares: dict[int, int] | None = None

    def by_line(self) -> dict[int, int]:
        """Return the shares as a plain dictionary."""
        if self._shares is None:
            self._shares = apportion(self._weights(), self.total_fen)
        return self._shares

    def __getitem__(self, line_id: int) -> int:
        return self.by_line()[line_id]

    def __iter__(self) -> Iterator[int]:
        return iter(self.by_line())

    def __len__(self) -> int:
        return len(self.by_line())


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """
    The condition that what is given was earned with: `need` of the measure, so many `times` over.

    `counted` is how much of the measure each line brought, by line id. With it whoever takes goods
    back can tell what is still earned, without asking for the terms or for prices again.
    """

    measure: Measure
    need: int
    times: int
    counted: Mapping[int, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the condition as plain data, what was counted by line id."""
        return {
            "measure": self.measure.value,
            "need": self.need,
            "times": self.times,
            "counted": [
                {"line_id": line_id, "amount": amount}
                for line_id, amount in sorted(self.counted.items())
            ],
        }


# Not frozen, for speed: millions are made. Nobody changes one once it is made.
@dataclass(slots=True, kw_only=True)
class Offer:
    """What a promotion would take off: fen by line id, fen of freight; what it gives; what next."""

    shares: Mapping[int, int] = field(default_factory=dict)
    freight_fen: int = 0
    next_step: Shortfall | None = None
    units: Mapping[int, int] = field(default_factory=dict)
    """Pieces sold at the promotion's price by line id; in the price lane only."""
    refuses: Mapping[int, int] = field(default_factory=dict)
    """The most pieces a line may have, by line id, where it asks for more than the terms sell."""
    gifts: tuple[Gift, ...] = ()
    points: int = 0
    coupons: tuple[tuple[int, int], ...] = ()
    """(template promotion id, how many)."""
    met: Met | None = None
    """The condition its gifts are earned with; what each line counts is filled in at the end."""
    rate_bp: int | None = None
    """
    A promise that speeds up the search: however little is payable on its lines before it, it takes
    no more off them than this rate of that, half a fen rounded up. None: no such promise.
    """
    saves_fen: int = field(init=False)
    """What it takes off, goods and freight."""

    def __post_init__(self) -> None:
        shares = self.shares
        goods_fen = shares.total_fen if isinstance(shares, Spread) else sum(shares.values())
        self.saves_fen = goods_fen + self.freight_fen

    @property
    def worth_fen(self) -> int:
        """The stated value of its gifts."""
        return sum([gift.worth_fen for gift in self.gifts])

    @property
    def gives(self) -> tuple[int, int, int]:
        """What it gives: worth of gifts, points, and how many gifts and coupons there are."""
        if not (self.gifts or self.points or self.coupons):
            return NOTHING_GIVEN
        pieces = sum([gift.quantity for gift in self.gifts])
        return self.worth_fen, self.points, pieces + sum([count for _, count in self.coupons])

    @property
    def cost(self) -> tuple[int, tuple[int, int, int]]:
        """What the best offer has the least of."""
        worth_fen, points, count = self.gives
        return -self.saves_fen, (-worth_fen, -points, -count)

    @property
    def has_effect(self) -> bool:
        """Whether the buyer gets anything from it."""
        return bool(self.saves_fen or self.gifts or self.points or self.coupons)

    @property
    def by_line(self) -> Mapping[int, int]:
        """Its shares, reckoned."""
        return self.shares.by_line() if isinstance(self.shares, Spread) else self.shares

    @property
    def goods_fen(self) -> int:
        """What it takes off goods."""
        return self.saves_fen - self.freight_fen

    def capped(self, most_fen: int) -> "Offer":
        """Return this offer cut down, in proportion, to at most `most_fen`."""
        if self.saves_fen <= most_fen:
            return self
        # Freight first: then neither part grows when less is payable before it.
        freight_fen = min(most_fen, self.freight_fen)
        shares = apportion(self.shares, most_fen - freight_fen)
        return replace(self, shares=shares, freight_fen=freight_fen)


@dataclass(slots=True, kw_only=True)
class Basket:
    """The part of a cart within one promotion's reach, as its rule sees it."""

    lines: tuple[CartLine, ...]
    """By line id."""
    running: Mapping[int, int]
    """Fen still payable by line id; may hold other lines too."""
    freight_fen: int
    """Freight still payable."""
    base: Base
    units_left: int | None = None
    """Pieces the buyer may still have at the promotion's price; None: as many as there are."""
    units_taken: int = 0
    """Pieces it has priced on other lines of this cart; already taken from `units_left`."""
    gifts_left: Mapping[int, int] = field(default_factory=dict)
    """Pieces left by gift SKU id; a SKU that is not named is not limited."""
    gift_choice: tuple[int, ...] = ()
    """The gift SKUs the buyer would like."""
    as_opener: bool = False
    """The buyer opens a team with it."""
    base_fen: int | None = None
    """What the lines cost before any promotion, if known already."""
    payable_fen: int | None = None
    """What is still payable on the lines, if known already."""

    @property
    def pieces(self) -> int:
        """How many pieces the lines hold together."""
        return sum([line.quantity for line in self.lines])

    @property
    def amount_fen(self) -> int:
        """The fen that thresholds and percentages look at."""
        if self.base is Base.RUNNING:
            return self._payable()
        if self.base_fen is None:
            self.base_fen = sum([line.base_amount_fen for line in self.lines])
        return self.base_fen

    def spread(self, amount_fen: int) -> Mapping[int, int]:
        """Split `amount_fen`, or all that is still payable if that is less, over the lines."""
        return Spread(self._weights, min(amount_fen, self._payable()))

    def _payable(self) -> int:
        if self.payable_fen is None:
            self.payable_fen = sum(self._weights().values())
        return self.payable_fen

    def _weights(self) -> dict[int, int]:
        running = self.running
        return {line.line_id: running[line.line_id] for line in self.lines}


class Rule(Protocol):
    """
    Condition and benefit of one kind of promotion, with its terms.

    An offer must not grow, in fen or in worth, when the amounts payable before it shrink: the
    best-deal search takes a promotion's offer on its own for the most it can give.
    A rule in the shipping lane offers freight only; in any other lane shares lie on its lines.
    A rule that limits pieces prices at most `units_left` of them, and names in `refuses` the lines
    that ask for more if its terms say so instead of pricing the rest normally.
    A rule whose gifts are all gone offers none, and nothing else it would give with them.
    """

    kind: ClassVar[str]
    lane: ClassVar[Lane]
    """Where promotions of this kind belong unless they say otherwise."""

    @property
    def sku_ids(self) -> frozenset[int] | None:
        """The SKUs the terms themselves name, which are then the scope; None if they name none."""
        ...

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
    NEEDS_PERCENTAGE = "needs_percentage"
    """A cap without a percentage caps nothing."""
    NEEDS_PIECES = "needs_pieces"
    """A price for so many pieces needs a threshold in pieces."""
    DUPLICATE = "duplicate"
    """The same thing is named twice."""
    TOO_FEW = "too_few"
    """A bundle of one piece is no bundle."""
    NO_CHOICE = "no_choice"
    """As many are to be chosen as there are, or more."""
    UNKNOWN_SKU = "unknown_sku"
    """A SKU has a price of its own that has none in common."""


class BadTerms(ValueError):
    """The terms of a rule contradict themselves; `field` says where and `problem` how."""

    def __init__(self, field: str, problem: Problem) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem
