"""
The process that runs background jobs, and outlives what may befall it.

- It loses PostgreSQL: it starts over as soon as the database answers.
- Another worker is killed in the middle of a job: the job's worker stops sending heartbeats, and
  any living worker puts the job back into the queue.
"""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Iterator

import structlog
from flask import Flask
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ProcrastinateException
from sqlalchemy.engine import make_url

from app.core import queue

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 3.0
STALLED_SECONDS = 15.0
"""Without a heartbeat for so long a worker counts as dead. Its jobs may be repeated harmlessly."""
RESCUE_SECONDS = 5.0
POLL_SECONDS = 2.0
START_OVER_SECONDS = 1.0


def run(app: Flask, *, concurrency: int = 4) -> None:
    """Run jobs until SIGTERM or SIGINT, then finish what has begun."""
    with _lent_connector(app) as tasks:
        asyncio.run(_until_told_to_stop(tasks, concurrency))


def drain(app: Flask) -> None:
    """Run the jobs that are due until none is left."""
    with _lent_connector(app) as tasks:
        tasks.run_worker(
            wait=False, install_signal_handlers=False, listen_notify=False,
            delete_jobs="successful",
        )  # fmt: skip


@contextlib.contextmanager
def _lent_connector(app: Flask) -> Iterator[App]:
    url = make_url(app.config["SETTINGS"].database_url).set(drivername="postgresql")
    connector = PsycopgConnector(conninfo=url.render_as_string(hide_password=False))
    with queue.procrastinate.replace_connector(connector) as tasks:
        yield tasks


async def _until_told_to_stop(tasks: App, concurrency: int) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    while not told.is_set():
        # Whatever ends the work before it was told to is the database's doing.
        with contextlib.suppress(ProcrastinateException, OSError):
            async with tasks.open_async():
                await _first_of(told.wait(), _work(tasks, concurrency), _rescue(tasks))
        if not told.is_set():
            log.warning("worker_starts_over")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(told.wait(), START_OVER_SECONDS)


async def _first_of(*things: Awaitable[object]) -> None:
    """Wait until one of `things` ends, then end the others and wait for them too."""
    running = [asyncio.ensure_future(thing) for thing in things]
    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    for each in running:
        each.cancel()
    for ended in await asyncio.gather(*running, return_exceptions=True):
        if isinstance(ended, Exception):
            log.warning("worker_part_ended", error=repr(ended))


async def _work(tasks: App, concurrency: int) -> None:
    await tasks.run_worker_async(
        concurrency=concurrency,
        install_signal_handlers=False,
        update_heartbeat_interval=HEARTBEAT_SECONDS,
        stalled_worker_timeout=STALLED_SECONDS,
        fetch_job_polling_interval=POLL_SECONDS,
        delete_jobs="successful",
    )


async def _rescue(tasks: App) -> None:
    """Put the jobs of dead workers back into the queue, again and again."""
    while True:
        manager = tasks.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
            # Another worker may have been quicker; then the job is not stalled any more.
            with contextlib.suppress(ProcrastinateException):
                await manager.retry_job(job)
                log.warning("job_rescued", job=job.task_name, job_id=job.id)
        await asyncio.sleep(RESCUE_SECONDS)
