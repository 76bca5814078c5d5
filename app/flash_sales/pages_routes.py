"""The pages of flash sales, open to everybody, and a member's reminder."""

from typing import Any

from flask import Response, current_app, g

from app.core import clock, pages
from app.core.db import read, transaction
from app.core.http import Blueprint
from app.flash_sales import pages as shown
from app.flash_sales import reminders, schemas_pages
from app.flash_sales.models import FlashReminder
from app.flash_sales.reminders import NothingToRemind, RemindersOff
from app.flash_sales.sales import FlashSaleNotFound

bp = Blueprint("flash_pages", __name__, description="秒杀场次与秒杀详情")
own_bp = Blueprint("flash_reminders", __name__, description="秒杀开抢提醒")


@bp.get("/flash-sales")
@pages.kept
@bp.returns(schemas_pages.SaleSessionListOut)
def list_flash_sales() -> Response:
    """List the sessions of today and tomorrow with their products and the server's time."""
    return _json(shown.list_sessions(read(), now=clock.now()))


@bp.get("/flash-sales/<int:promotion_id>")
@pages.kept
@bp.returns(schemas_pages.FlashSaleOut)
@bp.fails(FlashSaleNotFound)
def show_flash_sale(promotion_id: int) -> Response:
    """Show one flash sale: prices, true progress, limits, its session and the next one."""
    return _json(shown.show(read(), promotion_id, now=clock.now()))


@own_bp.post("/flash-sales/<int:promotion_id>/reminder")
@own_bp.returns(schemas_pages.FlashReminderOut)
@own_bp.fails(FlashSaleNotFound, NothingToRemind, RemindersOff)
def ask_to_be_reminded(promotion_id: int) -> FlashReminder:
    """Have me reminded before the next session, once; asking again changes nothing."""
    with transaction() as session:
        reminder = reminders.ask(
            session, promotion_id=promotion_id, member_id=g.member_id, now=clock.now()
        )
        if shown.template_id() is None:
            raise RemindersOff  # Said last, so that what does not exist is not found first.
        return reminder


@own_bp.delete("/flash-sales/<int:promotion_id>/reminder")
@own_bp.returns(None, 204)
@own_bp.fails(FlashSaleNotFound)
def take_reminder_back(promotion_id: int) -> None:
    """Do not remind me after all; nothing changes if I never asked."""
    with transaction() as session:
        reminders.take_back(
            session, promotion_id=promotion_id, member_id=g.member_id, now=clock.now()
        )


def _json(body: dict[str, Any]) -> Response:
    # Built as JSON, and many: a test holds these answers against their schemas.
    return Response(current_app.json.dumps(body), content_type="application/json")
