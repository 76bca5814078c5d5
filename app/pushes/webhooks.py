"""
Where WeChat pushes the mini-program's messages: verify, keep, commit, answer `success`.

Nothing else happens before the answer, for which WeChat waits five seconds; a job of the slice it
concerns acts upon what was kept.
"""

import structlog
from flask import Response, request

from app import wechat
from app.core import clock
from app.core.db import transaction
from app.core.http import Blueprint, View
from app.pushes import service
from app.wechat.errors import WeChatNotConfigured
from app.wechat.push import PushReader, PushRejected

log = structlog.get_logger(__name__)

bp = Blueprint("wechat_push", __name__, description="微信消息推送")

TEXT = "text/plain"


def _in_wechats_shape(view: View) -> View:
    """Document the answers: plain text, whatever comes."""
    view = bp.alt_response(401, description="The signature or the time is not right")(view)
    view = bp.alt_response(503, description="The mall runs without WeChat's message push")(view)
    documented: View = bp.response(200, {"type": "string"}, content_type=TEXT)(view)
    return documented


@bp.get("/push")
@_in_wechats_shape
def greet_push() -> Response:
    """Answer WeChat's question whether this address is ours, when it is set in the console."""
    try:
        return _say(200, _reader().greet(request.args, clock.now()))
    except PushRejected as rejection:
        return _refuse(rejection)
    except WeChatNotConfigured as error:
        return _say(503, error.title)


@bp.post("/push")
@_in_wechats_shape
def hear_push() -> Response:
    """Receive one message: an event of the mini-program's."""
    now = clock.now()
    try:
        body = _reader().read(request.args, request.get_data(), now)
    except PushRejected as rejection:
        return _refuse(rejection)
    except WeChatNotConfigured as error:
        return _say(503, error.title)
    with transaction() as session:
        is_news = service.keep(session, body, now=now)
    log.info("push_heard", pushed=str(body.get("Event", ""))[:64], is_news=is_news)
    return _say(200, "success")


def _reader() -> PushReader:
    reader = wechat.clients().pushes
    if reader is None:
        raise WeChatNotConfigured
    return reader


def _refuse(rejection: PushRejected) -> Response:
    log.warning("push_refused", reason=str(rejection))
    return _say(401, str(rejection))


def _say(status: int, words: str) -> Response:
    return Response(words, status, content_type=f"{TEXT}; charset=utf-8")
