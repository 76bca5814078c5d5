"""Kinds of promotion as small as can be: one price for so many pieces, and gifts."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from promotions.pricing import Basket, Gift, Lane, Measure, Offer, Shortfall


class Toy:
    """What every toy says of itself; none is ever stored."""

    kind: ClassVar[str] = "toy"
    lane: ClassVar[Lane] = Lane.ORDER
    sku_ids = None

    @classmethod
    def parse(cls, terms: Any) -> Self:
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class OnePrice(Toy):
    """A piece for `price_fen`, at most so many pieces of an order; the rest normally or not."""

    kind: ClassVar[str] = "one_price"
    lane: ClassVar[Lane] = Lane.PRICE

    price_fen: int
    most: int | None = None
    refuses: bool = False

    def offer(self, basket: Basket) -> Offer | Shortfall:
        (line,) = basket.lines
        left = [line.quantity]
        if basket.units_left is not None:
            left.append(basket.units_left)
        if self.most is not None:
            left.append(self.most - basket.units_taken)
        pieces = min(left)
        off_fen = max(0, line.base_price_fen - self.price_fen) * pieces
        return Offer(
            shares={line.line_id: off_fen},
            units={line.line_id: pieces} if pieces else {},
            refuses={line.line_id: pieces} if self.refuses and pieces < line.quantity else {},
        )


@dataclass(frozen=True, kw_only=True)
class GiftFrom(Toy):
    """From so many pieces on, the first `choose` gifts there are, those the buyer likes first."""

    kind: ClassVar[str] = "gift_from"

    pieces: int
    gifts: tuple[Gift, ...] = ()
    choose: int = 1
    points: int = 0
    coupons: tuple[tuple[int, int], ...] = ()
    frees_freight: bool = False

    def offer(self, basket: Basket) -> Offer | Shortfall:
        if basket.pieces < self.pieces:
            return Shortfall(
                measure=Measure.PIECES, need=self.pieces, have=basket.pieces, saves_fen=0
            )
        there = [
            gift
            for gift in self.gifts
            if basket.gifts_left.get(gift.sku_id, gift.quantity) >= gift.quantity
        ]
        if self.gifts and not there:
            return Offer()
        there.sort(key=lambda gift: gift.sku_id not in basket.gift_choice)
        return Offer(
            gifts=tuple(there[: self.choose]),
            points=self.points,
            coupons=self.coupons,
            freight_fen=basket.freight_fen if self.frees_freight else 0,
        )
