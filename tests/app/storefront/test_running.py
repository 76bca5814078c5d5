"""The badges a shopper sees before buying."""

from datetime import timedelta

import pytest

from tests.builders.catalogue import make_sku
from tests.builders.promotions import make_published


def badges(client, query=""):
    answer = client.get(f"/api/v1/promotions/running{query}")
    assert answer.status_code == 200
    return [one["label"] for one in answer.json["items"]]


def publish(session, now, steps, **more):
    made = make_published(session, steps=steps, starts_at=now - timedelta(hours=1), now=now, **more)
    session.commit()
    return made


def test_running_promotions_show_their_badges_to_anybody(client, session, now):
    publish(session, now, [(10_000, 1_000), (20_000, 3_000)], title="双11")
    publish(session, now + timedelta(hours=2), [(500, 50)])

    answer = client.get("/api/v1/promotions/running").json

    (item,) = answer["items"]
    assert (item["kind"], item["title"]) == ("spend_and_save", "双11")
    assert (item["label"], item["ends_at"]) == ("满100减10；满200减30", None)


def test_the_badges_of_one_sku_are_those_that_concern_it(client, session, now):
    cup, book = make_sku(session), make_sku(session)
    publish(session, now, [(10_000, 1_000)], includes={"sku_ids": [cup.id]})
    publish(session, now, [(20_000, 3_000)], excludes={"sku_ids": [cup.id]})

    assert badges(client, f"?sku_id={cup.id}") == ["满100减10"]
    assert badges(client, f"?sku_id={book.id}") == ["满200减30"]


def test_a_sku_that_is_not_there_has_none(client, session, now):
    publish(session, now, [(10_000, 1_000)])

    assert badges(client, "?sku_id=999999999") == []


@pytest.mark.parametrize("query", ["?sku_id=0", "?sku_id=x", "?spu_id=1"])
def test_a_bad_query_is_refused(client, query):
    assert client.get(f"/api/v1/promotions/running{query}").status_code == 422
