"""What lists and product pages show of promotions: prices, badges, countdowns, limits."""

from datetime import UTC, datetime, timedelta

import pytest
from marshmallow import RAISE

from app.core.http import page_of
from app.storefront import queries, schemas
from promotions import campaigns
from promotions.queries import Limits
from tests.builders.catalogue import make_category, make_sku, make_spu

HOUR = timedelta(hours=1)
NOON_IN_CHINA = datetime(2026, 11, 11, 4, tzinfo=UTC)


@pytest.fixture
def offer(publish):
    """Publish 限时8折 on everything, or what is told."""

    def make(**more):
        fields = {"kind": "limited_time", "title": "限时购", "terms": {"off_bp": 2_000}, **more}
        return publish(**fields)

    return make


def card(client, query=""):
    answer = client.get(f"/api/v1/products{query}")
    assert answer.status_code == 200
    page_of(schemas.ProductCardOut)(unknown=RAISE).load(answer.json)
    (found,) = answer.json["items"]
    return found


def page(client, spu_id):
    answer = client.get(f"/api/v1/products/{spu_id}")
    assert answer.status_code == 200
    schemas.ProductOut(unknown=RAISE).load(answer.json)
    return answer.json


def shown_pair(shown):
    return shown["price_fen"], shown["promoted_price_fen"]


class TestPrices:
    def test_a_list_and_a_page_show_what_one_piece_costs(self, client, session, offer):
        spu = make_spu(session)
        sku = make_sku(session, spu=spu, price_fen=9_900)
        made = offer()

        shown = page(client, spu.id)

        assert shown_pair(card(client)) == shown_pair(shown) == (9_900, 7_920)
        (own,) = shown["skus"]
        assert (own["id"], *shown_pair(own), own["promotion_id"]) == (sku.id, 9_900, 7_920, made.id)

    def test_a_product_shows_the_pair_of_the_sku_that_is_now_the_cheapest(
        self, client, session, offer
    ):
        spu = make_spu(session)
        make_sku(session, spu=spu, price_fen=5_000)
        dear = make_sku(session, spu=spu, price_fen=6_000)
        offer(terms={"prices": [{"sku_id": dear.id, "price_fen": 3_000}]})

        assert shown_pair(card(client)) == (6_000, 3_000)
        assert shown_pair(page(client, spu.id)) == (6_000, 3_000)
        assert card(client)["min_price_fen"] == 5_000

    def test_a_product_without_skus_on_offer_shows_its_last_price(self, client, session, offer):
        sku = make_sku(session, price_fen=5_000, is_active=False)
        session.commit()

        shown = page(client, sku.spu_id)

        assert shown_pair(shown) == (shown["min_price_fen"],) * 2

    def test_a_paused_offer_is_gone_from_the_next_page(self, client, session, offer, now):
        sku = make_sku(session, price_fen=5_000)
        made = offer()
        before = shown_pair(page(client, sku.spu_id))
        campaigns.pause(session, promotion_id=made.id, staff_id=1, now=now)
        session.commit()

        assert before == (5_000, 4_000)
        assert shown_pair(page(client, sku.spu_id)) == (5_000, 5_000)


class TestBadges:
    def test_a_card_shows_those_that_concern_the_product(self, client, session, publish, offer):
        home = make_category(session)
        spu = make_spu(session, category=make_category(session, parent=home), tags=["新品"])
        make_sku(session, spu=spu)
        until = datetime(2099, 1, 1, tzinfo=UTC)
        save = publish(includes={"category_ids": [home.id]}, ends_at=until)
        sale = offer(includes={"tags": ["新品"]})
        publish(includes={"tags": ["清仓"]})

        assert card(client)["badges"] == [
            {"promotion_id": sale.id, "kind": "limited_time", "label": "限时8折", "ends_at": None},
            {
                "promotion_id": save.id,
                "kind": "spend_and_save",
                "label": "满100减10",
                "ends_at": until.isoformat(),
            },
        ]

    def test_a_card_has_room_for_five(self, client, session, publish):
        make_sku(session)
        for number in range(6):
            publish(steps=[(10_000, number + 1)])

        assert len(card(client)["badges"]) == queries.BADGES_MAX == 5

    def test_coupons_are_no_badge(self, client, session, publish):
        make_sku(session)
        publish(
            kind="coupon_amount",
            terms={"threshold_fen": 1_000, "off_fen": 100},
            issue={"valid_mode": "after_claim", "valid_days": 7},
        )

        assert card(client)["badges"] == []


class TestCountdown:
    def test_a_page_tells_when_it_runs_and_what_one_may_have(
        self, client, session, offer, set_clock
    ):
        sku = make_sku(session)
        starts_at, ends_at = NOON_IN_CHINA - 24 * HOUR, NOON_IN_CHINA + 240 * HOUR
        made = offer(
            terms={"off_bp": 2_000, "max_units_per_order": 2},
            starts_at=starts_at,
            ends_at=ends_at,
            now=starts_at,
            slots=[{"weekdays": [], "from_minute": 600, "until_minute": 840}],
            max_units=50,
            member_max_units=5,
            member_period="day",
        )
        set_clock(NOON_IN_CHINA)

        shown = page(client, sku.spu_id)

        assert shown["server_time"] == NOON_IN_CHINA.isoformat()
        assert shown["badges"] == [
            {
                "promotion_id": made.id,
                "kind": "limited_time",
                "label": shown["badges"][0]["label"],
                "title": "限时购",
                "starts_at": starts_at.isoformat(),
                "ends_at": ends_at.isoformat(),
                "stretch": {
                    "starts_at": (NOON_IN_CHINA - 2 * HOUR).isoformat(),
                    "ends_at": (NOON_IN_CHINA + 2 * HOUR).isoformat(),
                },
                "max_units_per_order": 2,
                "units_left": 50,
                "max_units_per_member": 5,
                "max_uses_per_member": None,
                "member_period": "day",
            }
        ]

    def test_what_is_not_limited_says_so(self, client, session, publish):
        sku = make_sku(session)
        publish()

        (badge,) = page(client, sku.spu_id)["badges"]

        assert all(badge[name] is None for name in (*Limits._fields, "max_units_per_order"))
        assert badge["stretch"] == {"starts_at": badge["starts_at"], "ends_at": None}


class TestComing:
    def coming(self, client, sku):
        return [one["promotion_id"] for one in page(client, sku.spu_id)["coming"]]

    def test_prices_to_come_are_announced_the_soonest_first(
        self, client, session, offer, publish, now
    ):
        sku = make_sku(session, price_fen=5_000)
        later = offer(starts_at=now + 48 * HOUR)
        sooner = offer(starts_at=now + 24 * HOUR)
        offer(starts_at=now + 8 * 24 * HOUR)
        offer(starts_at=now + HOUR, audience={"tags": ["VIP"]})
        publish(starts_at=now + HOUR)

        shown = page(client, sku.spu_id)

        assert shown["badges"] == []
        assert shown_pair(shown) == (5_000, 5_000)
        assert self.coming(client, sku) == [sooner.id, later.id]
        assert shown["coming"][0]["stretch"]["starts_at"] == sooner.starts_at.isoformat()

    def test_between_two_slots_the_next_one_is_announced(self, client, session, offer, set_clock):
        sku = make_sku(session)
        set_clock(NOON_IN_CHINA)
        made = offer(
            starts_at=NOON_IN_CHINA - 24 * HOUR,
            now=NOON_IN_CHINA,
            slots=[{"weekdays": [], "from_minute": 1200, "until_minute": 1320}],
        )

        (announced,) = page(client, sku.spu_id)["coming"]

        assert announced["promotion_id"] == made.id
        assert announced["stretch"] == {
            "starts_at": (NOON_IN_CHINA + 8 * HOUR).isoformat(),
            "ends_at": (NOON_IN_CHINA + 10 * HOUR).isoformat(),
        }

    def test_no_more_than_three_are_announced(self, client, session, offer, now):
        sku = make_sku(session)
        made = [offer(starts_at=now + hours * HOUR).id for hours in range(1, 5)]

        assert self.coming(client, sku) == made[:3]
