"""
Who may do what: `@requires(Role.OWNER)` above a view of the staff audience.

Without it every active staff account may call the route; the audience's guard has seen to that.
Analysts are the exception: they may read everything, and call of the rest only what is marked
`@open_to_analysts`, because it changes nothing of the shop.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Blueprint, current_app, g, request
from sqlalchemy import select

from app.core.db import read
from app.core.errors import Forbidden
from app.staff.audit import READS
from app.staff.models import Role, Staff

View = TypeVar("View", bound=Callable[..., Any])

__all__ = ["Role", "open_to_analysts", "requires", "watch"]


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


def open_to_analysts(view: View) -> View:
    """Let analysts call a view that is no GET; it stands below the route. It must only try out."""
    view.__dict__.setdefault("_apidoc", {})["open_to_analysts"] = True
    return view


def watch(side: Blueprint) -> None:
    """Keep analysts from every write behind `side`; its guard must have put `g.staff_id` before."""
    side.before_request(_keep_analysts_out)


def _keep_analysts_out() -> None:
    if request.method in READS or request.endpoint is None:
        return
    documented = getattr(current_app.view_functions[request.endpoint], "_apidoc", {})
    if documented.get("open_to_analysts"):
        return
    if read().scalar(select(Staff.role).where(Staff.id == g.staff_id)) == Role.ANALYST:
        raise Forbidden
