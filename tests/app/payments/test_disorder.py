"""Every cell of the matrix of disorder, played against the sandbox over HTTP."""

from pathlib import Path

import pytest

from app.orders.models import OrderStatus
from app.payments import calls, jobs
from app.payments.models import PaymentStatus, RefundStatus
from app.wechat import extension
from app.wechat.errors import WeChatError
from sandbox import faults
from tests.app.payments import disorder
from tests.app.payments.disorder import Outcome
from tests.app.payments.playing import Player

PAGE = Path(__file__).parents[3] / "docs/disorder.md"


@pytest.fixture
def player(mall, app, sandbox):
    app.extensions["wechat"] = extension.build(sandbox.settings())
    return Player(mall, sandbox)


def row(surface, state):
    """The outcome of each switch in one state."""
    return {
        cell.switch: cell.outcome
        for cell in disorder.messages()
        if (cell.surface, cell.state) == (surface, state) and type(cell.state) is type(state)
    }


class TestMatrix:
    def test_names_every_switch_there_is(self):
        assert set(disorder.MESSAGES) == faults.AT_CREATION | faults.AT_ATTEMPT
        assert set(disorder.ANSWERS) == faults.CALL_KINDS

    def test_names_every_state_there_is(self):
        cells = list(disorder.messages())
        for kind in (OrderStatus, PaymentStatus, RefundStatus):
            assert {cell.state for cell in cells if isinstance(cell.state, kind)} == set(kind)

    def test_is_on_its_page(self):
        expected = disorder.render()
        assert PAGE.read_text() == expected, (
            "write it: python -m tests.app.payments.disorder > docs/disorder.md"
        )


def idle(outcomes):
    """The switches after which nothing has changed, so that one object can meet them all."""
    return [each for each, one in outcomes.items() if one in {Outcome.REFUSED, Outcome.SET_ASIDE}]


def lively(surface, ordinary):
    """
    State and switch of all other cells, each to be played with an object of its own.

    In the ordinary run only in some states: `make soak` plays them all.
    """
    played = []
    for cell in disorder.messages():
        if cell.surface != surface or cell.outcome in {Outcome.REFUSED, Outcome.SET_ASIDE}:
            continue
        is_ordinary = any(cell.state is state for state in ordinary)
        marks = [] if is_ordinary else [pytest.mark.soak]
        name = f"{cell.subject}-{cell.state}-{cell.switch}"
        played.append(pytest.param(cell, marks=marks, id=name))
    return played


class TestPayments:
    @pytest.mark.parametrize("state", [*disorder.PAYMENT_ENDS, *disorder.ORDER_ENDS], ids=repr)
    def test_what_is_refused_or_set_aside_changes_nothing(self, player, state):
        outcomes = row("notify_payment", state)
        scene = player.payment(state)
        for switch in idle(outcomes):
            scene.hear(switch, outcomes[switch])
        scene.come_true()
        assert player.mall.breaches() == []

    @pytest.mark.parametrize(
        "cell",
        lively("notify_payment", [PaymentStatus.OPEN, PaymentStatus.CLOSED, OrderStatus.SHIPPED]),
    )
    def test_what_comes_late_or_twice_or_never_counts_once(self, player, cell):
        scene = player.payment(cell.state, cell.switch)
        scene.hear(cell.switch, cell.outcome)
        scene.come_true()
        assert player.mall.breaches() == []


class TestRefunds:
    @pytest.mark.parametrize("state", list(disorder.REFUND_ENDS), ids=repr)
    def test_what_is_refused_or_set_aside_changes_nothing(self, player, state):
        outcomes = row("notify_refund", state)
        scene = player.refund(state)
        for switch in idle(outcomes):
            scene.hear(switch, outcomes[switch])
        scene.come_true()
        assert player.mall.breaches() == []

    @pytest.mark.parametrize("cell", lively("notify_refund", [RefundStatus.PROCESSING]))
    def test_what_comes_late_or_twice_or_never_counts_once(self, player, cell):
        scene = player.refund(cell.state, cell.switch)
        scene.hear(cell.switch, cell.outcome)
        scene.come_true()
        assert player.mall.breaches() == []


ORDINARY = {"accepted_429", "content", "cut", "not_enough", "wrong_amount"}
"""One switch of each kind of answer; `make soak` plays the others too."""


@pytest.mark.parametrize(
    "switch",
    [
        pytest.param(each, marks=[] if each in ORDINARY else [pytest.mark.soak])
        for each in sorted(faults.CALL_KINDS)
    ],
)
def test_a_spoilt_answer(player, switch):
    for call in disorder.CALLS:
        player.call(call, switch)
    assert player.mall.breaches() == []


@pytest.mark.parametrize("state", [each for each in OrderStatus if each is not OrderStatus.UNPAID])
def test_no_prepay_is_asked_for_what_is_not_for_sale(player, state):
    order = player.mall.order(status=state)
    with pytest.raises(Exception, match="订单") as refused:
        calls.prepay(order_no=order.order_no, buyer_id=order.buyer_id)
    assert not isinstance(refused.value, WeChatError)
    assert player.asked("prepay") == []


@pytest.mark.parametrize(
    "state", [each for each in PaymentStatus if each not in {"created", "open"}]
)
def test_nobody_asks_about_an_attempt_that_is_settled(player, state):
    player.payment(state).forget_calls()
    player.wait(hours=3)
    jobs.sweep()
    player.mall.run_jobs()
    assert player.asked("query") == []
    assert player.asked("close") == []
