"""Becoming a distributor and being one no more: what members ask for, and what staff decide."""

from collections.abc import Callable, Collection
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.catalogue import queries as catalogue
from app.core.errors import Conflict, Invalid
from app.distributors import grades, views
from app.distributors import joining_wording as wording
from app.members import queries as members
from app.members import service as members_service
from distribution.team import facts, joining, joining_rules
from distribution.team.joining_rules import BadJoiningRules, JoiningRules
from distribution.team.models import Distributor
from distribution.team.states import DistributorStatus, Joining

MAY_APPLY = (None, DistributorStatus.LEFT, DistributorStatus.REFUSED)


class DistributorStatusConflict(Conflict):
    """The status, in `distributor_status`, does not allow the move."""

    code, title = "distributor_status_conflict", "分销员当前状态不允许该操作"


class DistributorsAppointed(Conflict):
    """The shop appoints its distributors; nobody applies."""

    code, title = "distributors_appointed", "本店分销员由商家指定，暂不接受申请"


def apply(session: Session, *, member_id: int, now: datetime) -> dict[str, Any]:
    """
    Become a distributor, or an applicant where more is asked. Free; asking again changes nothing.

    :raises Unauthorized: the member has left since the request began.
    :raises DistributorsAppointed: the shop appoints, and has not appointed this member.
    """
    members_service.locked(session, member_id=member_id)
    try:
        joining.join(session, member_id=member_id, now=now)
    except joining.NotByAsking as refusal:
        raise DistributorsAppointed from refusal
    return views.profile(session, member_id)


def leave(session: Session, *, member_id: int, now: datetime) -> dict[str, Any]:
    """
    Stop being a distributor, or withdraw the application; what was earned stays one's own.

    :raises Unauthorized: the member has left since the request began.
    :raises NotADistributor: the member never applied.
    """
    members_service.locked(session, member_id=member_id)
    joining.leave(session, member_id=member_id, now=now)
    return views.profile(session, member_id)


def page(session: Session, member_id: int) -> dict[str, Any]:
    """How one becomes a distributor here, how far this member is, and what there is to declare."""
    rules = joining_rules.current(session)
    try:
        found = joining.get(session, member_id)
    except joining.UnknownDistributor:
        found = None
    status = found.status if found else None
    is_asked = status == DistributorStatus.INVITED
    bought = facts.bought(session, [member_id], rules)[member_id]
    return {
        "status": status,
        "status_reason": found.status_reason if found else None,
        "may_apply": is_asked or (status in MAY_APPLY and rules.way != Joining.APPOINTED),
        "way": rules.way,
        "text": wording.how(rules),
        "declaration": wording.DECLARATION,
        "needs": wording.needs(rules, bought),
        "products": [
            {"spu_id": spu_id, "title": title}
            for spu_id, title in sorted(catalogue.titles(session, rules.spu_ids).items())
        ],
    }


def rules(session: Session) -> dict[str, Any]:
    """How one becomes a distributor, with what the law says of each way."""
    found = joining_rules.current(session)
    choices = [
        {"way": way, "name": name, "compliance_note": wording.NOTES[way]}
        for way, name in wording.WAYS.items()
    ]
    return {**asdict(found), "compliance_note": wording.NOTES[found.way], "choices": choices}


def change_rules(
    session: Session, *, fields: dict[str, Any], staff_id: int, now: datetime
) -> dict[str, Any]:
    """
    Put a way of joining in force. Who is a distributor stays one.

    :raises Invalid: an amount or products are missing, unknown, or set for another way.
    """
    wanted = JoiningRules(**{**fields, "spu_ids": tuple(fields["spu_ids"])})
    _refuse_unknown_products(session, wanted.spu_ids)
    try:
        joining_rules.change(session, wanted, changed_by=f"staff:{staff_id}", now=now)
    except BadJoiningRules as error:
        raise Invalid(errors={_culprit(wanted): ["与所选方式不符，或缺少必填项"]}) from error
    return rules(session)


def history(session: Session, member_id: int) -> dict[str, Any]:
    """
    Every status and grade a distributor had, the latest first: since when, by whom and why.

    :raises NotADistributor: the member never applied and was never appointed.
    """
    views.distributor(session, member_id)
    return {
        "statuses": joining.history(session, member_id),
        "grades": grades.history(session, member_id),
    }


def approve(session: Session, *, member_id: int, staff_id: int, now: datetime) -> dict[str, Any]:
    """
    Accept an application.

    :raises NotADistributor: the member never applied.
    :raises DistributorStatusConflict: no application is open.
    """
    actor = f"staff:{staff_id}"
    return _move(
        session,
        member_id,
        lambda: joining.approve(session, member_id=member_id, actor=actor, now=now),
    )


def refuse(
    session: Session, *, member_id: int, reason: str, staff_id: int, now: datetime
) -> dict[str, Any]:
    """
    Refuse an application; the member reads the reason and may apply again.

    :raises NotADistributor: the member never applied.
    :raises DistributorStatusConflict: no application is open.
    """
    actor = f"staff:{staff_id}"
    return _move(
        session,
        member_id,
        lambda: joining.refuse(session, member_id=member_id, reason=reason, actor=actor, now=now),
    )


def appoint(
    session: Session, *, member_id: int, reason: str, staff_id: int, now: datetime
) -> dict[str, Any]:
    """
    Make a member a distributor by hand: an applicant begins, others are invited to.

    :raises MemberNotFound: there is no such member, or they have left.
    :raises DistributorStatusConflict: the member is a distributor, frozen, or invited already.
    """
    members.get(session, member_id)
    actor = f"staff:{staff_id}"
    try:
        made = joining.appoint(session, member_id=member_id, reason=reason, actor=actor, now=now)
    except joining.IllegalMove as error:
        status = joining.get(session, member_id).status
        raise DistributorStatusConflict(distributor_status=status) from error
    return views.for_staff(session, made)


def freeze(
    session: Session, *, member_id: int, reason: str, staff_id: int, now: datetime
) -> dict[str, Any]:
    """
    Stop a distributor from earning; what was earned stays.

    :raises NotADistributor: the member never applied.
    :raises DistributorStatusConflict: the distributor is not active.
    """
    actor = f"staff:{staff_id}"
    return _move(
        session,
        member_id,
        lambda: joining.freeze(session, member_id=member_id, reason=reason, actor=actor, now=now),
    )


def resume(session: Session, *, member_id: int, staff_id: int, now: datetime) -> dict[str, Any]:
    """
    Let a frozen distributor earn again.

    :raises NotADistributor: the member never applied.
    :raises DistributorStatusConflict: the distributor is not frozen.
    """
    actor = f"staff:{staff_id}"
    return _move(
        session,
        member_id,
        lambda: joining.resume(session, member_id=member_id, actor=actor, now=now),
    )


def _move(session: Session, member_id: int, move: Callable[[], Distributor]) -> dict[str, Any]:
    views.distributor(session, member_id)
    try:
        moved = move()
    except joining.IllegalMove as error:
        status = joining.get(session, member_id).status
        raise DistributorStatusConflict(distributor_status=status) from error
    return views.for_staff(session, moved)


def _refuse_unknown_products(session: Session, spu_ids: Collection[int]) -> None:
    unknown = set(spu_ids) - catalogue.titles(session, spu_ids).keys()
    if unknown:
        raise Invalid(errors={"spu_ids": [f"商品不存在：{min(unknown)}"]})


def _culprit(wanted: JoiningRules) -> str:
    """The field that does not go with the way."""
    if (wanted.way == Joining.SPENDING) != (wanted.spend_fen is not None):
        return "spend_fen"
    return "in_one_order" if wanted.in_one_order else "spu_ids"
