"""What people see of a sale: sessions, prices, limits, and progress that is true."""

from datetime import timedelta

import pytest

from app.core import clock
from app.flash_sales.schemas_pages import FlashSaleOut, SaleSessionListOut
from app.marketing import carving
from promotions import campaigns
from promotions.models import PromotionStock
from tests.builders.catalogue import make_sku
from tests.builders.promotions import STAFF

HOUR = timedelta(hours=1)


@pytest.fixture
def look(client, now, monkeypatch):
    """Ask for a page some time from now."""

    def ask(path="", *, after=timedelta(), status=200):
        monkeypatch.setattr(clock, "now", lambda: now + after)
        answer = client.get(f"/api/v1/flash-sales{path}")
        assert answer.status_code == status, answer.json
        return answer.json

    return ask


def take(session, promotion, *, sold=0, held=0):
    """Say that so many pieces are paid and held."""
    row = session.query(PromotionStock).filter_by(promotion_id=promotion.id).one()
    row.units_used, row.units_reserved = sold, held
    session.commit()


def end(session, promotion, now):
    campaigns.end(session, promotion_id=promotion.id, staff_id=STAFF, now=now)
    carving.follow(session, promotion, now=now)
    session.commit()


class TestOneSale:
    def test_shows_prices_progress_limits_and_times(self, look, publish, session, sku, now):
        promotion = publish(
            terms={"max_units_per_order": 2, "pay_minutes": 7, "with_coupons": True},
            member_max_units=3,
        )
        take(session, promotion, sold=3, held=2)

        page = look(f"/{promotion.id}")

        assert page["products"] == [
            {
                "spu_id": sku.spu_id,
                "sku_id": sku.id,
                "title": page["products"][0]["title"],
                "spec_text": page["products"][0]["spec_text"],
                "image_url": page["products"][0]["image_url"],
                "price_fen": 990,
                "crossed_out_fen": 5_000,
                "state": "on_sale",
                "progress": {"total": 10, "sold": 3, "held": 2, "left": 5},
            }
        ]
        assert page["progress"] == {"total": 10, "sold": 3, "held": 2, "left": 5}
        assert (page["state"], page["label"]) == ("on_sale", "秒杀9.9元")
        assert (page["max_units_per_order"], page["pay_minutes"]) == (2, 7)
        assert (page["max_units_per_member"], page["member_period"]) == (3, "lifetime")
        assert (page["with_coupons"], page["with_points"]) == (True, False)
        assert page["server_time"] == now.isoformat()
        assert page["starts_at"] == (now - timedelta(minutes=1)).isoformat()
        assert page["next_session"] is None
        assert FlashSaleOut().validate(page) == {}

    def test_is_open_to_everybody(self, client, publish):
        answer = client.get(f"/api/v1/flash-sales/{publish().id}")

        assert (answer.status_code, answer.json["title"]) == (200, "整点秒杀")

    def test_without_limits_per_person_there_are_none_to_show(self, look, publish):
        page = look(f"/{publish().id}")

        assert page["max_units_per_member"] is page["max_uses_per_member"] is None
        assert page["member_period"] is None

    def test_goes_from_upcoming_over_on_sale_to_ended(self, look, publish, app):
        path = f"/{publish(opens=HOUR).id}"

        states = [look(path, after=hours * HOUR)["state"] for hours in (0, 1, 2, 30)]

        assert states == ["upcoming", "on_sale", "ended", "ended"]

    def test_is_sold_out_when_no_piece_is_left_and_not_before(self, look, publish, session):
        promotion = publish()
        take(session, promotion, sold=8, held=1)
        assert look(f"/{promotion.id}")["state"] == "on_sale"

        take(session, promotion, sold=8, held=2)

        page = look(f"/{promotion.id}")
        assert (page["state"], page["products"][0]["state"]) == ("sold_out", "sold_out")

    def test_one_product_may_be_sold_out_and_the_other_not(self, look, publish, session, sku):
        other = make_sku(session, available=100)
        session.commit()
        promotion = publish(goods=[sku, other])
        row = session.get(PromotionStock, (promotion.id, sku.id))
        row.units_used = 10
        session.commit()

        page = look(f"/{promotion.id}")

        states = {each["sku_id"]: each["state"] for each in page["products"]}
        assert states == {sku.id: "sold_out", other.id: "on_sale"}
        assert page["state"] == "on_sale"

    def test_tells_the_next_session_beside_that_of_now(self, look, publish, now):
        there = now.astimezone(clock.CHINA)
        minute = there.hour * 60 + there.minute
        slots = [{"from_minute": 0, "until_minute": 1440}]
        page = look(f"/{publish(lasts=48 * HOUR, slots=slots).id}")

        midnight = now + timedelta(minutes=1440 - minute)
        assert page["ends_at"][:16] == page["next_session"]["starts_at"][:16]
        assert page["ends_at"][:16] == midnight.isoformat()[:16]

    def test_a_sale_that_staff_ended_is_over_with_nothing_left(self, look, publish, session, now):
        promotion = publish()
        take(session, promotion, sold=3)
        end(session, promotion, now)

        page = look(f"/{promotion.id}")

        assert (page["state"], page["next_session"]) == ("ended", None)
        assert page["progress"] == {"total": 10, "sold": 3, "held": 0, "left": 0}

    def test_is_not_there_before_its_warm_up(self, look, publish):
        promotion = publish(opens=2 * HOUR, terms={"warm_up_minutes": 60})

        assert look(f"/{promotion.id}", status=404)["code"] == "flash_sale_not_found"
        assert look(f"/{promotion.id}", after=HOUR)["state"] == "upcoming"

    def test_what_is_no_published_flash_sale_is_not_there(self, look, publish, session, now):
        paused = publish()
        campaigns.pause(session, promotion_id=paused.id, staff_id=STAFF, now=now)
        campaigns.create(
            session,
            campaign=_draft(paused, now),
            staff_id=STAFF,
            now=now,
        )
        other = _limited_time(session, now)
        session.commit()

        for id_ in (paused.id, paused.id + 1, other.id, 999):
            look(f"/{id_}", status=404)

    def test_goods_taken_off_the_shelf_are_not_shown(self, look, publish, session, sku):
        promotion = publish()
        sku.is_active = False
        session.commit()

        assert look(f"/{promotion.id}")["products"] == []


def _draft(promotion, now):
    from promotions.definitions import campaign_of

    return campaign_of(promotion, None)


def _limited_time(session, now):
    from tests.builders.promotions import OFF_PIECES, make_published

    return make_published(session, starts_at=now - HOUR, now=now - HOUR, **OFF_PIECES)


class TestSessions:
    def test_sales_of_one_time_are_one_session_sorted_by_priority(self, look, publish, now):
        first, second = publish(priority=1), publish(priority=2, title="压轴")
        other = publish(lasts=2 * HOUR)

        page = look()

        assert [(len(each["sales"]), each["state"]) for each in page["sessions"]] == [
            (2, "on_sale"),
            (1, "on_sale"),
        ]
        sales = page["sessions"][0]["sales"]
        assert [each["promotion_id"] for each in sales] == [second.id, first.id]
        assert page["sessions"][1]["sales"][0]["promotion_id"] == other.id
        assert page["server_time"] == now.isoformat()
        assert page["reminder_template_id"] is None
        assert SaleSessionListOut().validate(page) == {}

    def test_nothing_on_is_an_empty_list(self, look):
        assert look()["sessions"] == []

    def test_a_session_that_is_over_stays_on_the_list_of_its_day(self, look, publish, session):
        publish()
        later = HOUR + timedelta(seconds=1)

        (one,) = look(after=later)["sessions"]

        assert (one["state"], one["sales"][0]["state"]) == ("ended", "ended")

    def test_is_gone_the_day_after_the_next(self, look, publish):
        publish()

        assert look(after=24 * HOUR + HOUR)["sessions"] == []

    def test_daily_sessions_of_today_and_tomorrow_each_have_their_state(
        self, look, publish, session, now
    ):
        slots = [{"from_minute": 0, "until_minute": 1440}]
        promotion = publish(lasts=96 * HOUR, slots=slots)

        today, tomorrow = look()["sessions"]

        assert (today["state"], tomorrow["state"]) == ("on_sale", "upcoming")
        assert today["day"] == clock.china_day(now).isoformat()
        take(session, promotion, sold=10)
        assert [each["state"] for each in look()["sessions"]] == ["sold_out", "sold_out"]

    def test_what_is_for_a_segment_alone_is_on_no_list(self, look, publish):
        publish(audience={"levels": [3]})

        assert look()["sessions"] == []


class TestOnProducts:
    def card(self, client, sku):
        (card,) = client.get("/api/v1/products").json["items"]
        page = client.get(f"/api/v1/products/{sku.spu_id}").json
        assert card["flash_sale"] == page["flash_sale"]
        return page

    def test_a_product_carries_its_sale_and_keeps_its_own_price(self, client, publish, sku, now):
        promotion = publish()

        page = self.card(client, sku)

        assert page["flash_sale"] == {
            "promotion_id": promotion.id,
            "title": "整点秒杀",
            "label": "秒杀9.9元",
            "state": "on_sale",
            "price_fen": 990,
            "starts_at": (now - timedelta(minutes=1)).isoformat(),
            "ends_at": (now + timedelta(minutes=59)).isoformat(),
        }
        assert page["promoted_price_fen"] == 5_000
        assert page["badges"] == page["coming"] == []

    def test_a_product_without_one_has_none(self, client, sku):
        assert self.card(client, sku)["flash_sale"] is None

    def test_one_that_is_on_comes_before_one_that_is_coming(self, client, publish, sku):
        publish(opens=HOUR / 2, title="下一场")
        running = publish()

        shown = self.card(client, sku)["flash_sale"]
        assert (shown["promotion_id"], shown["state"]) == (running.id, "on_sale")

    def test_one_that_is_coming_before_one_that_is_sold_out(self, client, publish, sku, session):
        take(session, publish(), sold=10)
        soon = publish(opens=HOUR / 2)

        shown = self.card(client, sku)["flash_sale"]
        assert (shown["promotion_id"], shown["state"]) == (soon.id, "upcoming")
