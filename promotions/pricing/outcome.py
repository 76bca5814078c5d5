"""
What a run of the engine has decided so far, and the quote it comes to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from promotions.pricing.cart import Cart, CartLine
from promotions.pricing.combining import Candidate
from promotions.pricing.money import apportion
from promotions.pricing.promotion import Promotion
from promotions.pricing.quote import Adjustment, GiftLine, PricedLine, Quote, Refusal, Verdict
from promotions.pricing.rule import Base, Measure, Met, Offer, Shortfall
from promotions.pricing.snapshot import Match, Snapshot
from promotions.pricing.tally import Code


@dataclass(slots=True, eq=False)
class Applied:
    """All that one promotion takes and gives, line by line in the price lane, else at once."""

    promotion: Promotion
    coupon_id: int | None
    last: Offer
    reach: frozenset[int] = frozenset()
    shares: dict[int, int] = field(default_factory=dict)
    units: dict[int, int] = field(default_factory=dict)
    saves_fen: int = 0

    def add(self, candidate: Candidate, offer: Offer) -> None:
        """Take note of what it takes off further lines."""
        self.last = offer
        self.reach |= candidate.reach
        self.shares.update(offer.by_line)
        self.units.update(offer.units)
        self.saves_fen += offer.saves_fen

    def adjustment(self, met: Met | None) -> Adjustment:
        """Return it as the quote tells it, with the condition its gifts were earned with."""
        return Adjustment(
            promotion_id=self.promotion.promotion_id,
            kind=self.promotion.rule.kind,
            lane=self.promotion.lane,
            title=self.promotion.title,
            shares=self.shares,
            freight_fen=self.last.freight_fen,
            coupon_id=self.coupon_id,
            units=self.units,
            gifts=self.last.gifts,
            points=self.last.points,
            coupons=self.last.coupons,
            met=met,
        )

    def verdict(self) -> Verdict:
        """Return the verdict on it."""
        return Verdict(
            promotion_id=self.promotion.promotion_id,
            title=self.promotion.title,
            code=Code.APPLIED,
            amount_fen=self.saves_fen,
            shortfall=self.last.next_step,
            coupon_id=self.coupon_id,
        )


class Outcome:
    """What has applied, in order, the first thing said of each of the others, and refusals."""

    def __init__(self, others: Mapping[int, Sequence[Verdict]]) -> None:
        self.applied: dict[int, Applied] = {}
        self.refusals: dict[tuple[int, int], int] = {}
        self.is_optimal = True
        self._others = others
        """Verdicts on those who were never let in."""
        self._verdicts: dict[int, Verdict] = {}

    def apply(self, candidate: Candidate, offer: Offer) -> None:
        """Take note that `candidate` applies."""
        promotion = candidate.promotion
        applied = self.applied.get(promotion.promotion_id)
        if applied is None:
            applied = Applied(promotion, candidate.coupon_id, offer)
            self.applied[promotion.promotion_id] = applied
        applied.add(candidate, offer)
        self.refuse(promotion, offer.refuses)

    def refuse(self, promotion: Promotion, most: Mapping[int, int]) -> None:
        """Take note of lines that ask for more pieces than the promotion sells."""
        for line_id, pieces in most.items():
            self.refusals[line_id, promotion.promotion_id] = pieces

    def has_said(self, promotion: Promotion) -> bool:
        """Say whether `lose` is needless: the first thing said of a promotion is kept."""
        return promotion.promotion_id in self._verdicts

    def lose(
        self,
        promotion: Promotion,
        coupon_id: int | None,
        code: Code,
        amount_fen: int = 0,
        *,
        by: int | None = None,
        shortfall: Shortfall | None = None,
    ) -> None:
        """Take note that a promotion does not apply, though it may on another line."""
        if promotion.promotion_id not in self._verdicts:
            self._verdicts[promotion.promotion_id] = Verdict(
                promotion_id=promotion.promotion_id,
                title=promotion.title,
                code=code,
                amount_fen=amount_fen,
                by=by,
                shortfall=shortfall,
                coupon_id=coupon_id,
            )

    def quote(
        self, cart: Cart, snapshot: Snapshot, matches: Sequence[Match], freight_fen: int
    ) -> Quote:
        """Return the quote; each of `matches` has its verdict in the trace."""
        adjustments = self._adjustments(cart)
        lines = _priced(cart.lines, adjustments, cart.points_fen)
        return Quote(
            snapshot_version=snapshot.version,
            cart=cart,
            lines=tuple(lines),
            adjustments=adjustments,
            trace=tuple([verdict for one, _ in matches for verdict in self._said_of(one)]),
            is_optimal=self.is_optimal,
            freight_list_fen=cart.freight_fen,
            freight_fen=freight_fen,
            tender_fen=sum([line.tender_fen for line in lines]),
            gifts=_gift_lines(adjustments),
            refusals=tuple(
                Refusal(promotion_id=promotion_id, line_id=line_id, most=most)
                for (line_id, promotion_id), most in sorted(self.refusals.items())
            ),
        )

    def _adjustments(self, cart: Cart) -> tuple[Adjustment, ...]:
        """Return what has applied, in order; what a condition counted is what was payable then."""
        if all(applied.last.met is None for applied in self.applied.values()):
            return tuple([applied.adjustment(None) for applied in self.applied.values()])
        lines = {line.line_id: line for line in cart.lines}
        payable = {line.line_id: line.base_amount_fen for line in cart.lines}
        found: list[Adjustment] = []
        for applied in self.applied.values():
            met = applied.last.met
            if met is not None:
                counted = {line_id: payable[line_id] for line_id in applied.reach}
                if met.measure is Measure.PIECES:
                    counted = {line_id: lines[line_id].quantity for line_id in applied.reach}
                elif applied.promotion.base is Base.INITIAL:
                    counted = {line_id: lines[line_id].base_amount_fen for line_id in applied.reach}
                met = replace(met, counted=counted)
            found.append(applied.adjustment(met))
            for line_id, share in applied.shares.items():
                payable[line_id] -= share
        return tuple(found)

    def _said_of(self, promotion: Promotion) -> list[Verdict]:
        """Return the verdict on `promotion`, and those on further coupons of it."""
        promotion_id = promotion.promotion_id
        others = [*self._others.get(promotion_id, ())]
        if promotion_id in self.applied:
            return [self.applied[promotion_id].verdict(), *others]
        if promotion_id in self._verdicts:
            return [self._verdicts[promotion_id], *others]
        return others


def _priced(
    lines: Sequence[CartLine], adjustments: Sequence[Adjustment], points_fen: int
) -> list[PricedLine]:
    """
    Return the lines with what `adjustments` take off each.

    Points pay the goods, each line in proportion to what it costs, and never freight.
    """
    discounts: dict[int, list[tuple[int, int]]] = {line.line_id: [] for line in lines}
    payable = {line.line_id: line.base_amount_fen for line in lines}
    for one in adjustments:
        for line_id, share in one.shares.items():
            if share:
                discounts[line_id].append((one.promotion_id, share))
                payable[line_id] -= share
    tender = apportion(payable, min(points_fen, sum(payable.values())))
    return [
        PricedLine(
            line_id=line.line_id,
            sku_id=line.sku_id,
            quantity=line.quantity,
            unit_price_fen=line.unit_price_fen,
            base_price_fen=line.base_price_fen,
            payable_fen=payable[line.line_id],
            discounts=tuple(discounts[line.line_id]),
            tender_fen=tender[line.line_id],
        )
        for line in lines
    ]


def _gift_lines(adjustments: Sequence[Adjustment]) -> tuple[GiftLine, ...]:
    return tuple(
        GiftLine(
            promotion_id=one.promotion_id,
            sku_id=gift.sku_id,
            quantity=gift.quantity,
            value_fen=gift.value_fen,
        )
        for one in adjustments
        for gift in one.gifts
    )
