"""What staff are told before they publish."""

import pytest

from app.marketing import warnings
from tests.builders.catalogue import make_category, make_sku, make_spu
from tests.builders.promotions import make_published

MISSING = 999_999_999


@pytest.fixture
def ask(client, staff):
    def get(promotion_id, headers=staff, **query):
        path = f"/admin/v1/promotions/{promotion_id}/warnings"
        return client.get(path, query_string=query, headers=headers)

    return get


@pytest.fixture
def draft(client, staff, body):
    def create(**changes):
        made = client.post("/admin/v1/promotions", json={**body, **changes}, headers=staff)
        assert made.status_code == 201, made.json
        return made.json["id"]

    return create


def make_good(session, *, cost_fen=None, **more):
    sku = make_sku(session, **more)
    sku.cost_price_fen = cost_fen
    session.commit()
    return sku


def said(answer):
    assert answer.status_code == 200, answer.json
    return [(one["code"], one["message"]) for one in answer.json["items"]]


def test_names_the_campaigns_it_meets_with_goods_and_moment(ask, draft, session, now):
    cup, pot = make_good(session), make_good(session)
    other = make_published(session, title="老活动", now=now, starts_at=now)
    session.commit()
    promotion_id = draft(includes={"sku_ids": [cup.id]})

    answer = ask(promotion_id)

    (told,) = answer.json["items"]
    assert told == {
        "code": "excludes",
        "message": "与「老活动」不可同享，1 个规格每单只取更优惠的一个",
        "promotion": {"promotion_id": other.id, "title": "老活动"},
        "sku_count": 1,
        "sku_ids": [cup.id],
        "first_at": told["first_at"],
    }
    assert told["first_at"] >= now.isoformat()[:19]
    assert (answer.json["sku_count"], answer.json["is_cut"]) == (1, False)
    assert pot.id not in told["sku_ids"]


@pytest.mark.parametrize(
    ("mine", "others", "code"),
    [
        ({}, {}, "excludes"),
        ({"tags": ["a"], "agrees_with": ["a"]}, {"tags": ("a",), "agrees_with": ("a",)}, "stacks"),
        ({"group": "g"}, {"group": "g"}, "group_best"),
        (
            {"group": "g", "group_mode": "first"},
            {"group": "g", "group_mode": "first"},
            "group_first",
        ),
        (
            {"group": "g", "group_mode": "worst"},
            {"group": "g", "group_mode": "worst"},
            "group_worst",
        ),
        ({"group": "g"}, {"group": "g", "group_mode": "worst"}, "mixed_group"),
    ],
)
def test_says_what_happens_between_them(ask, draft, session, now, mine, others, code):
    make_good(session)
    make_published(session, title="老活动", now=now, starts_at=now, **others)
    session.commit()

    ((told, message),) = said(ask(draft(**mine)))

    assert told == code
    assert "「老活动」" in message


def test_every_meeting_and_mistake_has_a_sentence():
    assert set(warnings.MEETINGS) == set(warnings.Meeting)
    assert set(warnings.MISTAKES) == set(warnings.Mistake)


def test_a_scope_without_goods_on_sale_is_told(ask, draft, session):
    hidden = make_good(session, is_active=False)

    assert said(ask(draft(includes={"sku_ids": [hidden.id]}))) == [
        ("nothing_in_scope", "活动范围内没有在售商品")
    ]


def test_goods_sold_below_cost_are_told_first(ask, draft, session, now):
    make_good(session, price_fen=10_000, cost_fen=9_500)
    make_published(session, now=now, starts_at=now)
    session.commit()

    told = said(ask(draft()))

    assert told[0] == ("below_floor", "1 个规格优惠后低于成本价")
    assert told[1][0] == "excludes"


def test_the_floor_is_what_is_asked_for(ask, draft, session):
    make_good(session, price_fen=10_000, cost_fen=7_000)
    promotion_id = draft()

    assert said(ask(promotion_id)) == []
    assert said(ask(promotion_id, margin_floor_bp=2_250)) == [
        ("below_floor", "1 个规格优惠后毛利率低于 22.5%")
    ]


def test_what_is_too_cheap_only_together_is_told(ask, draft, session, now):
    sharing = {"tags": ["a"], "agrees_with": ["a"], "base": "initial"}
    make_good(session, price_fen=10_000, cost_fen=8_500)
    make_published(session, title="老活动", now=now, starts_at=now, **{**sharing, "tags": ("a",)})
    session.commit()

    assert [code for code, _ in said(ask(draft(**sharing)))] == ["below_floor_together", "stacks"]


def test_finds_goods_by_category_subtree_product_and_tag(ask, draft, session):
    parent = make_category(session)
    child = make_category(session, parent=parent)
    in_tree = make_good(session, category=child)
    by_spu = make_good(session)
    tagged = make_good(session, spu=make_spu(session, tags=["新品", "热卖"]))
    make_good(session, tags=["清仓"])
    scope = {"category_ids": [parent.id], "spu_ids": [by_spu.spu_id], "tags": ["热卖"]}

    answer = ask(draft(includes=scope, excludes={"sku_ids": [in_tree.id]}))

    assert answer.json["sku_count"] == 3
    assert tagged.id != by_spu.id


def test_a_shop_with_too_many_goods_is_told_that_it_was_cut(ask, draft, session, monkeypatch):
    monkeypatch.setattr(warnings, "GOODS_MAX", 2)
    for _ in range(3):
        make_good(session)

    answer = ask(draft())

    assert (answer.json["sku_count"], answer.json["is_cut"]) == (2, True)


def test_of_nothing_is_not_found(ask):
    answer = ask(MISSING)

    assert (answer.status_code, answer.json["code"]) == (404, "promotion_not_found")


@pytest.mark.parametrize("floor", ["-1", "10001", "x", "1.5"])
def test_refuses_a_bad_floor(ask, draft, floor):
    assert ask(draft(), margin_floor_bp=floor).status_code == 422


def test_asks_for_staff(ask, draft):
    assert ask(draft(), headers={}).status_code == 401
