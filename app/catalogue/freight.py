"""What shipping costs: per freight template, by the longest region prefix, then summed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalogue.models import ChargeBy, FreightRule, FreightTemplate
from app.core.errors import AppError

PREFIX_LENGTHS = (6, 4, 2, 0)


class RegionNotServed(AppError):
    """Something in the parcel is not sent to the region; `template_ids` says which goods."""

    code, status, title = "region_not_served", 409, "部分商品暂不支持配送到该地区"


@dataclass(frozen=True, slots=True)
class FreightLine:
    """One line to ship."""

    template_id: int | None
    """None ships free, everywhere."""
    quantity: int
    weight_g: int
    """Of one piece."""
    amount_fen: int
    """What the whole line costs, compared with "free over"."""


class Charge(NamedTuple):
    """A rule with what its template counts."""

    charge_by: str
    is_served: bool
    first_units: int
    first_fen: int
    next_units: int
    next_fen: int
    free_over_fen: int | None


def freight_fen(session: Session, *, region_code: str, parcels: Sequence[FreightLine]) -> int:
    """
    The freight in fen to `region_code` (six digits): each template's goods together, then the sum.

    :raises RegionNotServed: a template has no rule for the region, or one that excludes it.
    """
    by_template: dict[int, list[FreightLine]] = {}
    for line in parcels:
        if line.template_id is not None:
            by_template.setdefault(line.template_id, []).append(line)
    if not by_template:
        return 0
    charges = _charges(session, region_code, by_template)
    unserved = sorted(id_ for id_ in by_template if not (id_ in charges and charges[id_].is_served))
    if unserved:
        raise RegionNotServed(template_ids=unserved)
    return sum(charge_fen(charges[id_], lines) for id_, lines in by_template.items())


def charge_fen(charge: Charge, lines: Sequence[FreightLine]) -> int:
    """The freight in fen of the lines of one template; a further unit begun is charged whole."""
    amount_fen = sum(line.amount_fen for line in lines)
    if charge.free_over_fen is not None and amount_fen >= charge.free_over_fen:
        return 0
    units = sum(
        line.quantity * (line.weight_g if charge.charge_by == ChargeBy.WEIGHT else 1)
        for line in lines
    )
    beyond = max(0, units - charge.first_units)
    return charge.first_fen + -(-beyond // charge.next_units) * charge.next_fen


def _charges(session: Session, region_code: str, template_ids: Iterable[int]) -> dict[int, Charge]:
    prefixes = [region_code[:length] for length in PREFIX_LENGTHS]
    rows = session.execute(
        select(
            FreightRule.template_id,
            FreightTemplate.charge_by,
            FreightRule.is_served,
            FreightRule.first_units,
            FreightRule.first_fen,
            FreightRule.next_units,
            FreightRule.next_fen,
            FreightRule.free_over_fen,
        )
        .join(FreightTemplate, FreightTemplate.id == FreightRule.template_id)
        .where(
            FreightRule.template_id.in_(list(template_ids)),
            FreightRule.region_prefix.in_(prefixes),
        )
        # The empty prefix sorts first: a longer one overwrites it.
        .order_by(FreightRule.template_id, FreightRule.region_prefix)
    )
    return {row.template_id: Charge(*row[1:]) for row in rows}
