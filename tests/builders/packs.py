"""Builders for new-user packs, the templates in them, and people who claim."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from promotions import campaigns
from promotions.coupons import templates
from promotions.coupons.terms import Issue
from promotions.models import Promotion
from promotions.packs import life
from promotions.packs.claims import Person
from promotions.packs.models import Pack
from promotions.packs.setup import Eligibility, Part, PartKind, Setup
from promotions.states import CampaignStatus
from tests.builders.promotions import NOON, STAFF, make_campaign

POINTS = Part(kind=PartKind.POINTS, points=100)


TERMS: dict[str, dict[str, Any]] = {
    "coupon_amount": {"threshold_fen": 10_000, "off_fen": 1_000},
    "coupon_percent": {"threshold_fen": 0, "off_bp": 1_000, "max_off_fen": 500},
    "coupon_freight": {"threshold_fen": 0, "off_fen": None},
    "coupon_exchange": {"sku_id": 1, "quantity": 1},
    "coupon_price": {"prices": [{"sku_id": 1, "price_fen": 100}], "max_units": 1},
}


STEPS = {
    CampaignStatus.DRAFT: (),
    CampaignStatus.PUBLISHED: (campaigns.publish,),
    CampaignStatus.PAUSED: (campaigns.publish, campaigns.pause),
    CampaignStatus.ENDED: (campaigns.publish, campaigns.end),
}


def make_gift_template(
    session: Session,
    kind: str = "coupon_amount",
    *,
    status: CampaignStatus = CampaignStatus.PUBLISHED,
    starts_at: datetime = NOON,
    ends_at: datetime | None = None,
    audience: dict[str, Any] | None = None,
    terms: dict[str, Any] | None = None,
    **issue: Any,
) -> Promotion:
    """A template of coupons for a week; one of a first-order price is for new buyers."""
    if audience is None and kind == "coupon_price":
        audience = {"is_new": True}
    issued = Issue.parse({"valid_days": 7, **issue})
    campaign = make_campaign(
        kind=kind,
        terms=terms or TERMS[kind],
        starts_at=starts_at,
        ends_at=ends_at,
        audience=audience,
        issue=issued.to_json(),
    )
    draft = campaigns.create(session, campaign=campaign, staff_id=STAFF, now=starts_at)
    templates.write(session, promotion_id=draft.id, issue=issued)
    for step in STEPS[status]:
        step(session, promotion_id=draft.id, staff_id=STAFF, now=starts_at)
    return draft


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
