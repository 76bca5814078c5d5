"""How a cell of the matrix of disorder is played: a state is reached, then something goes wrong."""

from abc import ABC, abstractmethod
from contextlib import suppress
from datetime import timedelta

from sqlalchemy import func, select

from app.catalogue.models import Sku
from app.core.db import transaction
from app.orders import fulfilment
from app.orders import service as order_moves
from app.orders.models import CloseReason, OrderStatus
from app.payments import attempts, calls, stuck
from app.payments.models import PayInbox, PaymentStatus, RefundStatus
from app.payments.stuck import Instruction
from app.wechat.errors import WeChatError
from tests.app.payments import disorder
from tests.app.payments.conftest import Mall
from tests.app.payments.disorder import Outcome
from tests.app.payments.sandboxed import Sandbox
from tests.app.payments.test_refunds import request
from tests.builders.orders import PARCEL
from tests.builders.staff import make_staff

OTHER = {"out_trade_no": "P" + "0" * 26, "out_refund_no": "R" + "0" * 26}
CREATION = {"duplicate", "delayed", "lost", "out_of_order"}
STATES = {"lost": "lost", "out_of_order": "held", "duplicate": "pending", "delayed": "pending"}


class Scene(ABC):
    """One order, attempt or refund in its state, and the message about it that is to come."""

    path = "pay"

    def __init__(self, player: "Player", number: str, end: str) -> None:
        self.player, self.number, self.end = player, number, end
        self.mall, self.sandbox = player.mall, player.sandbox

    def hear(self, switch: str, outcome: Outcome) -> None:
        """Let the spoilt message arrive, or not, and check what is made of it at once."""
        before = self.status()
        if switch in CREATION:
            (told,) = self.sandbox.look("notifications", subject=self.number)[-1:]
            assert told["state"] == STATES[switch]
        if outcome is Outcome.ASKED:
            return  # It comes after the truth, in `come_true`.
        args = {"set": OTHER} if switch == "content" else {}
        is_plain = switch in CREATION
        for _ in range(2 if outcome is Outcome.ONCE else 1):
            taken = self.take(**({} if is_plain else {"kind": switch, "args": args}))
            status = self.mall.post(taken["headers"], taken["body"].encode(), path=self.path)
            assert status == (401 if outcome is Outcome.REFUSED else 204), switch
        self.mall.run_jobs()
        if outcome is Outcome.SET_ASIDE:
            assert self.mall.inbox()[-1].status == "quarantined", switch
        if outcome in {Outcome.REFUSED, Outcome.SET_ASIDE}:
            assert self.status() == before, switch
        else:
            assert self.status() == self.end, switch

    def come_true(self) -> None:
        """Let the truth be heard in every way it comes, and look at the end of it."""
        self.ask()
        assert self.status() == self.end
        taken = self.take()
        assert self.mall.post(taken["headers"], taken["body"].encode(), path=self.path) == 204
        self.mall.run_jobs()
        assert self.status() == self.end
        self.check_once()

    def take(self, **fault: object) -> dict:
        told = self.sandbox.notifications(self.number)[-1]
        return self.sandbox.take(told, **fault)

    @abstractmethod
    def status(self) -> str:
        """Where it stands in the mall."""

    @abstractmethod
    def ask(self) -> None:
        """Ask WeChat how it stands."""

    @abstractmethod
    def check_once(self) -> None:
        """Check that it took effect once."""


class PaymentScene(Scene):
    """An attempt that WeChat says is paid."""

    def __init__(self, player: "Player", order, number: str, state) -> None:
        self.order, self.is_order = order, isinstance(state, OrderStatus)
        ends = disorder.ORDER_ENDS if self.is_order else disorder.PAYMENT_ENDS
        super().__init__(player, number, ends[state])

    def status(self) -> str:
        if self.is_order:
            return self.mall.look(self.order).status
        return next(
            each.status
            for each in self.mall.payments(self.order)
            if each.out_trade_no == self.number
        )

    def ask(self) -> None:
        # The timers ask about what may still be paid; of the rest the daily match does.
        self.player.wait(seconds=15)
        self.mall.run_jobs()
        calls.ask(self.number)
        self.mall.run_jobs()

    def check_once(self) -> None:
        order = self.mall.look(self.order)
        unwanted = [each for each in self.mall.refunds(order) if each.line_amounts is None]
        late = [
            each
            for each in self.mall.payments(order)
            if each.status in {PaymentStatus.PAID_LATE, PaymentStatus.PAID_DUPLICATE}
        ]
        assert len(unwanted) == len(late)
        assert self.player.sold(order) == (order.paid_at is not None and order.status != "refunded")

    def forget_calls(self) -> None:
        self.player.calls_before = len(self.sandbox.look("calls"))


class RefundScene(Scene):
    """A refund about which WeChat has a last word."""

    path = "refund"

    def __init__(self, player: "Player", order, number: str, state: RefundStatus) -> None:
        super().__init__(player, number, disorder.REFUND_ENDS[state])
        self.order = order

    def status(self) -> str:
        refunds = self.mall.refunds(self.order)
        return next(each.status for each in refunds if each.out_refund_no == self.number)

    def ask(self) -> None:
        self.player.wait(minutes=5)
        self.mall.sweep()

    def check_once(self) -> None:
        order = self.mall.look(self.order)
        is_back = self.end == RefundStatus.SUCCESS
        assert order.refunded_fen == (order.payable_fen if is_back else 0)
        told = self.mall.waiting("aftersales.refund_settled")
        assert len([each for each in told if each["source"] == self.player.source]) == is_back


class Player:
    """Brings orders, attempts and refunds into any state, with the sandbox on the other side."""

    def __init__(self, mall: Mall, sandbox: Sandbox) -> None:
        self.mall, self.sandbox = mall, sandbox
        self.calls_before = 0
        self.source = ""
        self.count = 0

    def wait(self, **time: float) -> None:
        """Let time pass here and at WeChat."""
        self.mall.wait(**time)
        self.sandbox.control("clock", now=self.mall.now.isoformat())

    def payment(self, state, switch: str | None = None) -> PaymentScene:
        """An attempt, or its order, in `state`, whose notification has not come yet."""
        order = self.mall.order()
        number = self._open(order, state)
        if state is PaymentStatus.PAID_DUPLICATE:
            number = self._second(order, number)
        if state is OrderStatus.CLOSING:
            self.sandbox.control("faults", on="close", kind="500", match=number)
            self.mall.cancel(order)
            self.mall.run_jobs()  # WeChat is unclear, so it goes on closing.
        if state in {PaymentStatus.CLOSED, PaymentStatus.PAID_LATE, OrderStatus.CLOSED}:
            self._close(order)
        if switch in CREATION:
            self.sandbox.control("faults", on="notify_payment", kind=switch, match=number)
        self.sandbox.control(f"trades/{number}/pay", unchecked=True)
        before = {"created", "open", "closed", "unpaid", "closing"}
        if state not in before:
            calls.ask(number)
            self.mall.run_jobs()
        self._go_on(order, state)
        return PaymentScene(self, order, number, state)

    def refund(self, state: RefundStatus, switch: str | None = None) -> RefundScene:
        """A refund in `state`; WeChat's last word about it has not come yet."""
        order = self.mall.order()
        _, paid = self.mall.open(order)
        self.sandbox.control(f"trades/{paid}/pay", unchecked=True)
        calls.ask(paid)
        self.count += 1
        self.source = f"after_sale:A{self.count}"
        number = request(self.mall, self.mall.look(order), source=self.source).out_refund_no
        if state is RefundStatus.PENDING:
            self.sandbox.control("faults", on="refund", kind="cut", match=number)
        self.mall.run_jobs()
        words = {"abnormal": ["ABNORMAL"], "closed": ["CLOSED"], "replaced": ["CLOSED"]}
        for word in words.get(state, []):
            self._settle(number, word, switch)
        if state not in {"closed", "replaced"}:
            self._settle(number, "SUCCESS", switch, is_known=state is RefundStatus.SUCCESS)
        if state is RefundStatus.REPLACED:
            self._replace(number)
        return RefundScene(self, order, number, state)

    def call(self, name: str, switch: str) -> None:
        """Have one call's answer spoilt, in the state it is made in; then all is well again."""
        args = {"seconds": 0.01} if switch == "slow" else {"set": OTHER}
        order = self.mall.order()
        getattr(self, f"_call_{name}")(order, {"on": name, "kind": switch, "args": args})

    def asked(self, call: str) -> list:
        made = self.sandbox.look("calls")[self.calls_before :]
        return [each for each in made if each["call"] == call]

    def sold(self, order) -> int:
        sku_id = order.lines[0].sku_id
        return self.mall.session.scalar(select(Sku.sold).where(Sku.id == sku_id))

    def _open(self, order, state) -> str:
        if state is PaymentStatus.CREATED:
            self.sandbox.control("faults", on="prepay", kind="cut")
        with suppress(WeChatError):
            calls.prepay(order_no=order.order_no, buyer_id=order.buyer_id)
        return self.mall.payments(order)[-1].out_trade_no

    def _second(self, order, first: str) -> str:
        """Another attempt of an order whose first one is paid although we took it for closed."""
        self._end_attempt(order)
        _, second = self.mall.open(self.mall.look(order))
        self.sandbox.control(f"trades/{first}/pay", unchecked=True)
        calls.ask(first)
        return second

    def _close(self, order) -> None:
        """An order closed here while WeChat, against its word, still takes money for it."""
        self._end_attempt(order)
        with transaction() as session:
            order_moves.close(
                session, order_id=order.id, reason=CloseReason.EXPIRED, now=self.mall.now
            )

    def _end_attempt(self, order) -> None:
        payment = self.mall.payments(order)[-1]
        with transaction() as session:
            attempts.closed(session, payment_id=payment.id, now=self.mall.now)

    def _go_on(self, order, state) -> None:
        later = [OrderStatus.SHIPPED, OrderStatus.RECEIVED, OrderStatus.COMPLETED]
        steps = later[: later.index(state) + 1] if state in later else []
        now = self.mall.now
        with transaction() as session:
            if OrderStatus.SHIPPED in steps:
                order_moves.ship(session, order_no=order.order_no, now=now, **PARCEL)
            if OrderStatus.RECEIVED in steps:
                order_moves.receive(
                    session, order_no=order.order_no, buyer_id=order.buyer_id, now=now
                )
            if OrderStatus.COMPLETED in steps:
                fulfilment.complete_due(session, now=now + timedelta(days=7))
        if state is OrderStatus.REFUNDED:
            self.count += 1
            request(self.mall, self.mall.look(order), source=f"after_sale:B{self.count}")
            self.mall.run_jobs()
            (refund,) = self.mall.refunds(order)
            self._settle(refund.out_refund_no, "SUCCESS", None, is_known=True)

    def _settle(self, number: str, word: str, switch: str | None, *, is_known=False) -> None:
        """WeChat says its word; the mall hears of it by asking, if it is known."""
        if switch in CREATION:
            self.sandbox.control("faults", on="notify_refund", kind=switch, match=number)
        self.sandbox.control(f"refunds/{number}/settle", status=word)
        if is_known or word != "SUCCESS":
            self.wait(minutes=1)
            self.mall.sweep()

    def _replace(self, number: str) -> None:
        with transaction() as session:
            staff = make_staff(session)
            stuck.replace(session, Instruction(staff.id, "x"), number=number, now=self.mall.now)

    def _call_prepay(self, order, fault: dict) -> None:
        self.sandbox.control("faults", **fault)
        with suppress(WeChatError):
            calls.prepay(order_no=order.order_no, buyer_id=order.buyer_id)
        self.sandbox.http.delete("/control/faults")
        assert calls.prepay(order_no=order.order_no, buyer_id=order.buyer_id)
        (payment,) = self.mall.payments(order)
        assert payment.status == "open"
        bodies = {
            each["body"] for each in self.asked("prepay") if payment.out_trade_no in each["body"]
        }
        assert len(bodies) == 1

    def _call_query(self, order, fault: dict) -> None:
        _, number = self.mall.open(order)
        self.sandbox.control(f"trades/{number}/pay", unchecked=True)
        self.sandbox.control("faults", **fault, match=number)
        known = self._set_aside()
        self.wait(seconds=15)
        self.mall.run_jobs()
        self._check_first(fault, self.mall.look(order).status == "paid", known)
        self.wait(minutes=1)
        self.mall.sweep()
        assert self.mall.look(order).status == "paid"

    def _call_close(self, order, fault: dict) -> None:
        _, number = self.mall.open(order)
        self.mall.cancel(order)
        self.sandbox.control("faults", **fault, match=number)
        self.mall.run_jobs()
        self.sandbox.http.delete("/control/faults")
        self.wait(seconds=15)
        self.mall.run_jobs()
        assert self.mall.look(order).status == "closed"

    def _call_refund(self, order, fault: dict) -> None:
        number, known = self._begin(order), self._set_aside()
        self.sandbox.control("faults", **fault, match=number)
        self.mall.run_jobs()
        self._check_first(fault, self.mall.refunds(order)[0].status == "processing", known)
        self.wait(minutes=1)
        self.mall.sweep()
        assert self.mall.refunds(order)[0].status == "processing"
        assert len({each["body"] for each in self.asked("refund") if number in each["body"]}) == 1

    def _call_refund_query(self, order, fault: dict) -> None:
        number = self._begin(order)
        self.mall.run_jobs()
        self.sandbox.control(f"refunds/{number}/settle", status="SUCCESS")
        known = self._set_aside()
        self.sandbox.control("faults", **fault, match=number)
        self.wait(minutes=1)
        self.mall.sweep()
        self._check_first(fault, self.mall.refunds(order)[0].status == "success", known)
        self.wait(minutes=5)
        self.mall.sweep()
        assert self.mall.look(order).status == "refunded"

    def _begin(self, order) -> str:
        _, paid = self.mall.open(order)
        self.sandbox.control(f"trades/{paid}/pay", unchecked=True)
        calls.ask(paid)
        self.count += 1
        return request(
            self.mall, self.mall.look(order), source=f"after_sale:C{self.count}"
        ).out_refund_no

    def _set_aside(self) -> int:
        self.mall.session.rollback()
        found = select(func.count()).where(PayInbox.status == "quarantined")
        return self.mall.session.scalar(found)

    def _check_first(self, fault: dict, is_done: bool, known: int) -> None:
        """See that the spoilt answer did what the matrix says, and no more."""
        outcome = disorder.outcome_of_call(fault["on"], fault["kind"])
        assert is_done == (outcome is Outcome.TAKEN), fault
        assert self._set_aside() - known == (outcome is Outcome.SET_ASIDE), fault
