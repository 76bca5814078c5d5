"""What members, visitors and staff do about bindings."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.core import queue
from app.core.errors import Conflict, Invalid, NotFound
from app.distributors import views as shop
from app.distributors.binding import views
from app.distributors.joining import DistributorStatusConflict
from app.members import queries as members
from app.members import recommending
from app.members import service as members_service
from distribution import team
from distribution.team import (
    binding,
    binding_rules,
    clicks,
    people,
    rebinding,
    sharing,
    teams,
    tree,
)
from distribution.team.binding_rules import BindingRules
from distribution.team.clicks import Shared
from distribution.team.states import DistributorStatus, Source


class InviteCodeUnknown(NotFound):
    code, title = "invite_code_unknown", "邀请码不存在"


class InviterNotActive(Conflict):
    """Whose code it is cannot take anybody now."""

    code, title = "inviter_not_active", "该邀请人的分销资格未生效"


class OwnInviteCode(Conflict):
    code, title = "own_invite_code", "不能使用自己的邀请码"


class UplineAlreadyBound(Conflict):
    """The present upline is protected."""

    code, title = "upline_already_bound", "你已有推荐人，不能更换"


class UplineCycle(Conflict):
    """The inviter was brought by the member, directly or through others."""

    code, title = "upline_cycle", "对方是你的下级，不能互为推荐人"


class MemberNotNew(Conflict):
    """Only new members may be bound, and this one is not."""

    code, title = "member_not_new", "仅新用户可以绑定推荐人"


class NotBound(Conflict):
    """There is nothing to unbind."""

    code, title = "not_bound", "该用户没有推荐人"


class RebindingCycle(Conflict):
    """The new upline is below the member."""

    code, title = "rebinding_cycle", "该推荐人是这位用户的下级，会形成循环"


REFUSALS = {
    team.UnknownInviteCode: InviteCodeUnknown,
    team.UplineNotActive: InviterNotActive,
    team.SelfBinding: OwnInviteCode,
    team.AlreadyBound: UplineAlreadyBound,
    team.BindingCycle: UplineCycle,
    team.NotNew: MemberNotNew,
}


def shared_by(
    *, invite_code: str = "", scene: str | None = None, source: str, spu_id: int | None = None
) -> Shared:
    """What was followed, from a code or from the scene that carries one and a product."""
    if scene is None:
        return Shared(invite_code, source, None, spu_id)
    carried = sharing.spu_id_in(scene)
    return Shared(sharing.invite_code_in(scene) or "", source, scene, carried or spu_id)


def bind(
    session: Session, *, member_id: int, invite_code: str, scene: str | None, now: datetime
) -> dict[str, Any]:
    """
    Make whoever has the invite code, or whose scene it is, the member's upline, as the rules say.

    :raises InviteCodeUnknown: nobody has the code.
    :raises InviterNotActive: whose code it is, is not an active distributor.
    :raises OwnInviteCode: it is the member's own.
    :raises UplineAlreadyBound: the member has another upline, who is protected.
    :raises UplineCycle: the inviter is below the member.
    :raises MemberNotNew: only new members may be bound.
    """
    member = members_service.locked(session, member_id=member_id)
    with _translated():
        if scene is None:
            upline_id = binding.inviter(session, invite_code)
            why = team.Why(Source.INVITE_CODE)
        else:
            shared = shared_by(scene=scene, source=sharing.carrier_of(scene) or Source.CODE)
            click = clicks.of_member(session, member_id, shared, now=now)
            upline_id, why = click.upline_member_id, team.Why(click.source, click_id=click.id)
        bound = recommending.follow(session, member=member, upline_id=upline_id, why=why, now=now)
    return views.bound(session, bound)


def click(session: Session, *, member_id: int, shared: Shared, now: datetime) -> dict[str, Any]:
    """
    Record a member's click, bind them if it counts, and say whose they are now and why not.

    :raises InviteCodeUnknown: nobody has the code.
    :raises OwnInviteCode: it is the member's own.
    """
    member = members_service.locked(session, member_id=member_id)
    with _translated():
        made = clicks.of_member(session, member_id, shared, now=now)
    refused = None
    try:
        recommending.follow(
            session,
            member=member,
            upline_id=made.upline_member_id,
            why=team.Why(made.source, click_id=made.id),
            now=now,
        )
    except team.BindingRefused as refusal:
        refused = REFUSALS[type(refusal)].code
    return {**views.of_member(session, member_id), "refused": refused}


def visit(session: Session, *, visitor: str, shared: Shared, now: datetime) -> None:
    """
    Record the click of somebody who has not signed in; it counts when they do.

    `visitor` is what stands for them, see `recommending.visitor`.

    :raises InviteCodeUnknown: nobody has the code.
    """
    with _translated():
        clicks.of_visitor(session, visitor, shared, now=now)


def rebind(
    session: Session,
    *,
    member_id: int,
    upline_member_id: int,
    reason: str,
    staff_id: int,
    now: datetime,
) -> dict[str, Any]:
    """
    Put a member below another distributor, whatever protects the present one.

    :raises MemberNotFound: there is no such member, or they have left.
    :raises InviterNotActive: the other is no active distributor.
    :raises RebindingCycle: the other is below the member.
    :raises Invalid: they are the same.
    """
    members.get(session, member_id)
    try:
        rebinding.rebind(
            session,
            member_id=member_id,
            upline_id=upline_member_id,
            actor=f"staff:{staff_id}",
            reason=reason,
            now=now,
        )
    except team.SelfBinding as error:
        raise Invalid(errors={"upline_member_id": ["不能是用户本人"]}) from error
    except team.UplineNotActive as error:
        raise InviterNotActive from error
    except team.BindingCycle as error:
        raise RebindingCycle from error
    return views.for_staff(session, member_id, now=now)


def unbind(
    session: Session, *, member_id: int, reason: str, staff_id: int, now: datetime
) -> dict[str, Any]:
    """
    Make a member nobody's until somebody binds them.

    :raises MemberNotFound: there is no such member, or they have left.
    :raises NotBound: they are nobody's already.
    """
    members.get(session, member_id)
    try:
        rebinding.unbind(
            session, member_id=member_id, actor=f"staff:{staff_id}", reason=reason, now=now
        )
    except team.NotBound as error:
        raise NotBound from error
    return views.for_staff(session, member_id, now=now)


def hand_over(
    session: Session,
    *,
    member_id: int,
    upline_member_id: int,
    reason: str,
    staff_id: int,
) -> dict[str, Any]:
    """
    Begin to hand the team of a distributor who stopped to another one; a job does it.

    :raises NotADistributor: the member never applied.
    :raises DistributorStatusConflict: the distributor is active, or was never.
    :raises InviterNotActive: the other is no active distributor.
    :raises Invalid: they are the same.
    """
    stopped = shop.distributor(session, member_id)
    if upline_member_id == member_id:
        raise Invalid(errors={"upline_member_id": ["不能是分销员本人"]})
    if stopped.status not in (DistributorStatus.FROZEN, DistributorStatus.LEFT):
        raise DistributorStatusConflict(distributor_status=stopped.status)
    try:
        tree.refuse_inactive(session, upline_member_id)
    except team.UplineNotActive as error:
        raise InviterNotActive from error
    queue.defer(
        session,
        "distributors.hand_over",
        from_id=member_id,
        to_id=upline_member_id,
        staff_id=staff_id,
        reason=reason,
    )
    return {"members": people.team_counts(session, member_id).level1_count}


def hand_over_some(
    session: Session, *, from_id: int, to_id: int, staff_id: int, reason: str, now: datetime
) -> int:
    """Hand over the next people of a team; returns how many, 0 when none is left to be."""
    try:
        return teams.hand_over(
            session, from_id=from_id, to_id=to_id, actor=f"staff:{staff_id}", reason=reason, now=now
        )
    except team.UplineNotActive:
        return 0  # The other has stopped meanwhile: who is left waits for another decision.


def change_rules(
    session: Session, *, fields: dict[str, Any], staff_id: int, now: datetime
) -> dict[str, Any]:
    """Put new rules of binding in force; the protection that was given before stays."""
    binding_rules.change(session, BindingRules(**fields), changed_by=f"staff:{staff_id}", now=now)
    return views.rules(session)


@contextmanager
def _translated() -> Iterator[None]:
    """The engine's refusals as the shop's."""
    try:
        yield
    except team.BindingRefused as refusal:
        raise REFUSALS[type(refusal)] from refusal
