"""What a member does to their own account: sign in, describe themselves, leave."""

import secrets
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import auth, crypto
from app.core.errors import Unauthorized
from app.members import identity, queries
from app.members.models import FormerIdentity, Member, MemberAddress, MemberStatus
from app.wechat.mini import LoginSession, PhoneNumber
from distribution.team import joining, joining_rules
from distribution.team.states import Joining
from promotions import buyers
from promotions.packs import claims as packs


def sign_in(session: Session, *, login: LoginSession, now: datetime) -> Member:
    """
    Find or create the member WeChat has just vouched for, and keep the newest session key.

    Of two first sign-ins at once one creates the member and the other finds it.
    """
    row = {
        "openid": login.openid,
        "unionid": login.unionid,
        "session_key_sealed": crypto.seal(login.session_key),
        "signed_in_at": now,
    }
    new = insert(Member).values(**row, created_at=now)
    kept = new.on_conflict_do_update(
        index_elements=[Member.openid],
        set_={
            "unionid": func.coalesce(new.excluded.unionid, Member.unionid),
            "session_key_sealed": new.excluded.session_key_sealed,
            "signed_in_at": new.excluded.signed_in_at,
        },
    ).returning(Member)
    member = session.scalars(kept, execution_options={"populate_existing": True}).one()
    if login.unionid:
        packs.learn(session, member_id=member.id, keys=identity.keys_of(member))
    return member


def enlist(session: Session, *, member_id: int, now: datetime) -> None:
    """Make who declares to be of age a distributor, if the merchant wants everybody to be one."""
    if joining_rules.current(session).way == Joining.EVERYONE:
        joining.join(session, member_id=member_id, now=now)


def locked(session: Session, *, member_id: int) -> Member:
    """
    The member, locked, so that what is written cannot outlive a departure at the same moment.

    :raises Unauthorized: the member has left since the request began.
    """
    member = session.scalar(
        select(Member)
        .where(Member.id == member_id, Member.status == MemberStatus.ACTIVE)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if member is None:
        raise Unauthorized
    return member


def lock_person(session: Session, *, member_id: int) -> None:
    """
    Lock every account of the person behind a member, by id.

    :raises Unauthorized: the member has left since the request began.
    """
    try:
        person = queries.person(session, member_id)
    except queries.MemberNotFound as gone:
        raise Unauthorized from gone
    found = session.scalars(
        select(Member.id)
        .where(Member.id.in_(person.accounts), Member.status == MemberStatus.ACTIVE)
        .order_by(Member.id)
        .with_for_update(key_share=True)
    ).all()
    if member_id not in found:
        raise Unauthorized


def describe(session: Session, *, member_id: int, changes: dict[str, str | None]) -> Member:
    """Change the nickname or the avatar of a member."""
    member = locked(session, member_id=member_id)
    for name, value in changes.items():
        setattr(member, name, value)
    session.flush()
    return member


def set_phone(session: Session, *, member_id: int, phone: PhoneNumber) -> Member:
    """Keep the phone number WeChat has verified, sealed, in place of any earlier one."""
    member = locked(session, member_id=member_id)
    member.phone_sealed = crypto.seal(phone.number)
    member.phone_country_code = phone.country_code
    member.phone_hash = identity.phone_hash(phone.country_code, phone.number)
    session.flush()
    packs.learn(session, member_id=member_id, keys=identity.keys_of(member))
    return member


def leave(session: Session, *, member_id: int, now: datetime) -> None:
    """
    Delete the account: nothing personal remains here, every token dies, the orders stay.

    Signing in again later makes a new member. Only keyed hashes remember that the person was here.
    """
    member = locked(session, member_id=member_id)
    _remember(session, member, now=now)
    person = queries.people(session, [member])[member_id]
    buyers.leave(session, accounts=person.accounts, keys=person.keys)
    member.openid = f"deleted:{secrets.token_hex(16)}"
    member.unionid = member.session_key_sealed = member.avatar_url = None
    member.phone_sealed = member.phone_country_code = member.phone_hash = None
    member.nickname = ""
    member.status = MemberStatus.DELETED
    member.deleted_at = now
    session.execute(delete(MemberAddress).where(MemberAddress.member_id == member_id))
    session.flush()
    joining.leave(session, member_id=member_id, now=now)
    auth.revoke_all(session, audience=auth.Audience.SHOPPER, subject_id=member_id, now=now)


def _remember(session: Session, member: Member, *, now: datetime) -> None:
    rows = [
        {"kind": kind, "hash": hashed, "left_at": now}
        for kind, hashed in identity.hashes_of(member)
    ]
    session.execute(insert(FormerIdentity).on_conflict_do_nothing(), rows)
