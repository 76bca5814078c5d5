"""Staff sign-in (public), one's own account, and for owners all accounts and the audit log."""

from typing import Any

from flask import g, request

from app.core import auth, clock, paging, redis
from app.core.db import read, transaction
from app.core.http import Blueprint
from app.core.redis import TooMany
from app.staff import audit, queries, schemas, service
from app.staff.models import Staff
from app.staff.queries import StaffNotFound
from app.staff.roles import Role, open_to_analysts, requires
from app.staff.service import (
    LastOwner,
    UsernameTaken,
    WrongCredentials,
    WrongPassword,
)

TRIES_PER_NAME = 20
TRIES_PER_IP = 60
WINDOW_SECONDS = 300

sign_in_bp = Blueprint("staff_sign_in", __name__, description="商家后台登录")
bp = Blueprint("staff", __name__, description="员工账号与操作日志")


@sign_in_bp.post("/sessions")
@sign_in_bp.accepts(schemas.StaffSignIn)
@sign_in_bp.returns(schemas.StaffSessionOut, 201)
@sign_in_bp.fails(WrongCredentials, TooMany)
def sign_in(username: str, password: str) -> dict[str, Any]:
    """Sign in with username and password."""
    for key, limit in (
        (f"staff_sign_in:ip:{request.remote_addr}", TRIES_PER_IP),
        (f"staff_sign_in:name:{username.lower()}", TRIES_PER_NAME),
    ):
        redis.rate_limit(key, limit=limit, seconds=WINDOW_SECONDS)
    now = clock.now()
    with transaction() as session:
        staff = service.sign_in(session, username=username, password=password, now=now)
        token, expires_at = auth.issue(
            session, audience=auth.Audience.STAFF, subject_id=staff.id, now=now
        )
    return {"token": token, "expires_at": expires_at, "staff": staff}


@bp.delete("/sessions/current")
@open_to_analysts
@bp.returns(None, 204)
def sign_out() -> None:
    """Revoke the token of this request."""
    with transaction() as session:
        auth.revoke_this(session, now=clock.now())


@bp.get("/me")
@bp.returns(schemas.StaffOut)
def show_me() -> Staff:
    """Show my account."""
    return queries.get(read(), g.staff_id)


@bp.put("/me/password")
@open_to_analysts
@bp.accepts(schemas.PasswordChange)
@bp.returns(schemas.StaffSessionOut)
@bp.fails(WrongPassword, TooMany)
def change_my_password(present_password: str, new_password: str) -> dict[str, Any]:
    """Change my password: every other session ends, this one goes on with the token answered."""
    key = f"staff_password:{g.staff_id}"
    redis.rate_limit(key, limit=TRIES_PER_NAME, seconds=WINDOW_SECONDS)
    now = clock.now()
    with transaction() as session:
        service.change_password(
            session, staff_id=g.staff_id, present=present_password, new=new_password, now=now
        )
        token, expires_at = auth.issue(
            session, audience=auth.Audience.STAFF, subject_id=g.staff_id, now=now
        )
        staff = queries.get(session, g.staff_id)
    return {"token": token, "expires_at": expires_at, "staff": staff}


@bp.get("/staff")
@requires(Role.OWNER)
@bp.returns(schemas.StaffListOut)
def list_staff() -> dict[str, list[Staff]]:
    """List every staff account."""
    return {"items": queries.list_all(read())}


@bp.post("/staff")
@requires(Role.OWNER)
@bp.accepts(schemas.NewStaff)
@bp.returns(schemas.StaffOut, 201)
@bp.fails(UsernameTaken)
def create_staff(**fields: Any) -> Staff:
    """Open a staff account."""
    with transaction() as session:
        return service.create(session, **fields, now=clock.now())


@bp.post("/staff/<int:staff_id>/deactivate")
@requires(Role.OWNER)
@bp.returns(schemas.StaffOut)
@bp.fails(StaffNotFound, LastOwner)
def deactivate_staff(staff_id: int) -> Staff:
    """Switch a staff account off and end its sessions."""
    with transaction() as session:
        return service.deactivate(session, staff_id=staff_id, now=clock.now())


@bp.post("/staff/<int:staff_id>/reactivate")
@requires(Role.OWNER)
@bp.returns(schemas.StaffOut)
@bp.fails(StaffNotFound)
def reactivate_staff(staff_id: int) -> Staff:
    """Switch a staff account on again."""
    with transaction() as session:
        return service.reactivate(session, staff_id=staff_id)


@bp.put("/staff/<int:staff_id>/password")
@requires(Role.OWNER)
@bp.accepts(schemas.PasswordReset)
@bp.returns(schemas.StaffOut)
@bp.fails(StaffNotFound)
def reset_staff_password(staff_id: int, new_password: str) -> Staff:
    """Give a staff account a new password and end its sessions."""
    with transaction() as session:
        return service.reset_password(session, staff_id=staff_id, new=new_password, now=clock.now())


@bp.get("/audit-log")
@requires(Role.OWNER)
@bp.accepts(schemas.AuditQuery)
@bp.returns(schemas.AuditLogPage)
def show_audit_log(
    limit: int, staff_id: int | None = None, cursor: str | None = None
) -> dict[str, Any]:
    """Show what staff changed or tried to change, the latest first."""
    (before_id,) = paging.decode(cursor, int) if cursor else (None,)
    entries = audit.page(read(), staff_id=staff_id, before_id=before_id, limit=limit + 1)
    items = entries[:limit]
    has_more = len(entries) > limit
    return {"items": items, "next_cursor": paging.encode(items[-1].id) if has_more else None}
