"""
What a pack gives: whether its templates exist, fit their part and last long enough; and giving it.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from promotions import points
from promotions.coupons import issuing, templates
from promotions.coupons.states import ClaimState
from promotions.coupons.templates import Template
from promotions.packs.setup import BadPack, PackFlaw, Part, PartKind, Setup

KINDS = {
    PartKind.COUPON: {"coupon_amount", "coupon_percent", "coupon_freight"},
    PartKind.FIRST_ORDER_PRICE: {"coupon_price"},
    PartKind.GIFT: {"coupon_exchange"},
}
"""The kinds of template each kind of part can give."""


class CannotGive(Exception):
    """A template gives nothing now: it is stopped, over, or issued out."""

    def __init__(self, promotion_id: int) -> None:
        super().__init__(f"template {promotion_id}")
        self.promotion_id = promotion_id


def require_fitting(session: Session, setup: Setup) -> None:
    """
    Check that every template exists and is of a kind its part can give.

    :raises BadPack: one does not.
    """
    for field, part, promotion_id in _named(setup.parts):
        try:
            template = templates.get(session, promotion_id)
        except templates.NoSuchTemplate as missing:
            raise BadPack(field, PackFlaw.NO_TEMPLATE) from missing
        if template.promotion.kind not in KINDS[part.kind]:
            raise BadPack(field, PackFlaw.WRONG_KIND)
        if part.kind is PartKind.FIRST_ORDER_PRICE and not _is_for_new(template):
            raise BadPack(field, PackFlaw.NOT_FIRST_ORDER)


def require_giving(session: Session, setup: Setup, *, now: datetime) -> None:
    """
    Check that every template can be given as long as the pack can be claimed.

    :raises BadPack: one is not published, is over before the pack is, or issues too few coupons.
    """
    begins_at = max(now, setup.starts_at)
    for field, part, promotion_id in _named(setup.parts):
        template = templates.get(session, promotion_id)
        state = templates.state(template, begins_at)
        if state is ClaimState.CLOSED:
            raise BadPack(field, PackFlaw.NOT_PUBLISHED)
        last = _last_moment(template)
        ends_first = last is not None and (setup.ends_at is None or last < setup.ends_at)
        if state is not ClaimState.CLAIMABLE or ends_first:
            raise BadPack(field, PackFlaw.ENDS_FIRST)
        room = issuing.room(session, promotion_id)
        if room is not None and room < part.count * (setup.most_claims or 1):
            raise BadPack(field, PackFlaw.TOO_FEW)


def can_give(session: Session, parts: Sequence[Part], *, now: datetime) -> bool:
    """Whether every template of the parts gives as many as promised at this moment."""
    for _, part, promotion_id in _named(parts):
        if templates.state(templates.get(session, promotion_id), now) is not ClaimState.CLAIMABLE:
            return False
        room = issuing.room(session, promotion_id)
        if room is not None and room < part.count:
            return False
    return True


def give(
    session: Session, *, parts: Sequence[Part], member_id: int, source: str, now: datetime
) -> None:
    """
    Give a member all parts for `source`, templates in the order of their ids; repeatable.

    :raises CannotGive: a template gives nothing now; roll the transaction back.
    """
    named = [(part.promotion_id, part.count) for part in parts if part.promotion_id is not None]
    try:
        for promotion_id, count in sorted(named):
            issuing.issue(
                session,
                promotion_id=promotion_id,
                member_id=member_id,
                source=source,
                count=count,
                now=now,
            )
    except templates.Refused as refused:
        raise CannotGive(refused.promotion_id) from refused
    for part in parts:
        if part.points is not None:
            points.grant(session, member_id=member_id, points=part.points, source=source, now=now)


def _named(parts: Sequence[Part]) -> Iterator[tuple[str, Part, int]]:
    """Yield the parts that name a template: where each stands, itself, and the template."""
    for number, part in enumerate(parts):
        if part.promotion_id is not None:
            yield f"parts.{number}", part, part.promotion_id


def _is_for_new(template: Template) -> bool:
    audience = template.promotion.definition.get("audience") or {}
    return audience.get("is_new") is True


def _last_moment(template: Template) -> datetime | None:
    """Return when the template stops giving for good, if it ever does."""
    ends = (template.promotion.ends_at, template.terms.valid_ends_at)
    return min((one for one in ends if one is not None), default=None)
