"""
The moves of a case: ask, decide, send, receive, exchange, appeal, settle, and words on the way.

The order's row is locked before the case's: it is the first lock of whatever moves money. This
module is what callers import; each part of a case's life lives in a module of its own.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from app.aftersales import moving, queries
from app.aftersales.agreeing import AS_ASKED, FreightExceedsLeft, NotBeforeShipping, Terms
from app.aftersales.deciding import (
    AppealedBefore,
    SecondLookBySame,
    appeal,
    approve,
    cancel,
    give_way,
    reject,
)
from app.aftersales.goods import AcceptedExceedsSent, Arrival, Parcel, receive, send, ship
from app.aftersales.models import Actor, AfterSale
from app.aftersales.moving import AfterSaleStateForbids, By
from app.aftersales.opening import NotAfterShipping, apply, give_back, preview
from app.aftersales.planning import (
    AfterSaleOpen,
    AmountExceedsShare,
    AmountIsFixed,
    KindForbids,
    NothingToGiveBack,
    OutsideAfterSales,
    Plan,
    Wish,
)
from app.aftersales.refunding import settle

__all__ = [
    "AS_ASKED",
    "AcceptedExceedsSent",
    "AfterSaleOpen",
    "AfterSaleStateForbids",
    "AmountExceedsShare",
    "AmountIsFixed",
    "AppealedBefore",
    "Arrival",
    "FreightExceedsLeft",
    "KindForbids",
    "NotAfterShipping",
    "NotBeforeShipping",
    "NothingToGiveBack",
    "OutsideAfterSales",
    "Parcel",
    "Plan",
    "SecondLookBySame",
    "Terms",
    "Wish",
    "appeal",
    "apply",
    "approve",
    "cancel",
    "give_back",
    "give_way",
    "preview",
    "receive",
    "reject",
    "say",
    "send",
    "settle",
    "ship",
]


def say(
    session: Session,
    *,
    after_sale_no: str,
    buyer_id: int | None = None,
    staff_id: int | None = None,
    words: str,
    pictures: tuple[str, ...] = (),
    now: datetime,
) -> AfterSale:
    """
    Add words or pictures of the buyer, or of staff, to a case; also after it is over.

    :raises AfterSaleNotFound: there is none, or it is not the buyer's.
    """
    case = queries.get(session, after_sale_no=after_sale_no, buyer_id=buyer_id)
    actor = Actor.BUYER if staff_id is None else Actor.STAFF
    moving.note(session, case, by=By(actor, staff_id, words, pictures), now=now)
    return case
