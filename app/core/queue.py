"""
Background work: Procrastinate jobs, deferred inside the caller's own transaction.

A job is a row in our database, so it exists exactly if the transaction that asked for it commits:
there is nothing to relay and nothing to lose. Work runs at least once; every task is safe to
repeat. Tasks are named `slice.verb`, and a lower slice defers to a higher one by that name.
"""

import contextlib
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar

import structlog
from flask import Flask, current_app
from procrastinate import App, BaseRetryStrategy, RetryDecision, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Job
from sqlalchemy.orm import Session

from app.core import metrics

log = structlog.get_logger(__name__)

Work = TypeVar("Work", bound=Callable[..., Any])


class Patience(BaseRetryStrategy):
    """
    Tasks that raise are tried again after 3, 9, 27… seconds and at last every hour, without end.

    A job may be all that is left of something, such as money WeChat has told us of: it is never
    given up. Waits stay short, because a job that waits keeps its `queueing_lock` from a new one.
    """

    LONGEST_SECONDS = 3600

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:  # noqa: ARG002  # Procrastinate's signature.
        seconds = min(3 ** min(job.attempts + 1, 8), self.LONGEST_SECONDS)
        return RetryDecision(retry_in={"seconds": seconds})


RETRY = Patience()

procrastinate = App(connector=SyncPsycopgConnector())
"""Knows every task; `app.core.worker` lends it a connector that can wait for jobs."""

_deferring = App(connector=SyncPsycopgConnector())
"""Only writes job rows, on the caller's connection: also for jobs that defer jobs in a worker."""


def task(name: str, *, retry: BaseRetryStrategy = RETRY) -> Callable[[Work], Work]:
    """Register `job` under `name`; it runs in an application context of its own."""

    def decorator(job: Work) -> Work:
        procrastinate.task(name=name, retry=retry, pass_context=False)(_in_context(name, job))
        return job

    return decorator


def periodic(name: str, cron: str) -> Callable[[Work], Work]:
    """Register `job` to run on the minutes of `cron`, once however many workers there are."""

    def decorator(job: Work) -> Work:
        wrapped = _in_context(name, lambda timestamp: job())  # noqa: ARG005  # Procrastinate's argument.
        registered = procrastinate.task(name=name, queueing_lock=name, pass_context=False)(wrapped)
        procrastinate.periodic(cron=cron)(registered)
        return job

    return decorator


def defer(
    session: Session,
    name: str,
    *,
    schedule_at: datetime | None = None,
    lock: str | None = None,
    queueing_lock: str | None = None,
    **arguments: Any,
) -> None:
    """
    Put task `name` into the transaction of `session`.

    Jobs with the same `lock` run one at a time, in order. With a `queueing_lock` the job is left
    out if one with the same lock is already waiting.
    """
    options = {"schedule_at": schedule_at, "lock": lock, "queueing_lock": queueing_lock}
    if queueing_lock is None:
        _insert(session, name, options, arguments)
        return
    # The unique violation of a job that already waits would doom the caller's transaction.
    with contextlib.suppress(AlreadyEnqueued), session.begin_nested():
        _insert(session, name, options, arguments)


def _insert(
    session: Session, name: str, options: dict[str, Any], arguments: dict[str, Any]
) -> None:
    # Asking the session for its connection is what makes an open savepoint begin.
    connection = session.connection().connection.driver_connection
    _deferring.configure_task(name, connection=connection, **options).defer(**arguments)


def _in_context(name: str, job: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(job)
    def run(**arguments: Any) -> None:
        flask_app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # Flask's own way out of the proxy.
        with flask_app.app_context(), structlog.contextvars.bound_contextvars(job=name):
            try:
                job(**arguments)
            except Exception as error:
                metrics.jobs.labels(name, "failed").inc()
                log.warning("job_failed", error=repr(error), exc_info=error)
                raise
            metrics.jobs.labels(name, "done").inc()

    return run
