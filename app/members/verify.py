"""What must hold of members, recomputed from the stored rows."""

from collections.abc import Iterator

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.verify import Breach
from app.members.models import Member, MemberAddress, MemberStatus


def verify(session: Session) -> Iterator[Breach]:
    """Every address book has one default, and whoever left has none at all."""
    defaults = func.count().filter(MemberAddress.is_default)
    for member_id, count in session.execute(
        select(MemberAddress.member_id, defaults)
        .group_by(MemberAddress.member_id)
        .having(defaults != 1)
    ):
        yield Breach("members.one_default_address", f"member {member_id}", f"{count} defaults")
    for member_id in session.scalars(
        select(Member.id)
        .join(MemberAddress, MemberAddress.member_id == Member.id)
        .where(Member.status == MemberStatus.DELETED)
        .distinct()
    ):
        yield Breach("members.left_without_trace", f"member {member_id}", "addresses remain")
