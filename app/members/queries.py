"""What other slices may ask about members."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from app.core import crypto
from app.core.errors import NotFound
from app.members import identity
from app.members.models import FormerIdentity, Member, MemberAddress, MemberStatus


class MemberNotFound(NotFound):
    """There is no such member, or they have left."""

    code, title = "member_not_found", "用户不存在"


class AddressNotFound(NotFound):
    """The member has no such address."""

    code, title = "address_not_found", "收货地址不存在"


@dataclass(frozen=True, slots=True)
class AddressSnapshot:
    """Where and to whom to deliver, readable: what an order keeps."""

    receiver: str
    phone: str
    region_code: str
    province: str
    city: str
    district: str
    detail: str


@dataclass(frozen=True, slots=True)
class MemberBrief:
    """What others may see of a member."""

    member_id: int
    nickname: str
    avatar_url: str | None
    masked_phone: str | None


class Person(NamedTuple):
    """Who is behind an account, as the engines know people."""

    accounts: tuple[int, ...]
    """The active accounts with its unionid or its phone number, it included, by id."""
    keys: tuple[str, ...]
    """The hashes by which the account is known for ever."""


def get(session: Session, member_id: int) -> Member:
    """
    An active member.

    :raises MemberNotFound: there is none, or they have left.
    """
    member = session.get(Member, member_id)
    if member is None or member.status != MemberStatus.ACTIVE:
        raise MemberNotFound
    return member


def openid_of(session: Session, member_id: int) -> str:
    """
    The openid a payment or a payout needs.

    :raises MemberNotFound: there is none, or they have left.
    """
    return get(session, member_id).openid


def address(session: Session, *, member_id: int, address_id: int) -> MemberAddress:
    """
    One address of the member.

    :raises AddressNotFound: there is none, or it is somebody else's.
    """
    found = session.scalar(
        select(MemberAddress).where(
            MemberAddress.id == address_id, MemberAddress.member_id == member_id
        )
    )
    if found is None:
        raise AddressNotFound
    return found


def address_snapshot(session: Session, *, member_id: int, address_id: int) -> AddressSnapshot:
    """
    An address of the member as it is now.

    :raises AddressNotFound: there is none, or it is somebody else's.
    """
    return readable(address(session, member_id=member_id, address_id=address_id))


def readable(address: MemberAddress) -> AddressSnapshot:
    """Unseal an address."""
    return AddressSnapshot(
        receiver=crypto.open_sealed(address.receiver_sealed),
        phone=crypto.open_sealed(address.phone_sealed),
        region_code=address.region_code,
        province=address.province,
        city=address.city,
        district=address.district,
        detail=crypto.open_sealed(address.detail_sealed),
    )


def list_addresses(session: Session, member_id: int) -> list[MemberAddress]:
    """The address book, the default first, then the latest."""
    return list(
        session.scalars(
            select(MemberAddress)
            .where(MemberAddress.member_id == member_id)
            .order_by(MemberAddress.is_default.desc(), MemberAddress.id.desc())
        )
    )


def briefs(session: Session, member_ids: Collection[int]) -> dict[int, MemberBrief]:
    """What may be shown of these members, those who left included. One query."""
    members = session.scalars(select(Member).where(Member.id.in_(member_ids)))
    return {
        member.id: MemberBrief(member.id, member.nickname, member.avatar_url, member.masked_phone)
        for member in members
    }


def person(session: Session, member_id: int) -> Person:
    """
    Who is behind an active account.

    :raises MemberNotFound: there is none, or they have left.
    """
    return people(session, [get(session, member_id)])[member_id]


def people(session: Session, members: Collection[Member]) -> dict[int, Person]:
    """Who is behind each of these active accounts, by account. One query."""
    by_unionid: defaultdict[str | None, set[int]] = defaultdict(set)
    by_phone: defaultdict[str | None, set[int]] = defaultdict(set)
    found = session.execute(
        select(Member.id, Member.unionid, Member.phone_hash).where(
            Member.status == MemberStatus.ACTIVE,
            or_(
                Member.unionid.in_({each.unionid for each in members if each.unionid}),
                Member.phone_hash.in_({each.phone_hash for each in members if each.phone_hash}),
            ),
        )
    )
    for account, unionid, phone in found:
        by_unionid[unionid].add(account)
        by_phone[phone].add(account)
    by_unionid[None] = by_phone[None] = set()  # Having none is nothing in common.
    return {
        each.id: Person(
            tuple(sorted({each.id} | by_unionid[each.unionid] | by_phone[each.phone_hash])),
            tuple(identity.keys_of(each)),
        )
        for each in members
    }


def was_here_before(session: Session, member_id: int) -> bool:
    """
    Whether the person behind this member had an account and deleted it.

    :raises MemberNotFound: there is none, or they have left.
    """
    same = [
        (FormerIdentity.kind == kind) & (FormerIdentity.hash == hashed)
        for kind, hashed in identity.hashes_of(get(session, member_id))
    ]
    return bool(session.scalar(select(exists().where(or_(*same)))))
