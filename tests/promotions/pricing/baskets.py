"""Baskets as rules see them, drawn at random, and their pieces laid out one by one."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from promotions.pricing import Base, Basket, CartLine, Offer, Rule, Shortfall
from tests.builders.promotions import make_line
from tests.promotions.pricing.reference import largest_remainder

Piece = tuple[int, int]
"""What one piece costs, and the line it is on."""


def basket_of(*lines: CartLine, base: Base = Base.RUNNING, **more: Any) -> Basket:
    """A basket before any promotion, unless `running` says what is left to pay."""
    running = {line.line_id: line.base_amount_fen for line in lines}
    fields = {"running": running, "freight_fen": 0, **more}
    return Basket(lines=tuple(sorted(lines, key=lambda it: it.line_id)), base=base, **fields)


@st.composite
def lines_of(draw, most: int = 4):
    """A few lines of few SKUs, so that SKUs recur and terms meet them; a SKU has one price."""
    prices = {sku_id: draw(st.integers(0, 120)) for sku_id in range(1, 5)}
    level = draw(st.one_of(st.none(), st.integers(0, 120)))
    return tuple(
        make_line(
            number,
            sku_id=(sku_id := draw(st.integers(1, 4))),
            fen=prices[sku_id],
            quantity=draw(st.integers(1, 6)),
            member_price_fen=level,
        )
        for number in range(1, draw(st.integers(1, most)) + 1)
    )


@st.composite
def baskets(draw, *, fresh: bool = False):
    """A basket: fresh, or with some of its price already taken off."""
    lines = draw(lines_of())
    running = {
        line.line_id: draw(st.integers(0, line.base_amount_fen))
        if not fresh
        else line.base_amount_fen
        for line in lines
    }
    return Basket(
        lines=lines,
        running=running,
        freight_fen=draw(st.sampled_from([0, 30, 90])),
        base=draw(st.sampled_from(Base)),
        units_left=draw(st.one_of(st.none(), st.integers(0, 8))),
        gifts_left=draw(st.dictionaries(st.integers(1, 4), st.integers(0, 5), max_size=3)),
        gift_choice=draw(st.lists(st.integers(1, 4), max_size=3, unique=True).map(tuple)),
    )


@st.composite
def poorer_ones(draw, basket: Basket):
    """The same basket with less left to pay."""
    running = {line: draw(st.integers(0, fen)) for line, fen in basket.running.items()}
    return replace(basket, running=running, freight_fen=draw(st.integers(0, basket.freight_fen)))


def offered(rule: Rule, basket: Basket) -> Offer:
    """The offer, or an empty one if the basket falls short."""
    answer = rule.offer(basket)
    return Offer() if isinstance(answer, Shortfall) else answer


def saved(rule: Rule, basket: Basket) -> int:
    return offered(rule, basket).saves_fen


def shortfall(rule: Rule, basket: Basket) -> Shortfall:
    """What the basket lacks, whether for anything at all or for the next step."""
    answer = rule.offer(basket)
    step = answer if isinstance(answer, Shortfall) else answer.next_step
    assert step is not None
    return step


def pieces_of(
    basket: Basket, wanted: Callable[[CartLine], bool] = lambda _line: True
) -> list[Piece]:
    """Every piece, dearest first, then by line: the fen of a line dealt out one after another."""
    found: list[Piece] = []
    for line in basket.lines:
        if not wanted(line):
            continue
        fen = line.base_amount_fen if basket.base is Base.INITIAL else basket.running[line.line_id]
        costs = [fen // line.quantity] * line.quantity
        for number in range(fen - sum(costs)):
            costs[number] += 1
        found += [(cost, line.line_id) for cost in costs]
    return sorted(found, key=lambda piece: (-piece[0], piece[1]))


def half_up(fen: int, rate_bp: int) -> int:
    """A percentage in exact fractions."""
    return int(Fraction(fen * rate_bp, 10_000) + Fraction(1, 2))


def shared(basket: Basket, picked: Iterable[Piece], off_fen: int) -> dict[int, int]:
    """`off_fen` shared over picked pieces by what they cost, within what is payable."""
    weights: dict[int, int] = {}
    for cost, line_id in picked:
        weights[line_id] = weights.get(line_id, 0) + cost
    weights = {line_id: min(cost, basket.running[line_id]) for line_id, cost in weights.items()}
    return largest_remainder(weights, min(off_fen, sum(weights.values())))


def nonzero(shares: Any) -> dict[int, int]:
    return {line_id: share for line_id, share in shares.items() if share}
