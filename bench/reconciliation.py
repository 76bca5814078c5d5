"""
`reconciliation`: a month of bills with a hundred thousand lines, beside raw SQL for the same rows.

The bills are given to the sandbox word by word and their payments written as rows; then a process
of its own fetches, reads and compares every day, as the worker would. The limit is one COPY of the
same lines and one join, from memory, without fetching, parsing or keeping what was found. The
second figure is one day of a hundred thousand lines: what its length adds to the process's memory.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from time import perf_counter
from typing import Any

import psycopg

from bench.course import Course
from demo.processes import python

DAYS = 30
A_DAY = 1_667
"""Payments a day: two lines each, in the trade bill and in the fund flow."""
ONE_DAY = 50_000
FEN = 9_900
TRADE_HEAD = (
    "交易时间,公众账号ID,商户号,微信订单号,商户订单号,交易状态,微信退款单号,商户退款单号,退款金额,"
    "退款状态,商品名称,手续费,费率,订单金额,申请退款金额"
)
FLOW_HEAD = "记账时间,微信支付业务单号,业务名称,业务类型,收支类型,收支金额(元),业务凭证号"
PAID = """
INSERT INTO payment (out_trade_no, order_id, status, appid, mchid, amount_fen, refund_fen,
    request_body, called_at, expires_at, transaction_id, paid_at, polls, created_at)
SELECT 'P' || %(day)s || lpad(number::text, 18, '0'), 1, 'paid_duplicate', %(appid)s, '19', %(fen)s,
    0, '', %(at)s, %(at)s, '4200' || %(day)s || lpad(number::text, 16, '0'), %(at)s, 0, %(at)s
FROM generate_series(1, %(count)s) AS number
"""
RAW = """
CREATE TABLE bench_line (LIKE bill_line INCLUDING ALL)
"""
JOIN = """
SELECT count(*) FROM bench_line FULL JOIN payment ON out_trade_no = out_no
WHERE bench_line.amount_fen IS DISTINCT FROM payment.amount_fen
"""


def reconciliation(course: Course) -> None:
    """A month of bills, then one day as long as the month."""
    course.mall.family.stop("worker")  # It would compare what is ours.
    today = datetime.now(UTC).astimezone(_china()).date()
    month = [today - timedelta(days=2 + number) for number in range(DAYS)]
    last = today - timedelta(days=1)
    course.sandbox.control("POST", "/settings", bills="ready")
    for day in month:
        _fill(course, day, A_DAY)
    small = _apart(course, month)
    _print("reconciliation_month", small, _limit(course, month, A_DAY))
    _fill(course, last, ONE_DAY)
    large = _apart(course, [last])
    _print("reconciliation_one_day", large, _limit(course, [last], ONE_DAY))
    course.mall.start_worker()


def _fill(course: Course, day: date, count: int) -> None:
    """What was paid on a day, in the mall's books and in WeChat's bills."""
    appid = course.mall.env["WECHAT_APPID"]
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=_china())
    with course.database() as connection:
        connection.execute("SET session_replication_role = replica")  # Without orders.
        given = {"day": f"{day:%Y%m%d}", "at": noon, "count": count, "fen": FEN, "appid": appid}
        connection.execute(PAID, given)
        connection.execute("ANALYZE payment")
    trade = (
        f"`{day} 12:00:00,`{appid},`19,`{wechat_no},`{number},`SUCCESS,`0,`0,`0.00,`,`龙井茶,"
        f"`0.59000,`0.60%,`99.00,`0.00"
        for number, wechat_no in _numbers(day, count)
    )
    flow = (
        f"`{day} 12:00:00,`{wechat_no},`交易,`交易,`收入,`99.00,`{number}"
        for number, wechat_no in _numbers(day, count)
    )
    for bill, head, rows in (("trade", TRADE_HEAD, trade), ("BASIC", FLOW_HEAD, flow)):
        text = "\r\n".join([head, *rows, "总笔数", f"`{count}.0", ""])
        course.sandbox.control(
            "POST", "/bills/content", bill=bill, day=day.isoformat(), text=f"\ufeff{text}"
        )


def _numbers(day: date, count: int) -> Iterator[tuple[str, str]]:
    for number in range(1, count + 1):
        yield f"P{day:%Y%m%d}{number:018d}", f"4200{day:%Y%m%d}{number:016d}"


def _apart(course: Course, days: list[date]) -> dict[str, Any]:
    """Reconcile these days in a process of its own; what it measured."""
    command = python("-m", "bench.reconciliation", *(day.isoformat() for day in sorted(days)))
    done = subprocess.run(
        command, env={**os.environ, **course.mall.env}, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert isinstance(found, dict)
    return found


def _limit(course: Course, days: list[date], count: int) -> float:
    """Seconds to copy the same lines and join them, and nothing else."""
    lines = [
        (day, bill, number, "payment", out_no, wechat_no, FEN, "SUCCESS", f"{day} 12:00:00+08")
        for day in days
        for bill in ("trade", "basic")
        for number, (out_no, wechat_no) in enumerate(_numbers(day, count), 1)
    ]
    with course.database() as connection:
        connection.execute("DROP TABLE IF EXISTS bench_line")
        connection.execute(RAW)
        started = perf_counter()
        with connection.cursor() as cursor, cursor.copy("COPY bench_line FROM STDIN") as copy:
            for line in lines:
                copy.write_row(line)
        _scalar(connection, JOIN)
        seconds = perf_counter() - started
        connection.execute("DROP TABLE bench_line")
    return seconds


def _scalar(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def _print(name: str, found: dict[str, Any], limit_seconds: float) -> None:
    figure = {
        "name": name,
        "value": round(found["lines"] / found["seconds"]),
        "unit": "lines/s",
        "limit": round(found["lines"] / limit_seconds),
        "ratio": round(limit_seconds / found["seconds"], 3),
        **found,
    }
    print(json.dumps(figure), flush=True)


def _china() -> Any:
    from app.core import clock

    return clock.CHINA


def main(days: list[str]) -> None:
    """Reconcile days of the mall of this environment; print seconds, lines, breaks and memory."""
    from sqlalchemy import text

    from app import create_app
    from app.core.db import read
    from app.reconciliation import calls
    from app.settings import Settings

    with create_app(Settings.from_env()).app_context():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = perf_counter()
        for day in days:
            assert calls.run(date.fromisoformat(day)), f"{day} has bills that are not there"
        seconds = perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        given = {"first": days[0], "last": days[-1]}
        counted = "SELECT count(*) FROM {} WHERE bill_day BETWEEN :first AND :last"
        lines, breaks = (
            read().scalar(text(counted.format(table)), given)
            for table in ("bill_line", "bill_break")
        )
    figures = {
        "seconds": round(seconds, 2),
        "lines": lines,
        "breaks": breaks,
        "peak_mb": after // 1024,
        "grew_mb": (after - before) // 1024,
    }
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
