"""While a case is open the commissions of its lines do not mature; when it ends they do."""

import pytest
from sqlalchemy import select, text

from app.aftersales import service, verify
from app.orders.models import LineKind
from app.payments.models import Refund
from distribution.commissions.models import Claim, Commission
from tests.builders.aftersales import make_case, make_paid_order
from tests.builders.catalogue import make_sku
from tests.builders.distribution import bind, make_rules
from tests.builders.members import make_member
from tests.builders.payments import settle_refund
from tests.builders.staff import make_staff


@pytest.fixture
def order(session, now):
    """Two lines, of which each earns the buyer's upline something."""
    make_rules(session, now=now)
    buyer = make_member(session)
    bind(session, member_id=buyer.id, upline_id=make_member(session).id, now=now)
    quantities = {make_sku(session, price_fen=fen).id: 2 for fen in (9_900, 3_300)}
    order = make_paid_order(session, buyer=buyer, quantities=quantities, now=now)
    session.commit()
    return order


def claims(session):
    """How often each line is claimed."""
    session.commit()
    assert list(verify.verify(session)) == []
    return session.scalars(select(Commission.claims).order_by(Commission.line_source)).all()


def test_an_open_case_claims_all_lines_it_asks_for(session, order, now):
    make_case(session, order=order, now=now)

    assert claims(session) == [1, 1]


def test_a_case_for_some_pieces_claims_their_line_only(session, order, now):
    first = next(line for line in order.lines if line.kind == LineKind.GOODS)
    service.apply(
        session,
        order_no=order.order_no,
        buyer_id=order.buyer_id,
        wish=service.Wish(quantities={first.id: 1}),
        reason="多拍了",
        now=now,
    )

    assert claims(session) == [1, 0]


@pytest.mark.parametrize("end", ["cancel", "reject", "refund"])
def test_the_end_of_a_case_lets_go_whatever_came_of_it(session, order, now, end):
    case = make_case(session, order=order, now=now)
    number = {"after_sale_no": case.after_sale_no, "now": now}
    staff_id = make_staff(session).id
    if end == "cancel":
        service.cancel(session, buyer_id=case.buyer_id, **number)
    elif end == "reject":
        service.reject(session, staff_id=staff_id, answer="已发货", **number)
    else:
        service.approve(session, staff_id=staff_id, **number)
        assert claims(session) == [1, 1]
        settle_refund(session, refund=session.scalar(select(Refund)), now=now)
        service.settle(session, source=case.source, now=now)

    assert claims(session) == [0, 0]


def test_a_second_case_claims_anew(session, order, now):
    for _ in range(2):
        case = make_case(session, order=order, now=now)
        assert claims(session) == [1, 1]
        service.cancel(session, after_sale_no=case.after_sale_no, buyer_id=case.buyer_id, now=now)
        assert claims(session) == [0, 0]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE commission_claim SET settled_at = claimed_at",
        "UPDATE after_sale SET status = 'cancelled', cancelled_at = applied_at, due_at = NULL",
    ],
)
def test_the_proof_finds_a_case_and_claims_that_disagree(session, order, now, change):
    make_case(session, order=order, now=now)

    session.execute(text(change))

    found = [breach.rule for breach in verify.verify(session)]
    assert found[:2] == ["aftersales.open_cases_hold_commissions_back"] * 2
    assert len(session.scalars(select(Claim)).all()) == 2
