"""Parcels and refunds in any order against a plain count: every piece is in one place, once."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.orders import queries, returning
from app.orders import service as orders
from app.orders.models import OrderStatus
from tests.builders.catalogue import make_sku
from tests.builders.orders import PARCEL, begin_return, make_order

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ship", "begin", "finish", "abandon"]),
        st.integers(0, 1),
        st.integers(1, 3),
    ),
    max_size=14,
)


class Counted:
    """The plain model: pieces by line, what has left, and what each open refund withholds."""

    def __init__(self, line_ids, quantities):
        self.line_ids = line_ids
        self.waiting = list(quantities)
        self.left = [0, 0]
        self.refunds = {}

    def is_shipped(self):
        return not any(self.waiting) and any(self.left) and not any(self.refunds.values())


@given(steps=STEPS)
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_order_of_parcels_and_refunds_counts_every_piece_once(session, now, breaches, steps):
    skus = [make_sku(session, price_fen=5000), make_sku(session)]
    quantities = {skus[0].id: 3, skus[1].id: 2}
    order = make_order(session, now=now, quantities=quantities, status=OrderStatus.PAID)
    session.commit()
    model = Counted([line.id for line in order.lines], [3, 2])
    for number, step in enumerate(steps):
        play(session, order, model, number, step, now)
        session.commit()
        fresh = queries.get(session, order_no=order.order_no)
        assert [line.shipped_quantity for line in fresh.lines] == model.left
        if fresh.status == OrderStatus.REFUNDED:
            break
        assert [line.waiting_quantity for line in fresh.lines] == model.waiting
        assert (fresh.status == OrderStatus.SHIPPED) == model.is_shipped()
        if fresh.status == OrderStatus.SHIPPED:
            break
    assert breaches() == []


def play(session, order, model, number, step, now):  # One branch per verb.
    verb, line, count = step
    line_id, order_id = model.line_ids[line], order.id
    if verb in {"finish", "abandon"}:
        if not model.refunds:
            return
        source = next(iter(model.refunds))
        withheld = model.refunds.pop(source)
        settle = orders.finish_refund if verb == "finish" else orders.abandon_refund
        settle(session, order_id=order.id, refund_source=source, now=now)
        if verb == "abandon":
            model.waiting = [a + b for a, b in zip(model.waiting, withheld, strict=True)]
        return
    fits = count <= model.waiting[line]
    if verb == "ship":
        try:
            orders.ship(
                session,
                order_no=order.order_no,
                quantities={line_id: count},
                now=now,
                **PARCEL | {"tracking_no": f"SF{number:04}"},
            )
        except orders.ShipmentExceedsLine:
            session.rollback()
            assert not fits
            return
        assert fits
        model.waiting[line] -= count
        model.left[line] += count
        return
    wanted = {"which": returning.Which.WAITING, "source": f"test:{order_id}:{number}"}
    try:
        begin_return(session, order, {line_id: count}, **wanted, now=now)
    except returning.ReturnExceedsLine:
        session.rollback()
        assert not fits
        return
    model.waiting[line] -= count
    model.refunds[f"test:{order_id}:{number}"] = [count if each == line else 0 for each in (0, 1)]
