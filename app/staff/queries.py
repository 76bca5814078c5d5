"""What may be asked about staff accounts."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.staff.models import Staff


class StaffNotFound(NotFound):
    code, title = "staff_not_found", "员工账号不存在"


def get(session: Session, staff_id: int) -> Staff:
    """
    A staff account.

    :raises StaffNotFound: there is none.
    """
    staff = session.get(Staff, staff_id)
    if staff is None:
        raise StaffNotFound
    return staff


def list_all(session: Session) -> list[Staff]:
    """Every account, in the order they were opened."""
    return list(session.scalars(select(Staff).order_by(Staff.id)))
