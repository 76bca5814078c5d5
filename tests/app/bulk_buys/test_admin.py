"""What staff see of a bulk buy, and the proofs that find what was forged."""

import pytest
from sqlalchemy import text

from app.bulk_buys import verify as proof
from app.core.auth import Audience
from app.staff.models import Role
from tests.builders.staff import make_staff


@pytest.fixture
def staff(session, token_for):
    """Headers of an account with a role."""

    def signed(role=Role.MERCHANT):
        account = make_staff(session, role=role)
        session.commit()
        return token_for(Audience.STAFF, account.id)

    return signed


@pytest.fixture
def ended(deal):
    """Two orders, of 12 and 8 pieces, settled at the lowest price, and one unpaid before."""
    orders = [deal.paid(12), deal.paid(8)]
    deal.close()
    for order in orders:
        deal.settle(order)
    deal.session.commit()
    return orders


@pytest.mark.usefixtures("ended")
def test_the_figures_tell_what_it_brought_in_and_what_goes_back(client, deal, staff):
    figures = client.get(f"/admin/v1/bulk-buys/{deal.promotion.id}/figures", headers=staff()).json

    assert (figures["orders"], figures["pieces"], figures["collected"]) == (2, 20, 20)
    assert (figures["paid_fen"], figures["due_back_fen"]) == (20 * 9_900, 20 * 2_000)
    assert (figures["lowered"], figures["unsettled"], figures["unpaid"]) == (2, 0, 0)
    assert figures["reached"] == 2


def test_its_orders_are_listed_page_by_page(client, deal, ended, staff):
    path, headers = f"/admin/v1/bulk-buys/{deal.promotion.id}/orders", staff()

    first = client.get(f"{path}?limit=1&state=lowered", headers=headers).json
    second = client.get(f"{path}?limit=1&cursor={first['next_cursor']}", headers=headers).json

    found = [page["items"][0]["order_no"] for page in (first, second)]
    assert found == [ended[1].order_no, ended[0].order_no]
    assert second["next_cursor"] is None


def test_its_orders_are_exported_but_not_to_analysts(client, deal, ended, staff):
    path = f"/admin/v1/bulk-buys/{deal.promotion.id}/orders.csv"

    lines = client.get(path, headers=staff()).text.splitlines()

    assert lines[0].startswith("\ufeff订单号,会员,件数")
    assert lines[1].startswith(
        f"{ended[0].order_no},{ended[0].buyer_id},12,12,1188.00,退差价,240.00"
    )
    assert len(lines) == 3
    assert client.get(path, headers=staff(Role.ANALYST)).status_code == 403


@pytest.mark.parametrize("page", ["figures", "orders", "orders.csv"])
def test_what_is_no_bulk_buy_is_not_found_and_strangers_see_nothing(client, deal, staff, page):
    assert client.get(f"/admin/v1/bulk-buys/999999/{page}", headers=staff()).status_code == 404
    assert client.get(f"/admin/v1/bulk-buys/{deal.promotion.id}/{page}").status_code == 401


@pytest.mark.parametrize(
    ("forgery", "rule"),
    [
        ("UPDATE bulk_buy SET collected = 1", "bulk_buys.collected_is_the_sum"),
        ("UPDATE bulk_share SET paid_fen = 1", "bulk_buys.each_paid_order_has_its_share"),
        (
            "UPDATE refund SET source = 'bulk_buy:x' || id",
            "bulk_buys.what_is_due_is_asked_back_once",
        ),
        ("UPDATE order_line SET final_fen = NULL", "bulk_buys.lines_cost_what_was_reached"),
        ("UPDATE order_line SET final_fen = 1", "bulk_buys.kept_pieces_cost_their_final_price"),
    ],
)
@pytest.mark.usefixtures("ended")
def test_what_was_forged_is_found(session, forgery, rule):
    assert list(proof.verify(session)) == []

    session.execute(text(forgery))

    assert rule in {breach.rule for breach in proof.verify(session)}
