"""Why a cart costs what it costs, for staff: any cart, any member, any moment."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from app.core.auth import Audience
from app.staff.models import Role
from promotions import buyers, campaigns, limits
from promotions.limits import Use
from promotions.models import PromotionReservation
from tests.builders.catalogue import make_sku
from tests.builders.members import make_member
from tests.builders.promotions import STAFF, make_campaign, make_published
from tests.builders.staff import make_staff

MISSING = 999_999_999
DAY = timedelta(days=1)


@pytest.fixture
def sku(session):
    sku = make_sku(session, price_fen=10_000)
    session.commit()
    return sku


@pytest.fixture
def member(session):
    member = make_member(session)
    session.commit()
    return member


@pytest.fixture
def analyst(session, token_for):
    account = make_staff(session, role=Role.ANALYST)
    session.commit()
    return token_for(Audience.STAFF, account.id)


@pytest.fixture
def explain(client, analyst, sku):
    def post(headers=analyst, **body):
        body = {"lines": [{"sku_id": sku.id, "quantity": 1}], **body}
        return client.post("/admin/v1/quotes/explain", json=body, headers=headers)

    return post


@pytest.fixture
def running(session, now):
    def make(**changes):
        at = changes.pop("now", now)
        made = make_published(session, **{"now": at, "starts_at": now - 9 * DAY, **changes})
        session.commit()
        return made

    return make


@pytest.fixture
def draft(session, now):
    def make(**changes):
        campaign = make_campaign(**{"starts_at": now - DAY, **changes})
        made = campaigns.create(session, campaign=campaign, staff_id=STAFF, now=now)
        session.commit()
        return made

    return make


def told(answer):
    assert answer.status_code == 200, answer.json
    return [(one["title"], one["message"]) for one in answer.json["quote"]["trace"]]


class TestNow:
    def test_every_campaign_has_its_verdict_in_words(self, explain, running, sku):
        running(title="满减")
        running(title="大满减", steps=((30_000, 5_000),))

        answer = explain(freight_fen=800)

        assert told(answer) == [("满减", "已省 10 元"), ("大满减", "还差 200 元，可减 50 元")]
        quote = answer.json["quote"]
        assert (quote["payable_fen"], quote["lines"][0]["sku_id"]) == (9_800, sku.id)

    def test_a_sku_named_twice_is_added_up(self, explain, sku):
        line = {"sku_id": sku.id, "quantity": 2}

        (one,) = explain(lines=[line, line]).json["quote"]["lines"]

        assert one["quantity"] == 4

    def test_what_a_member_has_left_of_a_limit_counts(self, explain, running, session, member, now):
        limited = running(title="限一次", member_max_uses=1)
        limits.reserve(
            session, source="order:A", member_id=member.id, uses=[Use(limited.id, 1_000)], now=now
        )
        session.commit()

        assert told(explain(member_id=member.id))[0][1] != "已省 10 元"
        assert told(explain()) == [("限一次", "已省 10 元")]

    def test_who_the_member_is_counts(self, explain, running, session, member, now):
        running(title="新客满减", audience={"is_new": True})
        assert told(explain(member_id=member.id)) == [("新客满减", "已省 10 元")]
        buyers.record(session, member_id=member.id, source="order:A", now=now)
        session.commit()

        assert explain(member_id=member.id).json["quote"]["discount_fen"] == 0

    def test_what_is_declined_is_left_out(self, explain, running):
        promotion_id = running().id

        answer = explain(declined_promotion_ids=[promotion_id])

        assert answer.json["quote"]["discount_fen"] == 0


class TestDrafts:
    def test_are_tried_as_if_published(self, explain, running, draft):
        running(title="老活动")
        one = draft(title="草稿", steps=((10_000, 2_000),))

        assert [title for title, _ in told(explain())] == ["老活动"]
        assert dict(told(explain(promotion_ids=[one.id, one.id])))["草稿"] == "已省 20 元"

    def test_keep_to_their_window(self, explain, draft, now):
        one = draft(starts_at=now + DAY, ends_at=now + 2 * DAY)

        assert told(explain(promotion_ids=[one.id])) == []
        later = explain(promotion_ids=[one.id], at=(now + DAY).isoformat())
        assert later.json["quote"]["discount_fen"] == 1_000

    @pytest.mark.parametrize(("coupon_ids", "discount_fen"), [(None, 500), ([], 500)])
    def test_a_coupon_template_is_tried_as_if_held(self, explain, draft, coupon_ids, discount_fen):
        coupon = draft(
            kind="coupon_amount",
            terms={"threshold_fen": 0, "off_fen": 500},
            issue={"valid_mode": "after_claim", "valid_days": 7},
        )

        answer = explain(promotion_ids=[coupon.id], coupon_ids=coupon_ids)

        assert answer.json["quote"]["discount_fen"] == discount_fen

    def test_of_a_group_with_another_mode_are_refused(self, explain, running, draft):
        running(group="g")
        one = draft(group="g", group_mode="worst")

        answer = explain(promotion_ids=[one.id])

        assert (answer.status_code, list(answer.json["errors"])) == (422, ["promotion_ids"])


class TestMoments:
    def test_the_past_has_the_campaigns_it_had(self, explain, running, session, now):
        old = running(title="老活动", now=now - 5 * DAY)
        campaigns.end(session, promotion_id=old.id, staff_id=STAFF, now=now - 3 * DAY)
        session.commit()

        assert told(explain()) == []
        assert told(explain(at=(now - 4 * DAY).isoformat())) == [("老活动", "已省 10 元")]
        assert told(explain(at=(now - 2 * DAY).isoformat())) == []

    def test_the_future_has_those_that_are_scheduled(self, explain, running, now):
        running(title="双十二", starts_at=now + DAY)

        answer = explain(at=(now + 2 * DAY).isoformat())

        assert told(explain()) == []
        assert told(answer) == [("双十二", "已省 10 元")]
        assert answer.json["at"][:16] == (now + 2 * DAY).isoformat()[:16]

    def test_before_the_log_nothing_is_known(self, explain, running, session, now):
        # The log begins with a later number than a shop's first, as after an upgrade.
        session.execute(
            text("SELECT setval('snapshot_number', last_value + 9) FROM snapshot_number")
        )
        running()

        answer = explain(at=(now - 2 * DAY).isoformat())

        assert (answer.status_code, list(answer.json["errors"])) == (422, ["at"])


class TestRefusals:
    @pytest.mark.parametrize(
        ("body", "path"),
        [
            ({"lines": []}, "lines"),
            ({"lines": [{"sku_id": 1, "quantity": 1}] * 101}, "lines"),
            ({"lines": [{"sku_id": 1, "quantity": 0}]}, "lines.0.quantity"),
            ({"lines": [{"sku_id": 1, "quantity": -3}]}, "lines.0.quantity"),
            ({"lines": [{"sku_id": 1, "quantity": 1, "price_fen": 1}]}, "lines.0.price_fen"),
            ({"member_id": 0}, "member_id"),
            ({"member_id": "1"}, "member_id"),
            ({"freight_fen": -1}, "freight_fen"),
            ({"at": "2019-12-31T00:00:00Z"}, "at"),
            ({"at": "9999-12-31T23:59:59Z"}, "at"),
            ({"at": "tomorrow"}, "at"),
            ({"promotion_ids": [0]}, "promotion_ids.0"),
            ({"promotion_ids": [1] * 21}, "promotion_ids"),
            ({"save": True}, "save"),
        ],
    )
    def test_what_is_wrong_is_said(self, explain, body, path):
        answer = explain(**body)

        assert (answer.status_code, list(answer.json["errors"])) == (422, [path])

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"lines": [{"sku_id": MISSING, "quantity": 1}]}, "sku_not_found"),
            ({"member_id": MISSING}, "member_not_found"),
            ({"promotion_ids": [MISSING]}, "promotion_not_found"),
        ],
    )
    def test_what_is_missing_is_named(self, explain, body, code):
        answer = explain(**body)

        assert (answer.status_code, answer.json["code"]) == (404, code)

    def test_shoppers_and_strangers_are_not_told(self, explain, member, token_for):
        for headers in ({}, token_for("shopper", member.id)):
            assert explain(headers=headers).status_code == 401

    def test_nothing_is_held(self, explain, running, session, member):
        running(max_uses=1)

        explain(member_id=member.id)

        session.rollback()
        assert session.scalar(select(func.count(PromotionReservation.id))) == 0
