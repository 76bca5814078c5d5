"""
What a newcomer does with packs: see the one they may claim, claim it, look at what they got.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.core.errors import Conflict, NotFound
from app.members import queries as members
from app.members import service as accounts
from app.members.models import Member
from app.packs import wording
from promotions import points
from promotions.coupons import queries as coupons
from promotions.packs import claims, queries
from promotions.packs.claims import Person, Refusal
from promotions.packs.models import Pack, PackClaim


class PackNotFound(NotFound):
    code, title = "pack_not_found", "礼包不存在"


class PackNotClaimable(Conflict):
    """The member cannot have this pack; `reason` is a `promotions.packs.claims.Refusal`."""

    code, title = "pack_not_claimable", "暂时不能领取该礼包"


def offered(session: Session, *, member_id: int, now: datetime) -> dict[str, Any]:
    """
    Return the pack a member may claim now; else one that runs and why they cannot have it.

    :raises MemberNotFound: there is no such member, or they have left.
    """
    person = _person(session, members.get(session, member_id))
    best: dict[str, Any] | None = None
    for pack in queries.running(session, now=now):
        offer = _offer(session, pack, person, now)
        if offer["can_claim"]:
            return offer
        if best is None or (offer["claimed_at"] and not best["claimed_at"]):
            best = offer
    return best or {
        **dict.fromkeys(("pack", "claim_ends_at", "claimed_at")),
        "can_claim": False,
        **_why(Refusal.NOT_OPEN),
    }


def claim(session: Session, *, member_id: int, pack_id: int, now: datetime) -> dict[str, Any]:
    """
    Give a member everything in a pack, once; asking again answers the same claim.

    :raises PackNotFound: there is none.
    :raises PackNotClaimable: the member cannot have it; nothing is given.
    :raises Unauthorized: the member has left since the request began.
    """
    person = _person(session, accounts.locked(session, member_id=member_id))
    try:
        claimed = claims.claim(session, pack_id=pack_id, person=person, now=now)
    except queries.NoSuchPack as missing:
        raise PackNotFound from missing
    except claims.Refused as refused:
        raise PackNotClaimable(**_why(refused.refusal)) from refused
    (answer,) = _claims_shown(session, [(claimed.claim, queries.get(session, pack_id))])
    return answer


def claimed(session: Session, *, member_id: int) -> list[dict[str, Any]]:
    """Return what a member has claimed, the latest first."""
    return _claims_shown(session, queries.claims_of(session, member_id))


def points_page(
    session: Session, *, member_id: int, before_id: int | None, limit: int
) -> dict[str, Any]:
    """Return a member's balance of points and up to `limit` rows of their list, latest first."""
    rows = points.history(session, member_id=member_id, before_id=before_id, limit=limit)
    return {"balance": points.balance(session, member_id), "items": rows}


def _offer(session: Session, pack: Pack, person: Person, now: datetime) -> dict[str, Any]:
    made = claims.claim_of(session, pack_id=pack.id, member_id=person.member_id)
    refusal = None if made else claims.refusal_of(session, pack, person, now)
    return {
        "pack": _shown(session, [pack])[pack.id],
        "can_claim": made is None and refusal is None,
        "claim_ends_at": claims.claim_ends_at(pack, person),
        "claimed_at": made.claimed_at if made else None,
        **_why(refusal),
    }


def _person(session: Session, member: Member) -> Person:
    same, keys = members.people(session, [member])[member.id]
    is_first = same[0] == member.id and not members.was_here_before(session, member.id)
    return Person(
        member_id=member.id,
        registered_at=member.created_at,
        keys=frozenset(keys),
        accounts=frozenset(same),
        is_first_account=is_first,
    )


def _why(refusal: Refusal | None) -> dict[str, Any]:
    if refusal is None:
        return {"reason": None, "message": None}
    return {"reason": refusal.value, "message": wording.REFUSALS[refusal]}


def _claims_shown(session: Session, found: list[tuple[PackClaim, Pack]]) -> list[dict[str, Any]]:
    shown = _shown(session, [pack for _, pack in found])
    return [
        {
            "pack": shown[pack.id],
            "claimed_at": claim.claimed_at,
            "coupons": queries.coupons_of(session, claim),
        }
        for claim, pack in found
    ]


def _shown(session: Session, packs: Iterable[Pack]) -> dict[int, dict[str, Any]]:
    """Packs as a shopper sees them, by id; each part is named after what it gives."""
    parts = {pack.id: queries.parts_of(pack) for pack in packs}
    named = {part.promotion_id for each in parts.values() for part in each if part.promotion_id}
    templates = coupons.promotions_of(session, named)
    return {
        pack.id: {
            "id": pack.id,
            "title": pack.title,
            "worth_fen": pack.worth_fen,
            "eligibility": pack.eligibility,
            "ends_at": pack.ends_at,
            "parts": [
                {
                    **part.to_json(),
                    "title": wording.part(
                        part, templates[part.promotion_id].title if part.promotion_id else ""
                    ),
                }
                for part in parts[pack.id]
            ],
        }
        for pack in packs
    }
