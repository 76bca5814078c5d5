"""Members and their addresses, as they stand after the mall made them."""

import itertools
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from app.members import addresses, service
from app.members.models import Member, MemberAddress
from app.wechat.mini import LoginSession, PhoneNumber

_numbers = itertools.count(1)
NOON = datetime(2026, 6, 1, 4, tzinfo=UTC)

ADDRESS = {
    "receiver": "王小明",
    "phone": "13812345678",
    "region_code": "440305",
    "province": "广东省",
    "city": "深圳市",
    "district": "南山区",
    "detail": "科技园 1 号楼 101",
}


def make_member(
    session: Session,
    *,
    openid: str | None = None,
    unionid: str | None = None,
    nickname: str = "",
    phone: str | None = None,
    now: datetime = NOON,
) -> Member:
    """A member who has signed in."""
    openid = openid or f"o-{next(_numbers):026}"
    login = LoginSession(openid=openid, session_key="c2Vzc2lvbiBrZXkhISEhIQ==", unionid=unionid)
    member = service.sign_in(session, login=login, now=now)
    member.nickname = nickname
    if phone:
        number = PhoneNumber(number=phone, country_code="86")
        service.set_phone(session, member_id=member.id, phone=number)
    session.flush()
    return member


def make_address(
    session: Session,
    *,
    member_id: int,
    is_default: bool = False,
    now: datetime = NOON,
    **fields: str,
) -> MemberAddress:
    """An address in a member's book: Shenzhen unless said otherwise."""
    return addresses.add(
        session, member_id=member_id, fields=ADDRESS | fields, is_default=is_default, now=now
    )
