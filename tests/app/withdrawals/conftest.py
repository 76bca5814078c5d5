"""A mall with a sandbox WeChat, distributors who have earned, staff, and a hand to run the jobs."""

import json
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from app.core import clock
from app.core.auth import Audience
from app.core.db import db
from app.withdrawals import jobs, payees, verify
from app.withdrawals.models import Payout
from distribution import queries, withdrawals
from distribution import verify as engine
from tests.builders.members import make_member
from tests.builders.staff import make_staff
from tests.builders.withdrawals import ID_NUMBERS, earn, make_withdrawal_rules

DUE = text(
    "WITH due AS (DELETE FROM procrastinate_jobs WHERE status = 'todo'"
    " AND task_name LIKE 'withdrawals.%' AND (scheduled_at IS NULL OR scheduled_at <= :now)"
    " RETURNING id, task_name, args) SELECT task_name, args FROM due ORDER BY id"
)
URL = "/api/v1/distributor/withdrawals"


class Shop:
    """What the tests of withdrawals do to the mall and to WeChat."""

    def __init__(self, app, session, token_for, now):
        self.app, self.session, self.token_for = app, session, token_for
        self.client, self.now = app.test_client(), now
        self.wechat = None
        self._staff = []

    def wait(self, **time):
        """Let time pass on both sides; nothing runs by itself."""
        span = timedelta(**time)
        self.now += span
        if self.wechat:
            # Their calendar is set, not moved: ours stands still while a long test runs.
            seconds, today = span.total_seconds(), self.now.isoformat()
            self.wechat.control("POST", "clock", advance_seconds=seconds, now=today)

    def distributor(self, *, fen=100_000, payee=False, **fields):
        """An active distributor who has `fen` to withdraw; (member, headers)."""
        member = make_member(self.session, now=self.now, **fields)
        earn(self.session, member_id=member.id, fen=fen, now=self.now)
        if payee:
            self.name(member)
        self.session.commit()
        return member, self.token_for(Audience.SHOPPER, member.id)

    def name(self, member, *, real_name="周敏", number=ID_NUMBERS[0], account="工行 6222 0000"):
        payees.set_payee(
            self.session,
            member_id=member.id,
            real_name=real_name,
            id_number=number,
            account=account,
            now=self.now,
        )

    def staff(self, **fields):
        """Headers of one of the staff."""
        account = make_staff(self.session, **fields)
        self.session.commit()
        return self.token_for(Audience.STAFF, account.id)

    def ask(self, headers, amount_fen=10_000, **body):
        headers = {"Idempotency-Key": uuid.uuid4().hex, **headers}
        return self.client.post(URL, headers=headers, json={"amount_fen": amount_fen, **body})

    def asked(self, *, fen=100_000, amount_fen=10_000, **more):
        """A withdrawal nobody has to review; (number, member, headers)."""
        member, headers = self.distributor(fen=fen, **more)
        answer = self.ask(headers, amount_fen)
        assert answer.status_code == 201, answer.json
        return answer.json["withdrawal_no"], member, headers

    def sent(self, **more):
        """A withdrawal whose payout was sent in one turn; (number, member, headers)."""
        found = self.asked(**more)
        self.run_jobs()
        return found

    def look(self, number):
        self.session.rollback()
        return withdrawals.get(self.session, number)

    def payout(self, number):
        self.session.rollback()
        return self.session.scalars(select(Payout).where(Payout.out_bill_no == number)).one()

    def states(self, number):
        return self.look(number).state.value, self.payout(number).status

    def have(self, member):
        self.session.rollback()
        found = queries.summary(self.session, member.id)
        return found.available_fen, found.withdrawing_fen

    def run_jobs(self):
        """Run the jobs of withdrawals that are due until none is; their names."""
        done = []
        while found := self._due():
            for name, arguments in found:
                getattr(jobs, name.removeprefix("withdrawals."))(**arguments)
                done.append(name)
        return done

    def sweep(self):
        jobs.sweep()
        return self.run_jobs()

    def pass_time(self, *steps):
        """Let time pass in steps, with a sweep after each."""
        for step in steps:
            self.wait(**step)
            self.sweep()

    def settle(self, number, state, **more):
        """WeChat finishes a bill; its notification waits."""
        return self.wechat.control("POST", f"transfers/{number}/settle", state=state, **more)

    def bill(self, number):
        return self.wechat.control("GET", f"transfers/{number}")

    def bills(self):
        return self.wechat.control("GET", "transfers")["transfers"]

    def deliver(self, **more):
        answers = self.wechat.deliver(self.client, **more)
        self.run_jobs()
        return [answer.status_code for answer in answers]

    def calls(self, name):
        found = self.wechat.control("GET", "calls")["calls"]
        return [each for each in found if each["call"] == name]

    def breaches(self):
        self.session.rollback()
        return [*verify.verify(self.session), *engine.verify(self.session)]

    def _due(self):
        self.session.rollback()
        rows = self.session.execute(DUE, {"now": self.now}).all()
        self.session.commit()
        return [(name, json.loads(args) if isinstance(args, str) else args) for name, args in rows]


@pytest.fixture
def shop(app, session, token_for, now, monkeypatch):
    """The mall without WeChat, where nobody reviews."""
    shop = Shop(app, session, token_for, now)
    make_withdrawal_rules(session, now=now)
    session.commit()
    monkeypatch.setattr(clock, "now", lambda: shop.now)
    yield shop
    db.session.rollback()


@pytest.fixture
def paying(shop, wechat):
    """The same with WeChat, whose notifications wait until they are delivered."""
    wechat.control("POST", "settings", transfer_most_fen=20_000_000)
    wechat.control("POST", "clock", now=shop.now.isoformat())
    shop.wechat = wechat
    return shop


def confirm(shop, number, headers):
    """The distributor confirms with what the mall gave them, as the mini-program would."""
    shown = shop.client.get(f"{URL}/{number}", headers=headers).json
    return shop.wechat.control("POST", "receive", **shown["confirmation"])


def pay(shop, number, headers):
    """The distributor confirms, and the money arrives."""
    confirm(shop, number, headers)
    shop.wechat.control("POST", "idle")
    assert shop.bill(number)["state"] == "SUCCESS"


def advance(shop, number):
    return shop.wechat.control("POST", f"transfers/{number}/advance")["state"]
