"""Staff accounts: signing in, passwords, and who may work here."""

from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import auth
from app.core.errors import AppError, Conflict, Unauthorized
from app.staff import passwords
from app.staff.models import Role, Staff
from app.staff.queries import StaffNotFound

log = structlog.get_logger(__name__)


class WrongCredentials(AppError):
    """Unknown name, wrong password or an account that is switched off: it is not said which."""

    code, status, title = "wrong_credentials", 401, "用户名或密码不正确"


class WrongPassword(AppError):
    """The present password was not given correctly."""

    code, status, title = "wrong_password", 422, "原密码不正确"


class UsernameTaken(Conflict):
    code, title = "username_taken", "用户名已被使用"


class LastOwner(Conflict):
    """Somebody must be left who can manage the accounts."""

    code, title = "last_owner", "至少保留一位可用的店主账号"


def sign_in(session: Session, *, username: str, password: str, now: datetime) -> Staff:
    """
    Find the account these credentials open, and renew a hash of outdated cost.

    Its row stays locked, so an account being switched off cannot slip in a last token.

    :raises WrongCredentials: they open none.
    """
    staff = session.scalar(
        select(Staff)
        .where(Staff.username == username.lower(), Staff.is_active)
        .with_for_update(key_share=True)
    )
    is_right = passwords.matches(staff.password_hash if staff else None, password)
    if staff is None or not is_right:
        log.warning("staff_sign_in_refused", username=username)
        raise WrongCredentials
    if passwords.is_outdated(staff.password_hash):
        staff.password_hash = passwords.hashed(password)
        session.flush()
    log.info("staff_signed_in", staff_id=staff.id, at=now.isoformat())
    return staff


def create(
    session: Session,
    *,
    username: str,
    password: str,
    display_name: str,
    role: Role,
    now: datetime,
) -> Staff:
    """
    Open an account. Usernames are kept in lower case.

    :raises UsernameTaken: the username exists, active or not.
    """
    staff: Staff | None = session.scalar(
        insert(Staff)
        .values(
            username=username.lower(),
            password_hash=passwords.hashed(password),
            display_name=display_name,
            role=role,
            is_active=True,
            created_at=now,
            password_changed_at=now,
        )
        .on_conflict_do_nothing(index_elements=[Staff.username])
        .returning(Staff)
    )
    if staff is None:
        raise UsernameTaken
    return staff


def change_password(
    session: Session, *, staff_id: int, present: str, new: str, now: datetime
) -> None:
    """
    Change one's own password and end every session of the account.

    :raises Unauthorized: the account was switched off since the request began.
    :raises WrongPassword: `present` is not the present password.
    """
    staff = _locked(session, staff_id)
    if not staff.is_active:
        raise Unauthorized  # The route would go on to hand out a token.
    if not passwords.matches(staff.password_hash, present):
        raise WrongPassword
    _set_password(session, staff, new, now=now)


def reset_password(session: Session, *, staff_id: int, new: str, now: datetime) -> Staff:
    """
    Give an account a new password and end its sessions.

    :raises StaffNotFound: there is no such account.
    """
    staff = _locked(session, staff_id)
    _set_password(session, staff, new, now=now)
    return staff


def deactivate(session: Session, *, staff_id: int, now: datetime) -> Staff:
    """
    Switch an account off and end its sessions. Repeating it changes nothing.

    :raises StaffNotFound: there is no such account.
    :raises LastOwner: nobody could manage the accounts any more.
    """
    # All owners are locked, so that two of them cannot switch each other off at once.
    owners = session.scalars(
        select(Staff.id)
        .where(Staff.role == Role.OWNER, Staff.is_active)
        .order_by(Staff.id)
        .with_for_update(key_share=True)
    ).all()
    staff = _locked(session, staff_id)
    if list(owners) == [staff_id]:
        raise LastOwner
    staff.is_active = False
    session.flush()
    auth.revoke_all(session, audience=auth.Audience.STAFF, subject_id=staff_id, now=now)
    return staff


def reactivate(session: Session, *, staff_id: int) -> Staff:
    """
    Switch an account on again, with the password it had.

    :raises StaffNotFound: there is no such account.
    """
    staff = _locked(session, staff_id)
    staff.is_active = True
    session.flush()
    return staff


def _locked(session: Session, staff_id: int) -> Staff:
    staff = session.get(
        Staff, staff_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if staff is None:
        raise StaffNotFound
    return staff


def _set_password(session: Session, staff: Staff, new: str, *, now: datetime) -> None:
    staff.password_hash = passwords.hashed(new)
    staff.password_changed_at = now
    session.flush()
    auth.revoke_all(session, audience=auth.Audience.STAFF, subject_id=staff.id, now=now)
