"""What the merchant sees of a sale: phases, the door, money, pieces, and a file of orders."""

import csv
import io
import threading
from datetime import timedelta

import pytest

from app.catalogue import stock
from app.core import clock, redis
from app.flash_sales import board, figures
from app.flash_sales.board import Mark
from app.orders import service as orders
from app.orders.drafts import Wanted
from app.orders.models import OrderOrigin
from promotions import campaigns
from promotions.models import PromotionStock
from promotions.pricing import Deal
from tests.builders.members import make_address, make_member
from tests.builders.promotions import STAFF, make_campaign

HOUR = timedelta(hours=1)


@pytest.fixture
def look(client, staff, now, monkeypatch):
    def ask(path, *, after=timedelta(), status=200):
        monkeypatch.setattr(clock, "now", lambda: now + after)
        answer = client.get(f"/admin/v1/flash-sales{path}", headers=staff)
        assert answer.status_code == status, answer.json
        return answer

    return ask


@pytest.fixture
def buy(session, sku, now):
    """Have somebody order in a sale."""

    def place(promotion, quantity=1):
        buyer = make_member(session, nickname="=王强")
        address = make_address(session, member_id=buyer.id)
        order = orders.place(
            session,
            buyer_id=buyer.id,
            wanted=Wanted(
                OrderOrigin.FLASH_SALE, {sku.id: quantity}, deal=Deal(promotion_id=promotion.id)
            ),
            address_id=address.id,
            expected_payable_fen=990 * quantity,
            remark="",
            pay_within=timedelta(minutes=5),
            now=now,
        )
        session.commit()
        return order

    return place


@pytest.fixture
def pay(session, now):
    def paid(order):
        orders.mark_paid(
            session,
            order_id=order.id,
            paid_fen=order.payable_fen,
            transaction_id="T1",
            paid_at=now,
            now=now,
        )
        session.commit()

    return paid


class TestList:
    def test_has_every_sale_with_its_phase_the_latest_first(self, look, publish, session, now):
        running = publish()
        coming, hidden = publish(opens=HOUR / 2), publish(opens=5 * HOUR)
        paused, ended, sold = publish(), publish(), publish()
        campaigns.pause(session, promotion_id=paused.id, staff_id=STAFF, now=now)
        campaigns.end(session, promotion_id=ended.id, staff_id=STAFF, now=now)
        session.query(PromotionStock).filter_by(promotion_id=sold.id).update(
            {PromotionStock.units_used: 10}
        )
        session.commit()

        items = look("").json["items"]

        assert [each["promotion_id"] for each in items] == sorted(
            (each["promotion_id"] for each in items), reverse=True
        )
        phases = {each["promotion_id"]: each["phase"] for each in items}
        assert phases == {
            running.id: "on_sale",
            coming.id: "warming_up",
            hidden.id: "scheduled",
            paused.id: "paused",
            ended.id: "ended",
            sold.id: "sold_out",
        }

    @pytest.mark.parametrize(("days", "phase"), [((0, 2), "waiting"), ((0,), "ended")])
    def test_between_its_sessions_it_waits_and_after_the_last_it_is_over(
        self, publish, session, now, days, phase
    ):
        today = clock.china_day(now).weekday()
        weekdays = [(today + day) % 7 for day in days]
        slot = {"weekdays": weekdays, "from_minute": 0, "until_minute": 1440}
        publish(lasts=96 * HOUR, slots=[slot])

        moments = (now, now + 24 * HOUR)
        pages = [figures.page(session, cursor=None, limit=9, now=at)[0] for at in moments]
        phases = [page[0]["phase"] for page in pages]

        assert phases == ["on_sale", phase]

    def test_drafts_are_on_it_and_pages_follow_each_other(self, look, publish, session, sku, now):
        first = publish()
        draft = campaigns.create(
            session,
            campaign=make_campaign(
                kind="flash_sale",
                terms={"prices": [{"sku_id": sku.id, "price_fen": 1}]},
                stock=[{"sku_id": sku.id, "total": 1}],
                starts_at=now,
                ends_at=now + HOUR,
            ),
            staff_id=STAFF,
            now=now,
        )
        session.commit()

        page = look("?limit=1").json
        rest = look(f"?limit=1&cursor={page['next_cursor']}").json

        assert [(each["promotion_id"], each["phase"]) for each in page["items"]] == [
            (draft.id, "draft")
        ]
        assert [each["promotion_id"] for each in rest["items"]] == [first.id]
        assert rest["next_cursor"] is None

    def test_a_strange_cursor_is_refused(self, look):
        assert "cursor" in look("?cursor=x", status=422).json["errors"]


class TestBoard:
    def test_tells_orders_money_and_pieces_as_the_rows_say(
        self, look, publish, buy, pay, session, now
    ):
        promotion = publish(total=10)
        pay(buy(promotion, 2))
        buy(promotion)
        orders.expire(session, order_id=buy(promotion).id, now=now + HOUR)
        session.commit()

        seen = look(f"/{promotion.id}/board").json

        assert seen["orders"] == {
            "ordered": 3,
            "unpaid": 2,
            "paid": 1,
            "released": 0,
            "buyers": 3,
            "ordered_fen": 4 * 990,
            "paid_fen": 2 * 990,
            "refunded_fen": 0,
            "discount_fen": 2 * 4010,
        }
        assert seen["progress"] == {"total": 10, "sold": 2, "held": 2, "left": 6}
        assert [each["left"] for each in seen["stock"]] == [6]
        assert sum(each["ordered"] for each in seen["seconds"]) == 3
        assert sum(each["paid"] for each in seen["seconds"]) == 1
        assert (seen["phase"], seen["reminders"]) == ("on_sale", {})

    def test_tells_what_was_counted_at_the_door(self, look, publish, app, now, set_clock):
        promotion = publish()
        set_clock(now)
        with app.app_context():
            for what in (Mark.REQUEST, Mark.REQUEST, Mark.REQUEST, Mark.ADMITTED, Mark.SOLD_OUT):
                board.count(promotion.id, what)
            board.count(promotion.id + 1, Mark.REQUEST)
            board.flush()

        seen = look(f"/{promotion.id}/board").json

        counted = {"requests": 3, "admitted": 1, "refused": {"sold_out": 1}}
        assert seen["door"] == counted
        (second,) = seen["seconds"]
        assert {name: second[name] for name in counted} == counted
        assert second["at"] == now.replace(microsecond=0).isoformat()

    def test_after_minutes_only_the_sum_is_left(self, look, publish, app):
        promotion = publish()
        with app.app_context():
            board.count(promotion.id, Mark.REQUEST)
            board.flush()

        seen = look(f"/{promotion.id}/board", after=timedelta(minutes=6)).json

        assert (seen["door"]["requests"], seen["seconds"]) == (1, [])

    def test_without_redis_the_money_is_still_there(
        self, look, publish, buy, pay, app, monkeypatch
    ):
        promotion = publish()
        pay(buy(promotion))
        monkeypatch.setitem(app.extensions, "redis", _gone())

        seen = look(f"/{promotion.id}/board").json

        assert seen["door"] is None
        assert seen["orders"]["paid_fen"] == 990

    def test_of_what_is_no_flash_sale(self, look):
        assert look("/999/board", status=404).json["code"] == "flash_sale_not_found"

    def test_needs_a_token_of_staff(self, client, publish, me):
        path = f"/admin/v1/flash-sales/{publish().id}/board"

        assert client.get(path).status_code == 401
        assert client.get(path, headers=me).status_code == 401


def _gone():
    return redis.redis.Redis.from_url(
        "redis://127.0.0.1:1/0", decode_responses=True, socket_connect_timeout=0.1
    )


class TestCounting:
    def test_a_timer_writes_it_down_without_anybody_asking(self, app, monkeypatch):
        monkeypatch.setattr(board, "FLUSH_SECONDS", 0.0)
        with app.app_context():
            board.flush()
            written = threading.Event()
            flush = board.Tally.flush
            monkeypatch.setattr(board.Tally, "flush", lambda *given: (flush(*given), written.set()))

            board.count(7, Mark.REQUEST)

            assert written.wait(5)
            door = board.door(7, now=clock.now())
        assert door.total == {"request": 1}

    def test_threads_lose_nothing(self, app):
        def many():
            with app.app_context():
                for _ in range(200):
                    board.count(8, Mark.REQUEST)

        threads = [threading.Thread(target=many) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with app.app_context():
            board.flush()
            assert board.door(8, now=clock.now()).total == {"request": 800}

    def test_without_redis_it_neither_waits_nor_fails(self, app, monkeypatch):
        monkeypatch.setitem(app.extensions, "redis", _gone())
        with app.app_context():
            board.count(9, Mark.REQUEST)
            board.flush()
            assert board.door(9, now=clock.now()) is None


class TestExport:
    def rows(self, answer):
        assert answer.mimetype == "text/csv"
        return list(csv.reader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))

    def test_has_every_order_of_the_sale_and_no_other(self, look, publish, buy, pay, monkeypatch):
        monkeypatch.setattr("app.flash_sales.figures.BATCH", 2)
        promotion, other = publish(), publish()
        placed = [buy(promotion, 2), buy(promotion), buy(promotion)]
        buy(other)
        pay(placed[0])

        head, *found = self.rows(look(f"/{promotion.id}/orders.csv"))

        assert [row[0] for row in found] == [order.order_no for order in placed]
        first = dict(zip(head, found[0], strict=True))
        assert (first["状态"], first["件数"], first["买家"]) == ("paid", "2", "'=王强")
        assert (first["原价（元）"], first["优惠（元）"], first["实付（元）"]) == (
            "100.00",
            "80.20",
            "19.80",
        )

    def test_is_not_for_analysts(self, client, publish, sign_in):
        path = f"/admin/v1/flash-sales/{publish().id}/orders.csv"

        assert client.get(path, headers=sign_in("analyst")).status_code == 403

    def test_of_what_is_no_flash_sale(self, look):
        look("/999/orders.csv", status=404)


class TestShelf:
    def test_shows_where_the_pieces_are(self, client, staff, publish, buy, session, sku, now):
        promotion = publish(total=30)
        buy(promotion, 2)
        stock.hold(session, source="order:X", quantities={sku.id: 5}, now=now)
        session.commit()

        seen = client.get(f"/admin/v1/skus/{sku.id}/stock", headers=staff).json

        assert {name: seen[name] for name in ("available", "held", "sold")} == {
            "available": 65,
            "held": 35,
            "sold": 0,
        }
        assert (seen["held_by_orders"], seen["carved"]) == (7, 30)
        (carve,) = seen["carves"]
        assert (carve["source"], carve["closed_at"]) == (f"promotion:{promotion.id}", None)
        assert (carve["quantity"], carve["drawn"], carve["free"]) == (30, 2, 28)

    def test_of_a_sku_there_is_none_of(self, client, staff):
        assert client.get("/admin/v1/skus/999/stock", headers=staff).status_code == 404


class TestAtTheDoor:
    def test_every_call_of_the_sale_is_counted_with_what_it_got(
        self, client, look, publish, sku, me, session, app
    ):
        promotion, soon = publish(total=1), publish(opens=HOUR / 2)
        address = make_address(session, member_id=me.id)
        session.commit()

        def call(sale, key):
            return client.post(
                f"/api/v1/flash-sales/{sale.id}/orders",
                json={
                    "sku_id": sku.id,
                    "address_id": address.id,
                    "expected_payable_fen": 990,
                },
                headers={**me, "Idempotency-Key": f"{key}-0123456789abcdef"},
            ).status_code

        answers = [call(promotion, "a"), call(promotion, "b"), call(soon, "c")]
        answers.append(client.post(f"/api/v1/flash-sales/{promotion.id}/orders").status_code)
        with app.app_context():
            board.flush()

        assert answers == [201, 409, 409, 401]
        assert look(f"/{promotion.id}/board").json["door"] == {
            "requests": 3,
            "admitted": 1,
            "refused": {"sold_out": 1, "other": 1},
        }
        assert look(f"/{soon.id}/board").json["door"]["refused"] == {"not_started": 1}

    def test_an_answer_without_a_reason_is_counted_too(self):
        assert board.outcome(502, None) is Mark.OTHER
        assert board.outcome(201, None) is None
