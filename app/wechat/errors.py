"""
How a call to WeChat fails. The one distinction that matters: was it refused, or do we not know?

A refusal is an answer: nothing was done. Everything else (no answer, a cut connection, 429, 5xx, an
answer we cannot trust) means the request may have been carried out: keep the number, keep the
bytes, ask again.
"""

from app.core.errors import AppError


class WeChatError(AppError):
    """Any failure of a call to WeChat. `cause` is for the log; shoppers only see the title."""

    code, status, title = "wechat_error", 502, "微信服务异常，请稍后再试"

    def __init__(self, cause: str = "") -> None:
        super().__init__()
        self.cause = cause

    def __str__(self) -> str:
        return self.cause or self.title


class WeChatNotConfigured(WeChatError):
    """The mall runs without WeChat settings."""

    code, status, title = "wechat_not_configured", 503, "商家尚未接入微信"


class ResultUnknown(WeChatError):
    """No answer that can be trusted: the request may or may not have been carried out."""

    code, status, title = "wechat_unavailable", 503, "微信暂时没有响应，请稍后再试"


class TooFast(ResultUnknown):
    """WeChat Pay answered 429: back off. A refund may have been accepted all the same."""


class UntrustedAnswer(ResultUnknown):
    """A success whose signature does not hold: somebody else's words, or a damaged body."""


class WeChatRefused(WeChatError):
    """WeChat understood and said no; nothing was done. Branch on `reason`, never on the message."""

    code, status, title = "wechat_refused", 502, "微信拒绝了本次请求"

    def __init__(
        self, reason: str, *, http_status: int = 200, message: str = "", request_id: str = ""
    ) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        """WeChat Pay's code (`NOT_ENOUGH`), or the mini-program API's errcode (`40013`)."""
        self.http_status = http_status
        self.message = message
        self.request_id = request_id
        """What WeChat's support asks for."""
