"""
Failures as RFC 9457 problem documents with one extra member, `code`.

An anticipated failure is an `AppError` defined beside the function that raises it. Its `code` is
for programs and never changes; its `title` is Chinese a shopper can read. Whatever else escapes is
a bug: logged with its traceback, answered with a bare 500.
"""

from collections.abc import Iterator
from json import JSONEncoder
from typing import Any, ClassVar

import structlog
from flask import Flask, Response, g, has_request_context
from flask.json.provider import DefaultJSONProvider
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

log = structlog.get_logger(__name__)

TITLES = {
    400: ("bad_request", "请求无法解析"),
    401: ("unauthorized", "请先登录"),
    403: ("forbidden", "没有权限"),
    404: ("not_found", "内容不存在"),
    405: ("method_not_allowed", "不支持该请求方式"),
    406: ("not_acceptable", "不支持该响应格式"),
    408: ("request_timeout", "请求超时"),
    413: ("too_large", "请求内容过大"),
    415: ("unsupported_media_type", "请使用 JSON 格式"),
    422: ("invalid_fields", "填写有误，请检查"),
    429: ("too_many_requests", "操作太频繁，请稍后再试"),
    500: ("internal_error", "系统开小差了，请稍后再试"),
    503: ("unavailable", "服务繁忙，请稍后再试"),
}


class AppError(Exception):
    """An anticipated failure. Subclasses set the three class attributes and nothing else."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "系统开小差了，请稍后再试"

    def __init__(self, detail: str | None = None, **members: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.members = members
        """Extra members of the document, such as `sku_id` and `available`."""
        self.headers: dict[str, str] = {}


class Invalid(AppError):
    """The fields are wrong; `errors` maps each field's path to its messages."""

    code, status, title = "invalid_fields", 422, "填写有误，请检查"


class Unauthorized(AppError):
    code, status, title = "unauthorized", 401, "请先登录"


class Forbidden(AppError):
    code, status, title = "forbidden", 403, "没有权限"


class NotFound(AppError):
    code, status, title = "not_found", 404, "内容不存在"


class Conflict(AppError):
    code, status, title = "conflict", 409, "当前状态不允许该操作"


def all_errors(root: type[AppError] = AppError) -> Iterator[type[AppError]]:
    """Every anticipated failure the loaded code defines, for the documentation and the guards."""
    for subclass in root.__subclasses__():
        yield subclass
        yield from all_errors(subclass)


def problem(error: AppError) -> Response:
    """The problem document of `error`."""
    return _document(
        error.status, error.code, error.title, error.detail, error.members, error.headers
    )


def init_app(app: Flask) -> None:
    """Answer every failure of `app` with a problem document."""
    app.register_error_handler(AppError, problem)
    app.register_error_handler(HTTPException, _http_exception)
    app.register_error_handler(OperationalError, _database_away)
    app.register_error_handler(PoolTimeout, _database_away)
    app.register_error_handler(Exception, _bug)


def _http_exception(error: HTTPException) -> Response:
    status = error.code or 500
    code, title = TITLES.get(status, ("http_error", error.name))
    members: dict[str, Any] = {}
    messages = getattr(error, "data", {}).get("messages", {})
    # Whether the fields stood in the body or in the query is known to whoever sent them.
    if fields := [each for each in messages.values() if isinstance(each, dict)]:
        members["errors"] = {path: said for each in fields for path, said in _flatten(each).items()}
    headers = {
        name: value
        for name, value in error.get_headers()
        if name.lower() not in {"content-type", "content-length"}
    }
    return _document(status, code, title, None, members, headers)


def _flatten(messages: Any, path: str = "") -> dict[str, list[str]]:
    """Turn marshmallow's nested messages into `{"lines.0.quantity": ["…"]}`."""
    if not isinstance(messages, dict):
        return {path: [str(each) for each in messages]}
    flat: dict[str, list[str]] = {}
    for key, below in messages.items():
        flat |= _flatten(below, f"{path}.{key}".lstrip("."))
    return flat


def _database_away(error: SQLAlchemyError) -> Response:
    """PostgreSQL restarts or every connection is taken: the client may simply ask again."""
    log.error("database_unavailable", error=str(error.__cause__ or error))
    code, title = TITLES[503]
    return _document(503, code, title, None, {}, {"Retry-After": "1"})


def _bug(error: Exception) -> Response:
    log.exception("unhandled_error", exc_info=error)
    code, title = TITLES[500]
    return _document(500, code, title, None, {}, {})


_ENCODER = JSONEncoder(ensure_ascii=False, default=DefaultJSONProvider.default)
"""Made once: making one takes longer than most documents take to write."""


def _document(
    status: int,
    code: str,
    title: str,
    detail: str | None,
    members: dict[str, Any],
    headers: dict[str, str],
) -> Response:
    body = {"type": f"/problems/{code}", "title": title, "status": status, "code": code, **members}
    if detail:
        body["detail"] = detail
    if has_request_context():
        g.problem_code = code  # For who counts refusals when the request is over.
        if request_id := g.get("request_id"):
            body["request_id"] = request_id
    return Response(
        _ENCODER.encode(body),
        status=status,
        headers=headers,
        content_type="application/problem+json; charset=utf-8",
    )
