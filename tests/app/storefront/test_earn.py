"""What a distributor would earn: exact, for the distributor alone, and in no kept page."""

from datetime import timedelta

import pytest

from app.catalogue.models import SpuStatus
from app.core.auth import Audience
from distribution.team import joining
from tests.app.storefront.test_products import counted_statements
from tests.builders.catalogue import make_sku, make_spu
from tests.builders.distribution import make_distributor, make_rules
from tests.builders.members import make_member
from tests.builders.promotions import OFF_PIECES

EARN = "/api/v1/distributor/earn"


def earn(client, headers, *spu_ids):
    query = {"spu_ids": ",".join(map(str, spu_ids))}
    answer = client.get(EARN, headers=headers, query_string=query)
    assert answer.status_code == 200, answer.json
    assert answer.headers["Cache-Control"] == "private, no-store"
    return answer.json["items"]


@pytest.fixture
def as_member(session, token_for):
    def make():
        member = make_member(session)
        session.commit()
        return member, token_for(Audience.SHOPPER, member.id)

    return make


@pytest.fixture
def distributor(session, as_member, now):
    make_rules(session, now=now)
    member, headers = as_member()
    make_distributor(session, member_id=member.id, now=now)
    session.commit()
    return member, headers


@pytest.fixture
def cup(session):
    """A product of two SKUs, ¥59.05 and ¥99.00."""
    spu = make_spu(session)
    skus = [make_sku(session, spu=spu, price_fen=fen) for fen in (5_905, 9_900)]
    session.commit()
    return spu, skus


class TestEarn:
    def test_is_the_share_of_the_price_now(self, client, distributor, cup):
        spu, (small, large) = cup

        assert earn(client, distributor[1], spu.id) == [
            {
                "spu_id": spu.id,
                "lowest_fen": 590,
                "highest_fen": 990,
                "skus": [
                    {"sku_id": small.id, "earn_fen": 590},
                    {"sku_id": large.id, "earn_fen": 990},
                ],
            }
        ]

    def test_follows_the_price_that_a_campaign_sets(self, client, distributor, cup, publish):
        publish(**OFF_PIECES)

        (found,) = earn(client, distributor[1], cup[0].id)

        page = client.get(f"/api/v1/products/{cup[0].id}").json
        assert [each["earn_fen"] for each in found["skus"]] == [
            sku["promoted_price_fen"] // 10 for sku in page["skus"]
        ]

    def test_is_nothing_where_the_campaign_pays_no_commission(
        self, client, distributor, cup, publish
    ):
        publish(**OFF_PIECES, pays_commission=False)

        (found,) = earn(client, distributor[1], cup[0].id)

        assert (found["lowest_fen"], found["highest_fen"]) == (0, 0)

    def test_is_told_to_active_distributors_only(
        self, client, session, distributor, cup, as_member, now
    ):
        assert earn(client, as_member()[1], cup[0].id) == []
        assert client.get(EARN, query_string={"spu_ids": cup[0].id}).status_code == 401

        joining.freeze(session, member_id=distributor[0].id, reason="刷单", now=now)
        session.commit()
        assert earn(client, distributor[1], cup[0].id) == []

    def test_leaves_out_what_is_not_on_the_shelf(self, client, session, distributor, cup):
        hidden = make_spu(session, status=SpuStatus.OFF_SHELF, listed_at=cup[0].created_at)
        make_sku(session, spu=hidden)
        session.commit()

        found = earn(client, distributor[1], 999_999, hidden.id, cup[0].id)

        assert [each["spu_id"] for each in found] == [cup[0].id]

    def test_takes_as_many_statements_for_one_product_as_for_many(
        self, app, client, session, distributor, cup, publish
    ):
        publish(**OFF_PIECES)
        spus = [make_spu(session) for _ in range(20)]
        for spu in spus:
            make_sku(session, spu=spu)
        session.commit()
        counts = []
        for wanted in ([cup[0].id], [spu.id for spu in spus]):
            earn(client, distributor[1], *wanted)
            with counted_statements(app) as seen:
                earn(client, distributor[1], *wanted)
            counts.append(len(seen))

        assert counts[0] == counts[1]

    def test_is_in_no_page_that_others_see(self, client, distributor, cup):
        for url in ("/api/v1/products", f"/api/v1/products/{cup[0].id}"):
            mine = client.get(url, headers=distributor[1])
            assert mine.data == client.get(url).data or "server_time" in mine.json
            assert b"earn" not in mine.data

    @pytest.mark.parametrize(
        "spu_ids",
        ["", "0", "x", "1,", ",1", "1,,2", "1 2", "-1", "9" * 19, ",".join(["1"] * 51)],
    )
    def test_needs_a_list_of_products(self, client, distributor, spu_ids):
        answer = client.get(EARN, headers=distributor[1], query_string={"spu_ids": spu_ids})

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")


def test_the_days_of_a_campaign_change_what_is_earned(client, distributor, cup, publish, now):
    publish(**OFF_PIECES, starts_at=now + timedelta(days=1))

    (found,) = earn(client, distributor[1], cup[0].id)

    assert found["highest_fen"] == 990
