"""
The edge towards WeChat: note the intent and commit, call, note the answer and commit.

It opens its own transactions, holds none while it waits, and may be cut off anywhere and run again:
to tell the same twice is to tell it once.
"""

import structlog

from app import wechat
from app.core import clock
from app.core.db import read, transaction
from app.orders import fulfilment
from app.pushes import queries as pushes
from app.shipping import service
from app.wechat.errors import WeChatError, WeChatRefused

log = structlog.get_logger(__name__)

SETTLED = "trade_manage_order_settlement"
LATE = "trade_manage_remind_shipping"


def carry(order_id: int) -> None:
    """
    Take one turn at telling WeChat of an order's parcels; an unknown answer changes nothing.

    :raises WeChatNotConfigured: the mall runs without WeChat.
    """
    client = wechat.clients().shipping
    with transaction() as session:
        errand = service.claim(session, order_id=order_id, mchid=client.mchid, now=clock.now())
    if errand is None:
        return
    try:
        is_wanted = not errand.asks_first or client.is_managed()
        if is_wanted:
            client.upload(errand.body)
    except WeChatRefused as refusal:
        with transaction() as session:
            service.refused(session, errand, error=str(refusal))
    except WeChatError as error:
        with transaction() as session:
            service.unanswered(session, errand, error=str(error))
    else:
        note = service.accepted if is_wanted else service.not_wanted
        with transaction() as session:
            note(session, errand)


def hear(message_id: int) -> None:
    """
    Act upon what WeChat pushed about one order, or about all.

    A receipt is believed when WeChat, asked, says the same: money is let go by it.

    :raises WeChatError: WeChat cannot be asked now; the job comes again.
    """
    with transaction() as session:
        message = pushes.message(session, message_id)
        body = {} if message is None else message.body
        event = "" if message is None else message.event
        order = service.order_of(session, out_trade_no=str(body.get("merchant_trade_no", "")))
        if order is not None and event == LATE:
            service.told(session, order_id=order.id, late_at=clock.now())
    if order is None:
        log.warning("shipping_push_unheard", pushed=event, msg=str(body.get("msg", ""))[:200])
    elif event == SETTLED and body.get("confirm_receive_time"):
        transaction_id = str(order.transaction_id)
        if wechat.clients().shipping.is_received(transaction_id):
            with transaction() as session:
                fulfilment.receive_by_wechat(session, order_no=order.order_no, now=clock.now())
                if body.get("settlement_time"):
                    service.told(session, order_id=order.id, settled_at=clock.now())


def remind(order_no: str) -> None:
    """
    Have WeChat remind the buyer to confirm the receipt of a shipped order, once.

    WeChat counts the reminders itself: asked again after an answer that got lost, it says so, and
    that is as good as a first time. So it is noted when WeChat has said it, and not before.

    :raises OrderNotFound, UploadNotFound, OrderStateForbids, ShipmentNotTracked,
        ReceiptReminderUsed: as `service.to_be_reminded`.
    :raises WeChatError: WeChat does not, or nobody knows; it may be asked again.
    """
    client, now = wechat.clients().shipping, clock.now()
    transaction_id = service.to_be_reminded(read(), order_no=order_no)
    client.remind(transaction_id, received_at=now)
    with transaction() as session:
        service.reminded(session, order_no=order_no, now=now)


def defer_due(limit: int) -> None:
    """Start every call that is due."""
    order_ids = service.due(read(), now=clock.now(), limit=limit)
    with transaction() as session:
        for order_id in order_ids:
            service.defer(session, order_id)
