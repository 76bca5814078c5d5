"""The stock of deals is taken, used, given back and returned; never one piece too many."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from app.core.db import transaction
from promotions import campaigns, limits, stock, verify
from promotions.limits import SourceReused, StockOut, Use
from promotions.models import PromotionStock
from promotions.setups import Contradiction, Flaw
from tests.builders.promotions import NOON, STAFF, make_campaign, make_published

CUP, BAG = 1, 2
HOUR = timedelta(hours=1)


def make_sale(session, *, totals=((CUP, 3),), **more):
    fields = {
        "kind": "flash_sale",
        "terms": {"prices": [{"sku_id": sku_id, "price_fen": 100} for sku_id, _ in totals]},
        "ends_at": NOON + HOUR,
        "stock": [{"sku_id": sku_id, "total": total} for sku_id, total in totals],
        **more,
    }
    return make_published(session, **fields)


@pytest.fixture
def sale(session):
    return make_sale(session)


def reserve(session, source, sale, *pieces, member_id=1):
    use = Use(sale.id, 100, units=sum(n for _, n in pieces), pieces=tuple(sorted(pieces)))
    limits.reserve(session, source=source, member_id=member_id, uses=[use], now=NOON)


def counted(session, sale, sku_id=CUP):
    row = session.get(PromotionStock, (sale.id, sku_id), populate_existing=True)
    return row.units_reserved, row.units_used, row.units_returned


def test_an_order_holds_uses_and_gives_back_what_it_takes(session, sale):
    reserve(session, "order:1", sale, (CUP, 2))
    assert counted(session, sale) == (2, 0, 0)

    limits.confirm(session, source="order:1", now=NOON)
    assert counted(session, sale) == (0, 2, 0)

    reserve(session, "order:2", sale, (CUP, 1))
    limits.release(session, source="order:2", now=NOON)
    assert counted(session, sale) == (0, 2, 0)
    assert list(verify.verify(session)) == []


def test_the_last_pieces_go_to_whoever_asks_for_as_many(session, sale):
    reserve(session, "order:1", sale, (CUP, 2))

    with pytest.raises(StockOut), session.begin_nested():
        reserve(session, "order:2", sale, (CUP, 2))
    reserve(session, "order:3", sale, (CUP, 1))

    assert counted(session, sale) == (3, 0, 0)


def test_a_source_takes_once_and_never_something_else(session, sale):
    for _ in range(2):
        reserve(session, "order:1", sale, (CUP, 1))

    with pytest.raises(SourceReused), session.begin_nested():
        reserve(session, "order:1", sale, (CUP, 2))

    assert counted(session, sale) == (1, 0, 0)


def test_what_is_not_set_aside_is_not_counted_in_pieces(session):
    offer = make_published(session, kind="limited_time", terms={"off_bp": 1_000}, max_units=5)

    reserve(session, "order:1", offer, (CUP, 2))

    assert list(verify.verify(session)) == []
    assert stock.of(session, [offer.id])[offer.id] == []


class TestClose:
    def test_returns_what_nobody_holds_and_sells_nothing_more(self, session, sale):
        reserve(session, "order:1", sale, (CUP, 1))

        assert stock.close(session, promotion_id=sale.id, now=NOON) == {CUP: 2}
        assert stock.close(session, promotion_id=sale.id, now=NOON) == {}

        with pytest.raises(StockOut), session.begin_nested():
            reserve(session, "order:2", sale, (CUP, 1))
        assert counted(session, sale) == (1, 0, 2)

    @pytest.mark.parametrize(
        ("end", "after"), [(limits.confirm, (0, 1, 2)), (limits.release, (0, 0, 3))]
    )
    def test_what_an_order_still_holds_is_used_or_follows(self, session, sale, end, after):
        reserve(session, "order:1", sale, (CUP, 1))
        stock.close(session, promotion_id=sale.id, now=NOON)

        end(session, source="order:1", now=NOON)

        assert counted(session, sale) == after
        assert list(verify.verify(session)) == []

    def test_is_due_when_the_window_has_passed(self, session, sale):
        later = make_sale(session, ends_at=NOON + 2 * HOUR)

        assert stock.over(session, now=NOON + HOUR) == [sale.id]

        stock.close(session, promotion_id=sale.id, now=NOON + HOUR)
        assert stock.over(session, now=NOON + 2 * HOUR) == [later.id]


class TestGrow:
    def change(self, session, sale, sku_id, total):
        wanted = {"stock": [{"sku_id": sku_id, "total": total}]}
        with session.begin_nested():
            return campaigns.change_limits(
                session, promotion_id=sale.id, limits=wanted, staff_id=STAFF, now=NOON
            )

    def test_lets_more_be_sold_and_is_on_record(self, session):
        sale = make_sale(session, totals=((CUP, 3), (BAG, 1)))
        reserve(session, "order:1", sale, (CUP, 3))

        changed = self.change(session, sale, CUP, 4)

        reserve(session, "order:2", sale, (CUP, 1))
        assert changed.definition["stock"] == [
            {"sku_id": CUP, "total": 4},
            {"sku_id": BAG, "total": 1},
        ]
        assert list(verify.verify(session)) == []

    def test_to_what_it_is_changes_nothing(self, session, sale):
        self.change(session, sale, CUP, 3)

        assert counted(session, sale) == (0, 0, 0)

    @pytest.mark.parametrize(
        ("sku_id", "total", "field", "flaw"),
        [
            (BAG, 5, "stock.0.sku_id", Flaw.NOT_LIMITED),
            (CUP, 2, "stock.0.total", Flaw.LOWERED),
        ],
    )
    def test_is_refused_where_it_makes_no_sense(self, session, sale, sku_id, total, field, flaw):
        with pytest.raises(Contradiction) as refused:
            self.change(session, sale, sku_id, total)

        assert (refused.value.field, refused.value.reason) == (field, flaw)

    def test_is_refused_once_the_rest_is_back_on_the_shelf(self, session, sale):
        stock.close(session, promotion_id=sale.id, now=NOON)

        with pytest.raises(Contradiction) as refused:
            self.change(session, sale, CUP, 9)

        assert refused.value.reason is Flaw.ALREADY_OVER


class TestSetUp:
    PRICES = {"prices": [{"sku_id": CUP, "price_fen": 100}]}

    @pytest.mark.parametrize(
        ("more", "field", "flaw"),
        [
            ({"stock": []}, "stock", Flaw.STOCK_MISSING),
            ({"stock": [{"sku_id": BAG, "total": 1}]}, "stock.0.sku_id", Flaw.NO_SUCH_PRICE),
            ({"stock": [{"sku_id": CUP, "total": 1}] * 2}, "stock.1.sku_id", Flaw.REPEATED),
            ({"ends_at": None}, "ends_at", Flaw.NO_END),
            ({"group": "a"}, "group", Flaw.NOT_OF_DEALS),
            ({"stop_after": True}, "stop_after", Flaw.NOT_OF_DEALS),
            ({"tags": ("a",)}, "tags", Flaw.NOT_OF_DEALS),
            ({"kind": "limited_time"}, "stock", Flaw.NO_STOCK),
        ],
    )
    def test_that_contradicts_itself_is_refused(self, session, more, field, flaw):
        fields = {
            "kind": "flash_sale",
            "terms": self.PRICES,
            "ends_at": NOON + HOUR,
            "stock": [{"sku_id": CUP, "total": 1}],
            **more,
        }

        with pytest.raises(Contradiction) as refused:
            campaigns.create(session, campaign=make_campaign(**fields), staff_id=STAFF, now=NOON)

        assert (refused.value.field, refused.value.reason) == (field, flaw)

    def test_a_draft_may_be_written_again_with_other_stock(self, session):
        campaign = make_campaign(
            kind="flash_sale",
            terms=self.PRICES,
            ends_at=NOON + HOUR,
            stock=[{"sku_id": CUP, "total": 1}],
        )
        draft = campaigns.create(session, campaign=campaign, staff_id=STAFF, now=NOON)

        again = campaigns.copy(session, promotion_id=draft.id, staff_id=STAFF, now=NOON)

        assert [each.max_units for each in stock.of(session, [again.id])[again.id]] == [1]

    def test_of_a_group_buy_may_leave_the_pieces_on_the_shelf(self, session):
        terms = {**self.PRICES, "team_size": 2, "team_minutes": 60}

        make_published(session, kind="group_buy", terms=terms, ends_at=NOON + HOUR)

        assert list(verify.verify(session)) == []


class TestProof:
    @pytest.mark.parametrize(
        ("column", "rule"),
        [
            ("units_reserved", verify.STOCK),
            ("max_units", "promotions.stock_as_set_up"),
        ],
    )
    def test_finds_what_was_changed_behind_the_engines_back(self, session, sale, column, rule):
        row = session.get_one(PromotionStock, (sale.id, CUP))
        setattr(row, column, getattr(row, column) + 1)
        session.flush()

        assert [breach.rule for breach in verify.verify(session)] == [rule]


@pytest.mark.race
def test_forty_buyers_for_ten_pieces_sell_ten(app, session):
    sale = make_sale(session, totals=((CUP, 10),))
    session.commit()

    def buy(number):
        with app.app_context():
            try:
                with transaction() as own:
                    reserve(own, f"order:{number}", sale, (CUP, 1), member_id=number)
            except StockOut:
                return False
            return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(buy, range(1, 41)))

    assert sum(won) == 10
    assert counted(session, sale) == (10, 0, 0)
    assert list(verify.verify(session)) == []
