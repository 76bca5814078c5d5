"""What a distributor does about their money: say whom to pay, ask, look, confirm, take it back."""

from contextlib import suppress
from typing import Any

from flask import g
from sqlalchemy.orm import Session

from app import wechat
from app.core import clock, redis
from app.core.db import read, transaction
from app.core.errors import Invalid
from app.core.http import Blueprint
from app.core.redis import TooMany
from app.wechat.errors import WeChatError, WeChatNotConfigured
from app.withdrawals import calls, payees, schemas, service, views
from app.withdrawals.payees import PayeeNotFound, Shown
from app.withdrawals.service import (
    REFUSALS,
    NoDistributor,
    PayeeRequired,
    WithdrawalNotFound,
    WithdrawalStateForbids,
)
from app.withdrawals.views import Merchant
from distribution.withdrawals.states import Channel

ASK_SECONDS = 2
"""A page that waits for the result may ask as often as it likes; WeChat is asked this seldom."""
PAYEES_PER_HOUR = 10

bp = Blueprint("withdrawals", __name__, description="提现")


@bp.get("/distributor/withdrawal-terms")
@bp.returns(schemas.WithdrawalTermsOut)
def show_withdrawal_terms() -> dict[str, Any]:
    """Show what I may withdraw, at what cost, and whom I named as payee."""
    return views.terms(read(), g.member_id)


@bp.get("/distributor/payee")
@bp.returns(schemas.PayeeOut)
@bp.fails(PayeeNotFound)
def show_payee() -> Shown:
    """Show whom I named as payee, masked."""
    found = payees.latest(read(), g.member_id)
    if found is None:
        raise PayeeNotFound
    return payees.show(found)


@bp.put("/distributor/payee")
@bp.accepts(schemas.PayeeIn)
@bp.returns(schemas.PayeeOut)
@bp.fails(Invalid, TooMany)
def change_payee(
    *, real_name: str, id_number: str, account: str | None, has_consented: bool
) -> Shown:
    """Say who receives my money, with consent to keep it; kept sealed, shown masked."""
    assert has_consented, "the schema refuses everything else"
    redis.rate_limit(f"payee:{g.member_id}", limit=PAYEES_PER_HOUR, seconds=3600)
    with transaction() as session:
        payee = payees.set_payee(
            session,
            member_id=g.member_id,
            real_name=real_name,
            id_number=id_number,
            account=account,
            now=clock.now(),
        )
        return payees.show(payee)


@bp.get("/distributor/withdrawals")
@bp.accepts(schemas.PageQuery)
@bp.returns(schemas.OwnWithdrawalsOut)
def list_my_withdrawals(limit: int, cursor: str | None = None) -> dict[str, Any]:
    """List my withdrawals, the latest first, and what I have withdrawn in all."""
    return views.own_page(read(), g.member_id, cursor=cursor, limit=limit)


@bp.post("/distributor/withdrawals")
@bp.accepts(schemas.WithdrawalIn)
@bp.idempotent()
@bp.returns(schemas.OwnWithdrawalOut, 201)
@bp.fails(NoDistributor, PayeeRequired, *REFUSALS.values())
def request_withdrawal(session: Session, amount_fen: int, channel: Channel) -> dict[str, Any]:
    """Ask for available money; it is set aside until it is paid or returned."""
    asked = service.request(
        session, member_id=g.member_id, amount_fen=amount_fen, channel=channel, now=clock.now()
    )
    return views.own(session, asked, None)


@bp.get("/distributor/withdrawals/<withdrawal_no>")
@bp.returns(schemas.OwnWithdrawalOut)
@bp.fails(WithdrawalNotFound)
def show_my_withdrawal(withdrawal_no: str) -> dict[str, Any]:
    """Show my withdrawal, and what confirms it; WeChat is asked if it has not said how it ended."""
    with transaction() as session:
        asked = service.own(session, no=withdrawal_no, member_id=g.member_id)
        is_waiting = views.waits_for_wechat(session, asked)
    if is_waiting:
        # Whatever comes of asking, what we know is a true answer.
        with suppress(WeChatError, TooMany):
            redis.rate_limit(f"withdrawal:{withdrawal_no}", limit=1, seconds=ASK_SECONDS)
            calls.carry(withdrawal_no, is_asked=True)
    with transaction() as session:
        asked = service.own(session, no=withdrawal_no, member_id=g.member_id)
        return views.own(session, asked, _merchant())


@bp.post("/distributor/withdrawals/<withdrawal_no>/cancel")
@bp.returns(schemas.OwnWithdrawalOut)
@bp.fails(WithdrawalNotFound, WithdrawalStateForbids)
def cancel_my_withdrawal(withdrawal_no: str) -> dict[str, Any]:
    """Take my withdrawal back: at once if nothing was sent, else once WeChat has stopped it."""
    with transaction() as session:
        asked = service.cancel(session, no=withdrawal_no, member_id=g.member_id, now=clock.now())
        return views.own(session, asked, None)


def _merchant() -> Merchant | None:
    try:
        transfers = wechat.clients().transfers
    except WeChatNotConfigured:
        return None
    return Merchant(transfers.mchid, transfers.appid)
