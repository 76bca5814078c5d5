"""Who recommended the shop to a member: what signing in brings along, and who counts as new."""

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from app.core import crypto
from app.members import queries
from app.members.models import Member
from distribution import team
from distribution.team import binding, binding_rules, clicks, sharing
from distribution.team.clicks import Shared
from distribution.team.models import Binding, ShareClick
from distribution.team.states import BindingMode, Source
from promotions import buyers

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a member who signs in brings along; each may be missing or worthless."""

    invite_code: str | None = None
    """Typed."""
    scene: str | None = None
    visitor_key: str | None = None
    """The key of their clicks before they signed in."""


def follow(
    session: Session, *, member: Member, upline_id: int, why: team.Why, now: datetime
) -> Binding:
    """
    Bind a member who was touched by a distributor, as the rules say.

    Another account of the same person, by unionid or phone number, is the person: nobody recommends
    the shop to themselves. Nor is somebody new who has paid under another account.

    :raises BindingRefused: it does not count; see `team.bind_to`.
    """
    person = queries.person(session, member.id)
    if upline_id in person.accounts:
        raise team.SelfBinding(f"distributor {upline_id} is the person of member {member.id}")
    has_paid = buyers.has_paid(session, person.accounts, keys=person.keys)
    newness = team.Newness(member.created_at, has_paid)
    return team.bind_to(
        session, member_id=member.id, upline_id=upline_id, why=why, newness=newness, now=now
    )


def visitor(key: str) -> str:
    """What stands for a visitor in the log of clicks: a keyed hash, from which nobody is found."""
    return crypto.lookup_hash(f"visitor:{key}")


def bind_upline(session: Session, *, member: Member, invitation: Invitation, now: datetime) -> None:
    """
    Bind the member to whoever brought them, if anybody did; whatever is wrong with that is logged.

    What they typed comes before what they followed. Of what they followed the first counts, or
    where the latest touch counts the latest, which is the scene they come with.
    """
    try:
        touch = _touch(session, member, invitation, now=now)
        if touch is not None:
            upline_id, why = touch
            follow(session, member=member, upline_id=upline_id, why=why, now=now)
    except team.BindingRefused as refusal:
        _say(member, refusal)


def _touch(
    session: Session, member: Member, invitation: Invitation, *, now: datetime
) -> tuple[int, team.Why] | None:
    """Whose touch counts, and what it was."""
    if invitation.invite_code:
        code = invitation.invite_code.upper()
        return binding.inviter(session, code), team.Why(Source.INVITE_CODE)
    visit, scan = None, _scan(session, member, invitation.scene, now=now)
    if invitation.visitor_key:
        visit = clicks.waiting(
            session, visitor(invitation.visitor_key), member_id=member.id, now=now
        )
    counts = visit or scan
    if visit is not None and scan is not None:
        is_latest = binding_rules.current(session).mode == BindingMode.LAST_TOUCH
        counts = scan if is_latest else visit
    if counts is None:
        return None
    return counts.upline_member_id, team.Why(counts.source, click_id=counts.id)


def _scan(
    session: Session, member: Member, scene: str | None, *, now: datetime
) -> ShareClick | None:
    """The click that coming with a scene is; None without one of ours."""
    code = sharing.invite_code_in(scene) if scene else None
    if scene is None or code is None:
        return None
    carrier = sharing.carrier_of(scene) or Source.CODE
    shared = Shared(code, carrier, scene, sharing.spu_id_in(scene))
    try:
        return clicks.of_member(session, member.id, shared, now=now)
    except team.BindingRefused as refusal:
        _say(member, refusal)
        return None


def _say(member: Member, refusal: team.BindingRefused) -> None:
    log.info("binding_refused", member_id=member.id, reason=type(refusal).__name__)
