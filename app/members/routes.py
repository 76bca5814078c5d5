"""Sign-in (public), and what a member does with their own account and address book."""

from typing import Any

from flask import g, request

from app import wechat
from app.core import auth, clock, crypto, redis
from app.core.db import read, transaction
from app.core.http import Blueprint
from app.core.redis import TooMany
from app.members import addresses, queries, recommending, schemas, service
from app.members.addresses import TooManyAddresses
from app.members.models import Member, MemberAddress
from app.members.queries import AddressNotFound
from app.members.recommending import Invitation
from app.wechat.errors import ResultUnknown, WeChatNotConfigured, WeChatRefused
from app.wechat.mini import LoginCodeRefused, UserBlocked

SIGN_INS_PER_IP = 600
"""A minute. Generous: many phones share the address of their carrier."""
TRIES_PER_CODE = 5
"""Five minutes, a code's life. It works once; more than one try is for answers that got lost."""
PHONE_CODES_PER_HOUR = 10
"""Each costs the merchant money."""

WECHAT_FAILURES = (LoginCodeRefused, ResultUnknown, WeChatNotConfigured, WeChatRefused, TooMany)

sign_in_bp = Blueprint("members_sign_in", __name__, description="小程序登录")
bp = Blueprint("members", __name__, description="我的账号与收货地址")


@sign_in_bp.post("/sessions")
@sign_in_bp.accepts(schemas.SignIn)
@sign_in_bp.returns(schemas.SessionOut, 201)
@sign_in_bp.fails(*WECHAT_FAILURES, UserBlocked)
def sign_in(*, code: str, is_adult: bool, **invitation: str) -> dict[str, Any]:
    """Sign in with the code of `wx.login`; a code, scene or earlier click may bind the upline."""
    redis.rate_limit(f"sign_in:ip:{request.remote_addr}", limit=SIGN_INS_PER_IP, seconds=60)
    _limit_code(code)
    login = wechat.clients().mini.code2session(code)
    now = clock.now()
    with transaction() as session:
        member = service.sign_in(session, login=login, now=now)
        recommending.bind_upline(
            session, member=member, invitation=Invitation(**invitation), now=now
        )
        if is_adult:
            service.enlist(session, member_id=member.id, now=now)
        token, expires_at = auth.issue(
            session, audience=auth.Audience.SHOPPER, subject_id=member.id, now=now
        )
    return {"token": token, "expires_at": expires_at, "member": member}


@bp.delete("/sessions/current")
@bp.returns(None, 204)
def sign_out() -> None:
    """Revoke the token of this request."""
    with transaction() as session:
        auth.revoke_this(session, now=clock.now())


@bp.get("/me")
@bp.returns(schemas.MemberOut)
def show_me() -> Member:
    """Show my account."""
    return queries.get(read(), g.member_id)


@bp.patch("/me")
@bp.accepts(schemas.Profile)
@bp.returns(schemas.MemberOut)
def describe_me(**changes: str | None) -> Member:
    """Change my nickname or avatar."""
    with transaction() as session:
        return service.describe(session, member_id=g.member_id, changes=changes)


@bp.post("/me/phone")
@bp.accepts(schemas.PhoneCode)
@bp.returns(schemas.MemberOut)
@bp.fails(*WECHAT_FAILURES)
def set_my_phone(code: str) -> Member:
    """Take my phone number from WeChat with the code of the phone-number button."""
    redis.rate_limit(f"phone:{g.member_id}", limit=PHONE_CODES_PER_HOUR, seconds=3600)
    phone = wechat.clients().mini.phone_number(code)
    with transaction() as session:
        return service.set_phone(session, member_id=g.member_id, phone=phone)


@bp.delete("/me")
@bp.returns(None, 204)
def delete_me() -> None:
    """Delete my account: personal data is erased, tokens die, orders are kept without a name."""
    with transaction() as session:
        service.leave(session, member_id=g.member_id, now=clock.now())


@bp.get("/addresses")
@bp.returns(schemas.AddressListOut)
def list_addresses() -> dict[str, list[MemberAddress]]:
    """List my addresses, the default first."""
    return {"items": queries.list_addresses(read(), g.member_id)}


@bp.post("/addresses")
@bp.accepts(schemas.NewAddress)
@bp.returns(schemas.AddressOut, 201)
@bp.fails(TooManyAddresses)
def add_address(*, is_default: bool, **fields: str) -> MemberAddress:
    """Add an address; my first becomes the default."""
    with transaction() as session:
        return addresses.add(
            session,
            member_id=g.member_id,
            fields=fields,
            is_default=is_default,
            now=clock.now(),
        )


@bp.get("/addresses/<int:address_id>")
@bp.returns(schemas.AddressOut)
@bp.fails(AddressNotFound)
def show_address(address_id: int) -> MemberAddress:
    """Show one of my addresses."""
    return queries.address(read(), member_id=g.member_id, address_id=address_id)


@bp.patch("/addresses/<int:address_id>")
@bp.accepts(schemas.AddressChange)
@bp.returns(schemas.AddressOut)
@bp.fails(AddressNotFound)
def change_address(address_id: int, **fields: Any) -> MemberAddress:
    """Change one of my addresses, or make it the default."""
    with transaction() as session:
        return addresses.change(
            session,
            member_id=g.member_id,
            address_id=address_id,
            fields=fields,
            now=clock.now(),
        )


@bp.delete("/addresses/<int:address_id>")
@bp.returns(None, 204)
@bp.fails(AddressNotFound)
def remove_address(address_id: int) -> None:
    """Erase one of my addresses; the latest of the others becomes the default if it was."""
    with transaction() as session:
        addresses.remove(session, member_id=g.member_id, address_id=address_id)


def _limit_code(code: str) -> None:
    """Only the code's hash goes to Redis."""
    key = f"sign_in:code:{crypto.lookup_hash(code)}"
    redis.rate_limit(key, limit=TRIES_PER_CODE, seconds=300)
