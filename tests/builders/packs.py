"""Builders for new-user packs, the templates in them, and people who claim."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from promotions.models import Promotion
from promotions.packs import life
from promotions.packs.claims import Person
from promotions.packs.models import Pack
from promotions.packs.setup import Eligibility, Part, PartKind, Setup
from tests.builders.coupons import make_template
from tests.builders.promotions import NOON, STAFF, make_campaign

POINTS = Part(kind=PartKind.POINTS, points=100)


TERMS: dict[str, dict[str, Any]] = {
    "coupon_amount": {"threshold_fen": 10_000, "off_fen": 1_000},
    "coupon_percent": {"threshold_fen": 0, "off_bp": 1_000, "max_off_fen": 500},
    "coupon_freight": {"threshold_fen": 0, "off_fen": None},
    "coupon_exchange": {"sku_id": 1, "quantity": 1},
    "coupon_price": {"prices": [{"sku_id": 1, "price_fen": 100}], "max_units": 1},
}


def make_gift_template(
    session: Session,
    kind: str = "coupon_amount",
    *,
    starts_at: datetime = NOON,
    ends_at: datetime | None = None,
    audience: dict[str, Any] | None = None,
    **more: Any,
) -> Promotion:
    """A published template of a kind; one of a first-order price is for new buyers."""
    template = make_template(session, starts_at=starts_at, ends_at=ends_at, **more)
    if audience is None and kind == "coupon_price":
        audience = {"is_new": True}
    campaign = make_campaign(
        kind=kind, terms=TERMS[kind], starts_at=starts_at, ends_at=ends_at, audience=audience
    )
    template.kind, template.definition = kind, campaign.definition()
    template.lane = campaign.compiled(template.id).lane
    session.flush()
    return template


def coupons_of(template: Promotion, count: int = 1, kind: PartKind = PartKind.COUPON) -> Part:
    """A part that gives coupons of a template."""
    return Part(kind=kind, promotion_id=template.id, count=count)


def make_setup(*parts: Part, **more: Any) -> Setup:
    """100 points, or these parts, for who never paid; from noon on."""
    fields = {
        "title": "新人礼包",
        "eligibility": Eligibility.NEVER_PAID,
        "parts": parts or (POINTS,),
        "starts_at": NOON,
        **more,
    }
    return Setup(**fields)


def make_pack(session: Session, *parts: Part, now: datetime = NOON, **more: Any) -> Pack:
    """A pack that can be claimed from noon on."""
    draft = life.create(session, setup=make_setup(*parts, **more), staff_id=STAFF, now=now)
    return life.publish(session, pack_id=draft.id, staff_id=STAFF, now=now)


def make_person(member_id: int = 1, keys: Sequence[str] = (), **more: Any) -> Person:
    """Somebody who registered an hour before noon, known by `openid:<member id>` and `keys`."""
    fields = {
        "registered_at": NOON - timedelta(hours=1),
        "keys": frozenset({f"openid:{member_id}", *keys}),
        "accounts": frozenset({member_id}),
        "is_first_account": True,
        **more,
    }
    return Person(member_id=member_id, **fields)
