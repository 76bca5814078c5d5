"""
Where WeChat Pay tells about payments, refunds and payouts: verify, store, commit, answer 204.

Nothing else happens before the answer; a job acts upon what was stored. Failures are answered in
WeChat's own shape and leave no trace in the database.
"""

import structlog
from flask import Response, jsonify, request

from app import wechat
from app.core import clock, metrics
from app.core.db import transaction
from app.core.http import Blueprint, View
from app.payments import inbox
from app.wechat.errors import WeChatNotConfigured
from app.wechat.notify import NotificationRejected, SignatureProbe

log = structlog.get_logger(__name__)

bp = Blueprint("wechat_pay", __name__, description="微信支付通知")


def _in_wechats_shape(view: View) -> View:
    """Document the answers: an empty 204, or `{"code": "FAIL", "message": …}`."""
    view = bp.alt_response(401, description="The signature, the time or the key is not right")(view)
    view = bp.alt_response(503, description="The mall runs without WeChat")(view)
    return bp.returns(None, 204)(view)


@bp.post("/pay")
@_in_wechats_shape
def hear_of_payment() -> Response:
    """Receive what WeChat Pay tells about a payment."""
    return _hear()


@bp.post("/refund")
@_in_wechats_shape
def hear_of_refund() -> Response:
    """Receive what WeChat Pay tells about a refund."""
    return _hear()


@bp.post("/payout")
@_in_wechats_shape
def hear_of_payout() -> Response:
    """Receive what WeChat Pay tells about money to a distributor."""
    return _hear()


def _hear() -> Response:
    # One door for all: what a notification is about stands inside, under the signature.
    headers, raw, now = dict(request.headers), request.get_data(), clock.now()
    try:
        notification = wechat.clients().notifications.verify_and_open(headers, raw, now)
    except NotificationRejected as rejection:
        return _refuse(rejection)
    except WeChatNotConfigured as error:
        return _fail(503, error.title)
    with transaction() as session:
        is_new = inbox.store(session, notification, headers=headers, raw=raw, now=now)
    log.info("notification_stored", event_id=notification.id, is_new=is_new)
    return Response(status=204)


def _refuse(rejection: NotificationRejected) -> Response:
    # A probe is WeChat Pay's own test of us: expected, and refused like the rest.
    report = log.info if isinstance(rejection, SignatureProbe) else log.warning
    report("notification_refused", reason=rejection.reason, detail=str(rejection))
    metrics.payments.labels("refused").inc()
    return _fail(401, rejection.reason)


def _fail(status: int, message: str) -> Response:
    response = jsonify(code="FAIL", message=message)
    response.status_code = status
    return response
