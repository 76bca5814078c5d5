"""
Who may do what: `@requires(Role.OWNER)` above a view of the staff audience.

Without it every active staff account may call the route; the audience's guard has seen to that.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import g
from sqlalchemy import select

from app.core.db import read
from app.core.errors import Forbidden
from app.staff.models import Role, Staff

View = TypeVar("View", bound=Callable[..., Any])

__all__ = ["Role", "requires"]


def requires(*roles: Role) -> Callable[[View], View]:
    """
    Let only staff of one of `roles` call the view; it stands between the route and `accepts`.

    :raises Forbidden: the caller's account has none of them, or is no longer active.
    """

    def decorator(view: View) -> View:
        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            role = read().scalar(select(Staff.role).where(Staff.id == g.staff_id, Staff.is_active))
            if role not in roles:
                raise Forbidden
            return view(*args, **kwargs)

        doc = wrapper.__dict__["_apidoc"] = dict(getattr(view, "_apidoc", {}))
        doc["fails"] = [*doc.get("fails", []), Forbidden]
        return wrapper  # type: ignore[return-value]  # The same view behind a check.

    return decorator
