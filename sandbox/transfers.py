"""
Merchant transfers: accepted by number, locked, waiting a day for the payee, paid or given back.

Money locked for a bill comes back with FAIL and CANCELLED.
"""

from __future__ import annotations

import collections
import functools
import secrets
from base64 import b64encode
from typing import Any

from sandbox import faults as switches
from sandbox.clock import CHINA
from sandbox.errors import ControlRefusal, PayRefusal, invalid_request
from sandbox.mini import Mini
from sandbox.notify import Notification, Notifications
from sandbox.transfer_bills import FINAL, MOVES, NEXT, SUMMARIES, Bill
from sandbox.world import Merchant, Store, World, digits

SURFACE = "notify_transfer"
switches.NOTIFICATIONS.add(SURFACE)
DAY_SECONDS = 86400
KEPT_SECONDS = 30 * DAY_SECONDS
CANCELS_A_SECOND = 20


class Transfers(Store):
    """All bills by merchant and number, and what each merchant can still pay."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.balances: dict[str, int] = {}
        """Fen left by mchid; a merchant not named has always enough."""
        self._by_number: dict[tuple[str, str], Bill] = {}
        self._calls: dict[tuple[str, str], collections.deque[float]] = {}

    def all(self) -> list[Bill]:
        return [self._seen(bill) for bill in self._by_number.values()]

    def find(self, mchid: str, out_bill_no: str) -> Bill | None:
        bill = self._by_number.get((mchid, out_bill_no))
        return bill and self._seen(bill)

    def find_transfer(self, mchid: str, transfer_bill_no: str) -> Bill | None:
        return next(
            (
                one
                for one in self.all()
                if (one.merchant.mchid, one.transfer_bill_no) == (mchid, transfer_bill_no)
            ),
            None,
        )

    def find_package(self, package: str) -> Bill | None:
        return next((one for one in self.all() if one.package == package), None)

    def named(self, out_bill_no: str, mchid: str | None = None) -> Bill:
        """
        Return the one bill of that number, for the control API.

        :raises ControlRefusal: there is none, or several merchants have it.
        """
        found = [
            bill
            for bill in self.all()
            if bill.out_bill_no == out_bill_no and mchid in (None, bill.merchant.mchid)
        ]
        if len(found) != 1:
            raise ControlRefusal(404 if not found else 409, f"{len(found)} bills {out_bill_no}")
        return found[0]

    def accept(self, merchant: Merchant, body: dict[str, Any]) -> Bill:
        """
        Accept a bill, or show the same one again; one short of money tries to lock it again.

        :raises PayRefusal: the number was used with another body; 403 the merchant is short.
        """
        known = self.find(merchant.mchid, body["out_bill_no"])
        if known is not None:
            if known.body != body:
                raise PayRefusal(400, "ALREADY_EXISTS", "商户单号已存在, 且请求参数与原单不一致")
            if known.is_short:
                self._step_from(known, "PROCESSING")
            return known
        bill = self._make(merchant, body)
        if bill.state == "WAIT_USER_CONFIRM":
            if not self._lock(bill):
                raise PayRefusal(403, "NOT_ENOUGH", "运营账户余额不足, 请充值后使用原单号重试")
            self._await_payee(bill)
        self._by_number[merchant.mchid, bill.out_bill_no] = bill
        self._plan(bill)
        return bill

    def cancel(self, bill: Bill) -> None:
        """
        Begin to cancel a bill; asking again is harmless.

        :raises PayRefusal: the payee has accepted, or it is over.
        """
        if bill.state in ("CANCELING", "CANCELLED"):
            return
        if "CANCELING" not in MOVES[bill.state]:
            raise invalid_request("当前转账单状态不支持撤销")
        self._move(bill, "CANCELING")

    def move(self, bill: Bill, state: str, reason: str | None = None) -> None:
        """
        Bring a bill to its next state, for the payee and the control API.

        :raises ControlRefusal: 409 it cannot become that, or the merchant is short of money.
        """
        if state not in MOVES[bill.state]:
            raise ControlRefusal(409, f"a bill that is {bill.state} cannot be {state}")
        if state == "WAIT_USER_CONFIRM" and not self._lock(bill):
            raise ControlRefusal(409, "the balance does not cover it")
        self._move(bill, state, reason)

    def advance(self, bill: Bill) -> None:
        """
        Do the one step that comes by itself; a name that is not the payee's ends in FAIL.

        :raises ControlRefusal: 409 it waits for somebody, is over, or lacks money.
        """
        if bill.state not in NEXT:
            raise ControlRefusal(409, f"a bill that is {bill.state} does not go on by itself")
        if bill.state == "TRANSFERING" and self._is_misnamed(bill):
            self.move(bill, "FAIL", "NAME_NOT_CORRECT")
        else:
            self.move(bill, NEXT[bill.state])

    def resume(self) -> None:
        """Plan the steps of whatever waited while steps were done by hand."""
        for bill in self.all():
            self._plan(bill)

    def check_rate(self, mchid: str, name: str, limit: float) -> None:
        """
        Count a call.

        :raises PayRefusal: 429 the merchant made `limit` of them within a second.
        """
        now = self.world.clock.passed()
        calls = self._calls.setdefault((mchid, name), collections.deque())
        while calls and calls[0] <= now - 1:
            calls.popleft()
        if len(calls) >= limit:
            raise PayRefusal(429, "FREQUENCY_LIMIT", "接口调用频率超限, 请稍后使用原单号重试")
        calls.append(now)

    def is_kept(self, bill: Bill) -> bool:
        """Tell whether the query still knows the bill: for thirty days."""
        return self.world.clock.passed() - bill.created_passed < KEPT_SECONDS

    def _make(self, merchant: Merchant, body: dict[str, Any]) -> Bill:
        clock = self.world.clock
        now = clock.now()
        return Bill(
            merchant=merchant,
            body=body,
            transfer_bill_no=f"13300000{digits(10)}{now.astimezone(CHINA):%Y%m%d}{digits(14)}",
            package=b64encode(secrets.token_bytes(48)).decode(),
            created_at=now,
            created_passed=clock.passed(),
            updated_at=now,
            state=self.world.settings.transfer_start,
        )

    def _move(self, bill: Bill, state: str, reason: str | None = None) -> None:
        bill.state, bill.fail_reason = state, reason
        bill.updated_at = self.world.clock.now()
        if state == "WAIT_USER_CONFIRM":
            self._await_payee(bill)
        if state in ("FAIL", "CANCELLED") and bill.is_locked:
            self._unlock(bill)
        if state in FINAL:
            self._announce(bill)
        self._plan(bill)

    def _plan(self, bill: Bill) -> None:
        settings = self.world.settings
        if bill.state in NEXT and settings.steps_transfers_automatically:
            action = functools.partial(self._step_from, bill, bill.state)
            self.world.agenda.after(settings.transfer_delay_seconds, action)

    def _step_from(self, bill: Bill, state: str) -> None:
        if bill.state == state and self.world.settings.steps_transfers_automatically:
            self._step(bill)

    def _step(self, bill: Bill) -> None:
        # A bill without money stays PROCESSING, until its request is repeated.
        bill.is_short = bill.state == "PROCESSING" and not self._covers(bill)
        if not bill.is_short:
            self.advance(bill)

    def _await_payee(self, bill: Bill) -> None:
        bill.confirm_by = self.world.clock.passed() + DAY_SECONDS
        self.world.agenda.after(DAY_SECONDS, functools.partial(self._close_overdue, bill))

    def _seen(self, bill: Bill) -> Bill:
        # The agenda may be a moment late; nobody shall see a bill that should be closed.
        self._close_overdue(bill)
        return bill

    def _close_overdue(self, bill: Bill) -> None:
        is_over = bill.confirm_by is not None and self.world.clock.passed() >= bill.confirm_by
        if bill.state == "WAIT_USER_CONFIRM" and is_over:
            self._move(bill, "FAIL", "OVERDUE_CLOSE")

    def _is_misnamed(self, bill: Bill) -> bool:
        payee = self.world.store(Mini).users.get(bill.body["openid"])
        real_name = payee and payee.real_name
        return bool(real_name) and bill.body.get("user_name", real_name) != real_name

    def _covers(self, bill: Bill) -> bool:
        left = self.balances.get(bill.merchant.mchid)
        return bill.is_locked or left is None or left >= bill.amount_fen

    def _lock(self, bill: Bill) -> bool:
        if not self._covers(bill):
            return False
        if not bill.is_locked:
            self._book(bill, -bill.amount_fen)
            bill.is_locked = True
        return True

    def _unlock(self, bill: Bill) -> None:
        self._book(bill, bill.amount_fen)
        bill.is_locked = False

    def _book(self, bill: Bill, fen: int) -> None:
        mchid = bill.merchant.mchid
        if mchid in self.balances:
            self.balances[mchid] += fen

    def _announce(self, bill: Bill) -> None:
        if "notify_url" not in bill.body:
            return
        notification = Notification(
            surface=SURFACE,
            merchant=bill.merchant,
            url=bill.body["notify_url"],
            event_type="MCHTRANSFER.BILL.FINISHED",
            original_type="mch_payment",
            summary=SUMMARIES[bill.state],
            subject=bill.out_bill_no,
            content=bill.news(),
            created_at=self.world.clock.now(),
        )
        self.world.store(Notifications).publish(notification)
