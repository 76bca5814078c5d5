"""What time does to a case: whoever does not take their move in time."""

from datetime import timedelta

import pytest

from app.aftersales import jobs, service
from app.orders import leaving
from app.shop import service as shop
from app.shop.rules import StaffSilence
from tests.builders.aftersales import (
    EXCHANGE,
    RETURN,
    breaches_of,
    lines,
    make_case,
    sent,
    stock,
)
from tests.builders.orders import PARCEL


class TestDeadlines:
    @pytest.fixture
    def pass_time(self, session, at):
        """Run the sweep after a while; return how the case then stands."""

        def go(case, **span):
            session.commit()
            at(case.due_at + timedelta(**span))
            jobs.act_due()
            session.expire_all()
            return case.status

        return go

    @pytest.fixture
    def at(self, monkeypatch):
        def stand(moment):
            monkeypatch.setattr("app.core.clock.now", lambda: moment)

        return stand

    def test_nothing_happens_before(self, session, shipped, now, pass_time):
        case = make_case(session, order=shipped, kind=RETURN, now=now)

        assert case.due_at == now + timedelta(hours=48)
        assert pass_time(case, seconds=-1) == "applied"

    @pytest.mark.parametrize(
        ("outcome", "status"), [("approve", "sending"), ("reject", "rejected")]
    )
    def test_staff_who_are_silent_say_what_the_shop_decided(
        self, session, shipped, staff, now, pass_time, outcome, status
    ):
        fields = {"staff_answer_outcome": StaffSilence(outcome)}
        shop.change(session, fields=fields, staff_id=staff.id, reason="试", now=now)
        case = make_case(session, order=shipped, kind=RETURN, now=now)

        assert pass_time(case, seconds=0) == status
        assert case.decided_by is None
        assert breaches_of(session) == []

    def test_a_buyer_who_sends_nothing_has_thought_better_of_it(
        self, session, shipped, staff, now, pass_time
    ):
        case = make_case(session, order=shipped, kind=EXCHANGE, now=now)
        case = service.approve(
            session, after_sale_no=case.after_sale_no, staff_id=staff.id, now=now
        )

        assert case.due_at == now + timedelta(days=7)
        assert pass_time(case, seconds=0) == "cancelled"
        assert breaches_of(session) == []

    @pytest.mark.parametrize(("kind", "status"), [(RETURN, "refunding"), (EXCHANGE, "exchanging")])
    def test_a_shop_that_does_not_say_what_came_has_accepted_it(
        self, session, shipped, staff, now, pass_time, kind, status
    ):
        case = sent(session, shipped, staff, now, kind=kind)
        before = stock(session, lines(session, shipped)[0])

        assert pass_time(case, seconds=0) == status
        assert stock(session, lines(session, shipped)[0]) == before, "nobody has seen the goods"
        assert breaches_of(session) == []

    def test_what_has_left_meanwhile_is_refused_and_the_sweep_goes_on(
        self, session, order, now, pass_time
    ):
        case = make_case(session, order=order, now=now)
        leaving.ship(session, order_no=order.order_no, now=now, **PARCEL)

        assert pass_time(case, seconds=0) == "rejected"
        assert "商品已发出" in case.answer

    def test_an_appeal_against_the_clock_is_decided_by_anybody(
        self, session, shipped, staff, now, pass_time
    ):
        fields = {"staff_answer_outcome": StaffSilence.REJECT}
        shop.change(session, fields=fields, staff_id=staff.id, reason="试", now=now)
        case = make_case(session, order=shipped, kind=RETURN, now=now)
        pass_time(case, seconds=0)
        number = {"after_sale_no": case.after_sale_no, "now": now}
        service.appeal(session, buyer_id=case.buyer_id, words="请处理", **number)

        service.reject(session, staff_id=staff.id, answer="不符合条件", **number)

        with pytest.raises(service.AppealedBefore):
            service.appeal(session, buyer_id=case.buyer_id, words="再看看", **number)
        assert breaches_of(session) == []
