"""
What an order would be: lines, freight and the quote, priced at this moment. Nothing is written.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from app.carts import service as carts
from app.carts.service import SkuNotForSale
from app.catalogue import freight
from app.catalogue import queries as catalogue
from app.catalogue.freight import FreightLine
from app.catalogue.queries import SellableSku
from app.catalogue.stock import OutOfStock
from app.core.errors import Conflict
from app.marketing import service as marketing
from app.marketing.service import ANY_CHOICE, Choice, Priced, QuoteLine
from app.members import queries as members
from app.members.queries import AddressSnapshot
from app.orders.models import OrderOrigin
from promotions.pricing import Code, Deal, GiftLine, PricedLine, Quote

OF_PRICE = (
    "unit_price_fen",
    "quantity",
    "amount_fen",
    "member_saves_fen",
    "discount_fen",
    "tender_fen",
    "payable_fen",
)
"""What an order's line keeps of its price."""
NOT_RUNNING = "not_running"
"""Why a deal that is not even a candidate sells nothing: it is not on, or has no such SKU."""


class DealGone(Conflict):
    """The deal does not sell what is asked for; `reason` says why, as a verdict does."""

    code, title = "deal_gone", "活动已结束或暂不可参加"


class CartChanged(Conflict):
    """A line of the cart that was to be bought is not there any more."""

    code, title = "cart_changed", "购物车已变更，请刷新后重试"


@dataclass(frozen=True, slots=True)
class Expected:
    """What the buyer saw come with the order; None: they did not say."""

    gifts: Mapping[int, int] | None = None
    """SKU id → pieces."""
    coupons: Mapping[int, int] | None = None
    """Template (promotion id) → coupons granted once it is paid."""
    points: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be bought: SKU id → pieces, where the buyer chose them, and how to price them."""

    origin: OrderOrigin
    quantities: Mapping[int, int]
    choice: Choice = ANY_CHOICE
    expected: Expected = Expected()
    deal: Deal | None = None
    """The campaign whose price is asked for, and no other."""
    team_no: str | None = None
    """The team that a group-buy order joins; without one it opens a team."""


@dataclass(frozen=True, slots=True)
class DraftLine:
    """One line as it would be ordered."""

    seq: int
    sku: SellableSku
    priced: PricedLine

    @property
    def amounts(self) -> dict[str, int]:
        """Pieces and fen as the order keeps them: `payable_fen` is money, points are told apart."""
        priced = self.priced
        return {
            **{name: getattr(priced, name) for name in OF_PRICE},
            "payable_fen": priced.payable_fen - priced.tender_fen,
        }


@dataclass(frozen=True, slots=True)
class DraftGift:
    """One gift as it would come with the order."""

    seq: int
    sku: SellableSku
    gift: GiftLine


@dataclass(frozen=True, slots=True)
class Draft:
    """What an order would be. Freight is only known with an address."""

    lines: Sequence[DraftLine]
    gifts: Sequence[DraftGift]
    priced: Priced
    address: AddressSnapshot | None
    drawn_from: str | None = None
    """The carve that its pieces come from; None: the shelf."""

    @property
    def quote(self) -> Quote:
        """Why it costs what it costs."""
        return self.priced.quote

    @property
    def quantities(self) -> dict[int, int]:
        """All pieces it takes off the shelf by SKU id, gifts included."""
        pieces = Counter(self.gift_quantities)
        for line in self.lines:
            pieces[line.sku.sku_id] += line.priced.quantity
        return dict(pieces)

    @property
    def gift_quantities(self) -> dict[int, int]:
        """The pieces it gives away by SKU id."""
        pieces: Counter[int] = Counter()
        for each in self.gifts:
            pieces[each.sku.sku_id] += each.gift.quantity
        return dict(pieces)

    @property
    def granted_coupons(self) -> dict[int, int]:
        """The coupons it earns once it is paid, by template."""
        coupons: Counter[int] = Counter()
        for adjustment in self.quote.adjustments:
            for template, count in adjustment.coupons:
                coupons[template] += count
        return dict(coupons)

    @property
    def granted_points(self) -> int:
        """The points it earns once it is paid."""
        return sum(adjustment.points for adjustment in self.quote.adjustments)

    def is_as(self, expected: Expected) -> bool:
        """Say whether what comes with it is what the buyer saw, as far as they said."""
        said = (expected.gifts, expected.coupons, expected.points)
        brings = (self.gift_quantities, self.granted_coupons, self.granted_points)
        return all(one in (None, other) for one, other in zip(said, brings, strict=True))


def preview(
    session: Session,
    *,
    buyer_id: int,
    wanted: Wanted,
    address_id: int | None,
    now: datetime,
) -> Draft:
    """
    Say what an order would cost by the buyer's choice, and why; nothing is written or held.

    :raises SkuNotForSale: a SKU is unknown or off the shelf.
    :raises OutOfStock: there are fewer pieces than asked for.
    :raises RegionNotServed: a product is not sent to the address.
    :raises AddressNotFound: no such address, or somebody else's.
    :raises DealGone: the deal that is wanted does not price every piece.
    """
    drawn_from = marketing.carve_of(session, wanted.deal, now=now)
    skus = _sellable(session, wanted.quantities, is_carved=drawn_from is not None)
    address = None
    if address_id is not None:
        address = members.address_snapshot(session, member_id=buyer_id, address_id=address_id)
    freight_fen = _freight_fen(session, skus, wanted.quantities, address)
    # Lines are numbered by SKU id, so the same goods make the same quote however they were named.
    numbered = list(enumerate(sorted(wanted.quantities), start=1))
    priced = marketing.priced(
        session,
        lines=[
            QuoteLine(line_id=seq, sku=skus[sku_id], quantity=wanted.quantities[sku_id])
            for seq, sku_id in numbered
        ],
        member_id=buyer_id,
        freight_fen=freight_fen,
        choice=replace(wanted.choice, deal=wanted.deal),
        now=now,
    )
    if wanted.deal is not None and not priced.quote.refusals:
        _require_deal(priced.quote, wanted.deal)
    of_line = {line.line_id: line for line in priced.quote.lines}
    return Draft(
        lines=[DraftLine(seq, skus[sku_id], of_line[seq]) for seq, sku_id in numbered],
        gifts=[
            DraftGift(seq, priced.gift_skus[gift.sku_id], gift)
            for seq, gift in enumerate(priced.quote.gifts, start=len(numbered) + 1)
        ],
        priced=priced,
        address=address,
        drawn_from=drawn_from,
    )


def from_cart(session: Session, *, buyer_id: int, item_ids: Sequence[int]) -> Wanted:
    """
    What the buyer's cart lines ask for; the cart is left as it is.

    :raises CartChanged: one of them is not in the cart.
    """
    return _from_cart(carts.quantities(session, member_id=buyer_id, item_ids=item_ids), item_ids)


def taken_from_cart(session: Session, *, buyer_id: int, item_ids: Sequence[int]) -> Wanted:
    """
    Take the buyer's cart lines out of the cart: of two orders for them one is placed.

    :raises CartChanged: one of them is not in the cart.
    """
    return _from_cart(carts.take(session, member_id=buyer_id, item_ids=item_ids), item_ids)


def _from_cart(quantities: Mapping[int, int], item_ids: Sequence[int]) -> Wanted:
    if len(quantities) != len(set(item_ids)):
        raise CartChanged
    return Wanted(OrderOrigin.CART, quantities)


def _require_deal(quote: Quote, deal: Deal) -> None:
    units: Mapping[int, int] = {}
    for adjustment in quote.adjustments:
        if adjustment.promotion_id == deal.promotion_id:
            units = adjustment.units
    if any(units.get(line.line_id) != line.quantity for line in quote.lines):
        said = [one.code for one in quote.trace if one.promotion_id == deal.promotion_id]
        reason = said[0].value if said and said[0] is not Code.APPLIED else NOT_RUNNING
        raise DealGone(promotion_id=deal.promotion_id, reason=reason)


def _sellable(
    session: Session, quantities: Mapping[int, int], *, is_carved: bool
) -> dict[int, SellableSku]:
    skus = catalogue.skus_for_pricing(session, quantities.keys())
    for sku_id, quantity in sorted(quantities.items()):
        sku = skus.get(sku_id)
        if sku is None or not sku.is_on_sale:
            raise SkuNotForSale(sku_id=sku_id)
        if sku.available < quantity and not is_carved:
            raise OutOfStock(sku_id=sku_id, available=sku.available)
    return skus


def _freight_fen(
    session: Session,
    skus: Mapping[int, SellableSku],
    quantities: Mapping[int, int],
    address: AddressSnapshot | None,
) -> int:
    if address is None:
        return 0
    parcels = [
        FreightLine(
            template_id=skus[sku_id].freight_template_id,
            quantity=quantity,
            weight_g=skus[sku_id].weight_g,
            amount_fen=skus[sku_id].price_fen * quantity,
        )
        for sku_id, quantity in quantities.items()
    ]
    return freight.freight_fen(session, region_code=address.region_code, parcels=parcels)
