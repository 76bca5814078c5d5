"""
JSON logs: one line an event, with the request's id and its actor, without secrets or phone numbers.
"""

import logging
import re
import secrets
import sys
import time
from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any

import structlog
from flask import Flask, Response, g, has_request_context, request
from prometheus_client import Histogram

from app.core import metrics
from app.core.crypto import mask_phone

log = structlog.get_logger(__name__)

SECRET = re.compile(
    r"password|secret|token|authorization|session_key|private|apiv3|phone_code|account_n", re.I
)
PHONE = re.compile(r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)")
"""A mobile number, also as people write it: with its country code, in groups."""
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")


def configure(level: str) -> None:
    """Send every log line of the process to standard error as JSON, masked."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            name_the_request,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            mask,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def mask(_: Any, __: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """Hide secrets by the name of their key and phone numbers wherever they stand."""
    return {key: _masked(key, value) for key, value in event.items()}


def name_the_request(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put the id of the request that is being answered, if any, into its lines."""
    if has_request_context() and "request_id" in g:
        event["request_id"] = g.request_id
    return event


def init_app(app: Flask) -> None:
    """Give every request an id, a log line and a place in the metrics."""
    app.before_request(_begin)
    app.after_request(_finish)


def count_only() -> None:
    """
    Leave the request out of the log; the metrics count it as any other.

    For what a crowd gets by the thousand in a second, and what says nothing that a count does not.
    """
    g.is_counted_only = True


def _masked(key: str, value: Any) -> Any:
    if SECRET.search(key):
        return "***"
    if key == "phone" and isinstance(value, str):  # Whatever its form: a fixed line, Hong Kong.
        return mask_phone(value)
    if isinstance(value, dict):
        return {str(name): _masked(str(name), each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_masked("", each) for each in value]
    if isinstance(value, str):
        return PHONE.sub(lambda match: mask_phone(match.group()), value)
    return value


def _begin() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(12)
    g.started = time.perf_counter()


def _finish(response: Response) -> Response:
    seconds = time.perf_counter() - g.get("started", time.perf_counter())
    route = request.url_rule.rule if request.url_rule else "(none)"
    # Anybody may invent a method; a figure for each would fill the memory.
    method = request.method if request.method in METHODS else "(other)"
    _timer(method, route, response.status_code).observe(seconds)
    response.headers["X-Request-ID"] = g.get("request_id", "")
    if g.get("is_counted_only"):
        return response
    log.info(
        "request",
        method=request.method,
        route=route,
        path=request.path,
        status=response.status_code,
        ms=round(seconds * 1000, 1),
        actor=_actor(),
    )
    return response


@lru_cache(maxsize=4096)
def _timer(method: str, route: str, status: int) -> Histogram:
    return metrics.requests.labels(method, route, status)


def _actor() -> str:
    if member_id := g.get("member_id"):
        return f"member:{member_id}"
    if staff_id := g.get("staff_id"):
        return f"staff:{staff_id}"
    return str(g.get("audience", "anonymous"))
