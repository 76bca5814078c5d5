"""
`python -m demo.drill`: trade, back up, trade on, lose the database, restore it, and find the rest.

The exit status is 0 only if every fen of WeChat's books is in ours again or in a list for people,
and `flask verify` finds nothing.
"""

import json
import sys
import tempfile
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import redis

from app import embedded
from app.core.clock import CHINA
from demo.backups import Backups
from demo.client import Client, Sandbox, staff, wait_until
from demo.lost import BOOKS, Books, Trades, in_silence
from demo.mall import Mall
from demo.telling import Telling, WrongFigure, yuan

AFTER_THE_BILLS = time(10, 35)
REASON = "数据库恢复后核对：订单已丢失，款项退回付款人"
EXPLAINED = "数据库恢复后核对：记录已丢失，已与当事人确认"


class Drill:
    """One disaster and its end."""

    def __init__(self, folder: Path, say: Any) -> None:
        self.say = say
        self.backups = Backups(embedded.join(folder))
        self.mall = Mall(folder, port=0, sandbox_port=0, server_processes=1, say=say)
        self.steps = 0

    def run(self) -> int:
        """Play it to the end; return the exit status."""
        try:
            self.backups.archive_wal()
            self.mall.start()
            self._play()
        except WrongFigure as error:
            self.say(f"  ✗ {error}")
            return 1
        finally:
            self.mall.stop()
            self.backups.servers.leave()
        return 0

    def _play(self) -> None:
        trades = Trades(self._telling())
        trades.before_the_backup()
        self.backups.take()
        self._step("基础备份完成；此后的日志逐段归档")
        trades.until_the_point()
        point = datetime.now(UTC)
        self.backups.mark()
        self._step("恢复点：到这里为止都找得回来")
        trades.that_will_be_lost()
        self._lose()
        self.backups.restore()
        self._step("基础备份 + 归档日志，恢复到恢复点")
        self._open_again(point)
        trades.figures_after_asking(self._telling())
        self._next_morning(point)
        self._decide(self._telling())
        self._account()
        self._step(self.mall.flask("verify").splitlines()[-1])

    def _lose(self) -> None:
        for name in ("server", "worker"):
            self.mall.kill(name)
        self.backups.destroy()
        redis.Redis.from_url(self.backups.servers.redis_url()).flushall()
        self._step("灾难：kill -9，数据目录全部删除；微信那边什么都还在")

    def _open_again(self, point: datetime) -> None:
        self.mall.flask("db", "upgrade")
        self._catch_up(point)
        self._start()

    def _start(self) -> None:
        self.mall.start_server()
        self.mall.start_worker()
        self.mall.family.wait_for("server", f"{self.mall.url}/readyz")

    def _catch_up(self, point: datetime) -> None:
        self._step(f"flask catch-up {point.isoformat(timespec='seconds')}")
        for line in self.mall.flask("catch-up", point.isoformat()).splitlines():
            self.say(f"       {line}")

    def _next_morning(self, point: datetime) -> None:
        """Here and at WeChat it is the next morning: there are bills."""
        now = datetime.now(CHINA)
        then = datetime.combine(now.date() + timedelta(days=1), AFTER_THE_BILLS, CHINA)
        seconds = int((then - now).total_seconds())
        for name in ("server", "worker"):
            self.mall.family.stop(name)
        sandbox = Sandbox(self.mall.sandbox_url)
        sandbox.control("POST", "/clock", advance_seconds=seconds, calendar=True)
        self.mall.env["DRILL_AHEAD_SECONDS"] = str(seconds)
        self.mall.entry = "demo.later"
        self._step(f"第二天 {then:%H:%M}，微信的账单出来了")
        self._catch_up(point)
        self._start()

    def _decide(self, telling: Telling) -> None:
        """What staff do about what is listed for them."""
        merchant = telling.merchant
        for fact in merchant.get("/payments/quarantine")["items"]:
            decision = "refund" if fact["kind"] == "trade" else "dismiss"
            path = f"/payments/quarantine/{fact['id']}/decision"
            merchant.post(path, decision=decision, reason=REASON)
        wait_until("退回无主款项", lambda: _is_idle(merchant, telling.sandbox))
        for one in _breaks(merchant, "open"):
            path = f"/reconciliation/breaks/{one['id']}"
            merchant.post(f"{path}/take")
            merchant.post(f"{path}/resolve", how="explained", reason=EXPLAINED)
        self._step("商家逐条处理：没有订单的款项原路退回，其余核实后写明原因")

    def _account(self) -> None:
        """Every fen of WeChat's books, one by one: in ours, or in the list."""
        telling = self._telling()
        listed = {
            (one["kind"], one["out_no"]): one["bill_fen"]
            for status in ("open", "resolved")
            for one in _breaks(telling.merchant, status)
            if one["verdict"] == "missing_here"
        }
        books = Books(self.backups.servers, telling.sandbox)
        for kind, title in BOOKS.items():
            there, here = books.there(kind), books.here(kind)
            found = {no: listed.get((kind, no)) for no in there if no not in here}
            telling.equal(f"{title}：不声不响丢失的", in_silence(there, here, found), set())
            telling.equal(f"{title}：微信没有的", here.keys() - there.keys(), set())
            self._step(
                f"{title}：微信 {len(there)} 笔 {yuan(sum(there.values()))}"
                f" = 本店 {len(here)} 笔 {yuan(sum(here.values()))}"
                f" + 列出 {len(found)} 笔 {yuan(sum(fen or 0 for fen in found.values()))}"
            )

    def _telling(self) -> Telling:
        account = json.loads((self.mall.folder / "accounts.json").read_text())
        merchant = staff(self.mall.url, account["username"], account["password"])
        telling = Telling(self.mall.url, Sandbox(self.mall.sandbox_url), merchant, self.say)
        telling.number = self.steps
        return telling

    def _step(self, what: str) -> None:
        self.say(f"  ▪ {what}")


def _breaks(merchant: Client, status: str) -> list[dict[str, Any]]:
    page = merchant.get("/reconciliation/breaks", status=status, limit=100)
    found: list[dict[str, Any]] = page["items"]
    return found


def _is_idle(merchant: Client, sandbox: Sandbox) -> bool:
    """Whether every refund WeChat was asked for is over, and nothing waits for staff."""
    refunds = sandbox.control("GET", "/refunds")["refunds"]
    is_over = all(one["status"] == "SUCCESS" for one in refunds)
    return is_over and not merchant.get("/payments/quarantine")["items"]


def main() -> int:
    """Play it in a folder of its own, and clean up."""
    with tempfile.TemporaryDirectory(prefix="siyu-drill-") as folder:
        return Drill(Path(folder).resolve(), lambda line: print(line, flush=True)).run()


if __name__ == "__main__":
    sys.exit(main())
