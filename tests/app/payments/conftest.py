"""A mall with a WeChat Pay in memory behind its real client, and a hand to run its jobs."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core import clock
from app.core.auth import Audience
from app.core.db import db
from app.orders import queries as orders
from app.orders import service as order_moves
from app.orders.models import Order, OrderStatus
from app.payments import calls, jobs
from app.payments.models import PayInbox, Payment, Refund
from app.payments.verify import verify
from app.wechat.extension import Clients
from app.wechat.messages import Messenger
from sandbox import server
from tests.app.payments.sandboxed import Sandbox
from tests.app.wechat import platform as world
from tests.app.wechat.platform import Platform
from tests.builders.orders import make_order

DUE = text(
    "WITH due AS (DELETE FROM procrastinate_jobs WHERE status = 'todo'"
    " AND task_name LIKE 'payments.%' AND (scheduled_at IS NULL OR scheduled_at <= :now)"
    " RETURNING id, task_name, args) SELECT task_name, args FROM due ORDER BY id"
)


class Mall:
    """What the tests of payments do to the mall and to WeChat."""

    def __init__(self, app: Flask, platform: Platform, session: Session) -> None:
        self.app, self.platform, self.session = app, platform, session
        self.client: FlaskClient = app.test_client()
        self.now = platform.now

    def wait(self, **time: float) -> None:
        """Let time pass; nothing runs by itself."""
        self.now += timedelta(**time)
        self.platform.now = self.now

    def order(self, *, status: str = OrderStatus.UNPAID, **wanted: Any) -> Order:
        order = make_order(self.session, now=self.now, status=OrderStatus(status), **wanted)
        self.session.commit()
        return order

    def look(self, order: Order) -> Order:
        self.session.rollback()
        return orders.get(self.session, order_no=order.order_no)

    def open(self, order: Order | None = None) -> tuple[Order, str]:
        """An order the buyer has begun to pay, and the number of the attempt."""
        order = order or self.order()
        calls.prepay(order_no=order.order_no, buyer_id=order.buyer_id)
        (payment,) = self.payments(order)[-1:]
        return order, payment.out_trade_no

    def paid(self) -> tuple[Order, str]:
        """An order whose money came, told by a notification."""
        order, number = self.open()
        self.hear(self.platform.pay(number), id=f"EV-{number}")
        self.run_jobs()
        return self.look(order), number

    def cancel(self, order: Order) -> None:
        order_moves.cancel(
            self.session, order_no=order.order_no, buyer_id=order.buyer_id, now=self.now
        )
        self.session.commit()

    def payments(self, order: Order) -> list[Payment]:
        self.session.rollback()
        found = select(Payment).where(Payment.order_id == order.id).order_by(Payment.id)
        return list(self.session.scalars(found))

    def refunds(self, order: Order) -> list[Refund]:
        self.session.rollback()
        found = select(Refund).where(Refund.order_id == order.id).order_by(Refund.id)
        return list(self.session.scalars(found))

    def inbox(self) -> list[PayInbox]:
        self.session.rollback()
        return list(self.session.scalars(select(PayInbox).order_by(PayInbox.id)))

    def hear(
        self,
        resource: dict[str, Any],
        *,
        path: str = "pay",
        at: datetime | None = None,
        **told: Any,
    ) -> int:
        """WeChat notifies the mall; the status of the answer."""
        headers, raw = self.platform.notification(resource, at=at, **told)
        return self.post(headers, raw, path=path)

    def sign(
        self, resource: dict[str, Any], *, shift: int, **told: Any
    ) -> tuple[dict[str, str], bytes]:
        """A notification signed `shift` seconds from now, not sent."""
        at = self.now + timedelta(seconds=shift)
        return self.platform.notification(resource, at=at, **told)

    def inbox_statuses(self, status: str) -> list[int]:
        self.session.rollback()
        return list(self.session.scalars(select(PayInbox.id).where(PayInbox.status == status)))

    def post(self, headers: dict[str, str], raw: bytes, *, path: str = "pay") -> int:
        address = f"/webhooks/wechat/{path}"
        return self.client.post(address, headers=headers, data=raw).status_code

    def hear_of_refund(self, resource: dict[str, Any], **told: Any) -> int:
        kind = {"event_type": "REFUND.SUCCESS", "original_type": "refund"}
        return self.hear(resource, path="refund", **{"id": "RF-1", **kind, **told})

    def run_jobs(self) -> list[str]:
        """Run the payment jobs that are due until none is; their names."""
        done: list[str] = []
        while found := self._due():
            for name, arguments in found:
                getattr(jobs, name.removeprefix("payments."))(**arguments)
                done.append(name)
        return done

    def sweep(self) -> list[str]:
        jobs.sweep()
        return self.run_jobs()

    def waiting(self, name: str) -> list[dict[str, Any]]:
        """The arguments of the jobs of a name that wait, due or not."""
        self.session.rollback()
        return list(
            self.session.scalars(
                text(
                    "SELECT args FROM procrastinate_jobs"
                    " WHERE task_name = :name AND status = 'todo' ORDER BY id"
                ),
                {"name": name},
            )
        )

    def breaches(self) -> list[Any]:
        self.session.rollback()
        return list(verify(self.session))

    def _due(self) -> list[tuple[str, dict[str, Any]]]:
        self.session.rollback()
        rows = self.session.execute(DUE, {"now": self.now}).all()
        self.session.commit()
        return [(name, json.loads(args) if isinstance(args, str) else args) for name, args in rows]


@pytest.fixture
def platform(app: Flask, now: datetime) -> Iterator[Platform]:
    platform = Platform(now=now)
    before = app.extensions["wechat"]
    app.extensions["wechat"] = Clients(
        pay=world.pay_client(platform),
        transfers=None,  # type: ignore[arg-type]  # Nothing here is paid out.
        bills=None,  # type: ignore[arg-type]  # Nothing here is reconciled.
        mini=None,  # type: ignore[arg-type]  # Nothing here signs in.
        messages=Messenger(None, {}),  # type: ignore[arg-type]  # It has no templates to send.
        shipping=None,  # type: ignore[arg-type]  # Nor tells of parcels.
        pushes=None,
        notifications=world.reader(platform),
    )
    yield platform
    app.extensions["wechat"] = before


@pytest.fixture
def mall(
    app: Flask, platform: Platform, session: Session, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Mall]:
    mall = Mall(app, platform, session)
    monkeypatch.setattr(clock, "now", lambda: mall.now)
    yield mall
    db.session.rollback()


@pytest.fixture
def shopper(token_for: Callable[..., dict[str, str]]) -> Callable[[Order], dict[str, str]]:
    """The headers of an order's buyer."""
    return lambda order: token_for(Audience.SHOPPER, order.buyer_id)


@pytest.fixture(scope="session")
def running():
    with server.start() as running:
        yield running


@pytest.fixture
def sandbox(running):
    sandbox = Sandbox(running.url)
    running.world.merchants.clear()
    sandbox.control("reset")
    sandbox.control("settings", notify="manual", signing="public_key", refund_outcome="manual")
    sandbox.control("clock", now=datetime.now(UTC).isoformat())
    sandbox.control(
        "merchants",
        appid=world.APPID,
        app_secret="s" * 32,
        mchid=world.MCHID,
        merchant_serial=world.SERIAL,
        merchant_public_key=world.public_pem(0),
        apiv3_key=world.APIV3_KEY,
    )
    yield sandbox
    sandbox.http.close()
