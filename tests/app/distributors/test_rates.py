"""Staff: what goods and grades earn, what an order would pay; and what a distributor is told."""

import pytest

from app.catalogue.models import Sku
from app.core.auth import Audience
from app.distributors import rates
from app.orders.models import OrderStatus
from distribution.commissions import rates as engine
from tests.app.distributors.conftest import bring
from tests.builders.catalogue import make_category, make_sku, make_spu
from tests.builders.distribution import give_grade, make_grade, make_rate, make_rules
from tests.builders.orders import make_order, refund_all
from tests.builders.promotions import make_published

RATES = "/admin/v1/commission-rates"
PREVIEW = "/admin/v1/commission-rules/preview"


@pytest.fixture
def goods(session):
    """A category, a product of it and its SKU: ¥99.00, which cost the shop ¥69.00."""
    category = make_category(session)
    spu = make_spu(session, category=category)
    sku = make_sku(session, spu=spu, price_fen=9_900)
    sku.cost_price_fen = 6_900
    session.commit()
    return {"category": category.id, "spu": spu.id, "sku": sku.id}


@pytest.fixture
def gold(session):
    grade_id = make_grade(session)
    session.commit()
    return grade_id


def in_force(session):
    return engine.in_force(session, limit=99)


class TestSetting:
    @pytest.mark.parametrize("scope", ["sku", "spu", "category"])
    def test_goods_of_each_scope_get_a_rate_and_lose_it_again(
        self, client, session, as_staff, goods, scope
    ):
        body = {"scope": scope, "target_id": goods[scope], "level1_bp": 1_200, "level2_bp": 0}

        made = client.put(RATES, headers=as_staff, json=body)
        page = client.get(f"{RATES}?scope={scope}", headers=as_staff).json
        rate_id = made.json["rate_id"]
        history = client.get(f"/admin/v1/commission-rates/{rate_id}/history", headers=as_staff).json
        gone = client.delete(f"/admin/v1/commission-rates/{rate_id}", headers=as_staff)

        assert made.status_code == 200, made.json
        assert (made.json["level1_bp"], made.json["text"]) == (1_200, "一级 12%，二级 0%")
        assert made.json["target_name"]
        assert page["items"] == history["items"] == [made.json]
        assert gone.status_code == 204
        assert in_force(session) == []

    def test_a_grade_gets_a_fixed_amount_for_a_sku_and_a_rate_for_the_shop(
        self, client, as_staff, goods, gold
    ):
        fixed = {"scope": "sku", "target_id": goods["sku"], "grade_id": gold, "level1_fen": 500}
        whole = {"scope": "shop", "grade_id": gold, "level1_bp": 900, "level2_bp": 300}

        one, other = (client.put(RATES, headers=as_staff, json=body) for body in (fixed, whole))

        assert (one.json["text"], one.json["grade_name"]) == (
            "一级每件 ¥5.00，二级按上一层规则",
            "金牌",
        )
        assert (other.json["target_id"], other.json["target_name"]) == (None, "全店")
        page = client.get(f"{RATES}?grade_id={gold}&limit=1", headers=as_staff).json
        rest = client.get(
            RATES, headers=as_staff, query_string={"limit": 1, "cursor": page["next_cursor"]}
        ).json
        assert [*page["items"], *rest["items"]] == [other.json, one.json]
        assert rest["next_cursor"] is None

    def test_a_product_is_switched_off_and_on_again(self, client, session, as_staff, goods):
        body = {"scope": "spu", "target_id": goods["spu"]}

        off = client.put(RATES, headers=as_staff, json=body | {"is_off": True})
        on = client.put(RATES, headers=as_staff, json=body | {"level1_bp": 100})

        assert (off.json["is_off"], off.json["text"]) == (True, "不参与分销")
        assert (on.json["is_off"], on.json["level1_bp"]) == (False, 100)
        history = client.get(f"{RATES}/{on.json['rate_id']}/history", headers=as_staff).json
        assert [item["is_off"] for item in history["items"]] == [False, True]

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"scope": None}, "scope"),
            ({"scope": "brand"}, "scope"),
            ({"target_id": None}, "target_id"),
            ({"target_id": 0}, "target_id"),
            ({"target_id": "1"}, "target_id"),
            ({"scope": "shop"}, "target_id"),
            ({"scope": "shop", "target_id": None}, "grade_id"),
            ({"grade_id": 999_999}, "grade_id"),
            ({"grade_id": True}, "grade_id"),
            ({"level1_bp": None}, "level1_bp"),
            ({"level1_bp": -1}, "level1_bp"),
            ({"level1_bp": 10_001}, "level1_bp"),
            ({"level1_bp": 0.5}, "level1_bp"),
            ({"level1_bp": "100"}, "level1_bp"),
            ({"level1_bp": 4_000, "level2_bp": 1_001}, "level2_bp"),
            ({"level1_fen": 100}, "level1_fen"),
            ({"level2_fen": 100}, "level2_fen"),
            ({"scope": "sku", "level2_fen": 100_000_001}, "level2_fen"),
            ({"is_off": True, "grade_id": 1}, "is_off"),
            ({"scope": "category", "is_off": True}, "is_off"),
            ({"is_off": "yes"}, "is_off"),
            ({"level3_bp": 0}, "level3_bp"),
        ],
    )
    def test_what_makes_no_sense_is_refused_at_its_field_and_changes_nothing(
        self, client, session, as_staff, goods, change, field
    ):
        body = {"scope": "spu", "target_id": goods["spu"], "level1_bp": 100} | change

        answer = client.put(RATES, headers=as_staff, json=body)

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
        assert list(answer.json["errors"]) == [field]
        assert in_force(session) == []

    @pytest.mark.parametrize(
        ("scope", "code"),
        [("sku", "sku_not_found"), ("spu", "spu_not_found"), ("category", "category_not_found")],
    )
    def test_goods_that_are_not_ours_are_not_found(self, client, session, as_staff, scope, code):
        body = {"scope": scope, "target_id": 999_999, "level1_bp": 1}

        answer = client.put(RATES, headers=as_staff, json=body)

        assert (answer.status_code, answer.json["code"]) == (404, code)
        assert in_force(session) == []

    def test_what_is_not_in_force_cannot_be_withdrawn_or_looked_up(
        self, client, session, as_staff, goods
    ):
        old = make_rate(session, "sku", goods["sku"], level1_bp=1)
        new = make_rate(session, "sku", goods["sku"], level1_bp=2)
        session.commit()

        for rate_id in (old, new + 99):
            gone = client.delete(f"{RATES}/{rate_id}", headers=as_staff)
            seen = client.get(f"{RATES}/{rate_id}/history", headers=as_staff)
            for answer in (gone, seen):
                assert (answer.status_code, answer.json["code"]) == (
                    404,
                    "commission_rate_not_found",
                )
        assert [each.rate.id for each in in_force(session)] == [new]

    def test_is_for_staff_only(self, client, session, as_member, goods):
        rate_id = make_rate(session, "sku", goods["sku"], level1_bp=1)
        _, headers = as_member()
        session.commit()
        body = {"scope": "sku", "target_id": goods["sku"], "level1_bp": 9}
        for given in ({}, headers):
            assert client.put(RATES, headers=given, json=body).status_code == 401
            assert client.delete(f"{RATES}/{rate_id}", headers=given).status_code == 401
            assert client.post(PREVIEW, headers=given, json={"lines": []}).status_code == 401
        assert [each.rate.id for each in in_force(session)] == [rate_id]


class TestPreview:
    def test_says_what_an_order_pays_by_the_rules_in_force(self, client, as_staff, two_levels):
        answer = client.post(PREVIEW, headers=as_staff, json={"lines": [{"paid_fen": 19_900}]})

        assert answer.status_code == 200, answer.json
        assert answer.json["text"] == (
            "一笔 ¥199.00 的订单：一级得 ¥19.90，二级得 ¥9.95，合计 ¥29.85"
        )
        assert answer.json["total_fen"] == 2_985
        first, _ = answer.json["lines"][0]["levels"]
        assert first["why"] == (
            f"实付 ¥199.00 × 10% = ¥19.90（店铺规则第 {two_levels.version} 版，分以下舍去）"
        )

    def test_tries_rules_and_rates_for_a_sku_a_quantity_and_grades(
        self, client, session, as_staff, goods, gold
    ):
        body = {
            "lines": [{"sku_id": goods["sku"], "quantity": 3}],
            "rules": {"levels": 2, "level1_bp": 0, "level2_bp": 2_000, "base_kind": "profit"},
            "rates": [
                {"scope": "sku", "target_id": goods["sku"], "grade_id": gold, "level1_fen": 1_000}
            ],
            "level1_grade_id": gold,
        }

        answer = client.post(PREVIEW, headers=as_staff, json=body).json

        (line,) = answer["lines"]
        assert (line["paid_fen"], line["quantity"]) == (29_700, 3)
        first, second = line["levels"]
        assert (first["amount_fen"], first["rule"]) == (3_000, "sku_grade")
        assert first["why"] == "每件 ¥10.00 × 3 件 = ¥30.00（试用的按商品规格与分销等级单独设置）"
        assert (second["amount_fen"], second["base_fen"]) == (1_500, 9_000)
        assert second["why"].startswith("利润 ¥90.00 × 20% = ¥18.00，两级合计封顶为利润的 50%")
        assert "禁止传销条例" in answer["compliance_note"]
        assert in_force(session) == []

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"lines": []}, "lines"),
            ({"lines": [{}]}, "lines.0.paid_fen"),
            ({"lines": [{"paid_fen": -1}]}, "lines.0.paid_fen"),
            ({"lines": [{"paid_fen": 1, "quantity": 0}]}, "lines.0.quantity"),
            ({"lines": [{"paid_fen": 1}] * 21}, "lines"),
            ({"rules": {"levels": 3, "level1_bp": 0}}, "rules.levels"),
            ({"rules": {"levels": 1, "level1_bp": 5_001}}, "level2_bp"),
            ({"rates": [{"scope": "spu", "target_id": 1}]}, "rates.0.level1_bp"),
            ({"rates": [{"scope": "spu", "target_id": 1, "level1_bp": 5_001}]}, "level2_bp"),
            ({"level3_grade_id": 1}, "level3_grade_id"),
        ],
    )
    def test_what_could_not_be_set_cannot_be_tried(self, client, as_staff, change, field):
        body = {"lines": [{"paid_fen": 19_900}]} | change

        answer = client.post(PREVIEW, headers=as_staff, json=body)

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
        assert list(answer.json["errors"]) == [field]

    def test_an_unknown_sku_is_not_found(self, client, as_staff):
        body = {"lines": [{"sku_id": 999_999}]}

        answer = client.post(PREVIEW, headers=as_staff, json=body)

        assert (answer.status_code, answer.json["code"]) == (404, "sku_not_found")


class TestPromise:
    def test_a_distributor_is_told_what_a_piece_would_earn(
        self, session, as_distributor, goods, two_levels, now
    ):
        member, _ = as_distributor()
        other = make_sku(session, price_fen=100)
        make_rate(session, "sku", other.id, level1_fen=30)

        found = rates.promise(
            session, [goods["sku"], other.id, 999_999], member_id=member.id, now=now
        )
        cheaper = rates.promise(
            session, [goods["sku"]], member_id=member.id, now=now, prices={goods["sku"]: 5_000}
        )

        assert found == {goods["sku"]: 990, other.id: 30}
        assert cheaper == {goods["sku"]: 500}

    def test_others_are_told_nothing(self, session, as_member, goods, now):
        assert rates.promise(session, [goods["sku"]], member_id=as_member()[0].id, now=now) == {}
        assert rates.promise(session, [], member_id=1, now=now) == {}


class TestSales:
    @pytest.fixture
    def sell(self, session, as_distributor, as_member, goods, now):
        """Sell pieces to somebody a distributor brought; return the order and their headers."""
        near, headers = as_distributor(nickname="近水")
        buyer, _ = as_member(nickname="买家")
        bring(session, buyer, near)

        def make(quantity=1, buyer=buyer):
            order = make_order(
                session, now=now, buyer=buyer, quantities={goods["sku"]: quantity},
                status=OrderStatus.PAID,
            )  # fmt: skip
            session.commit()
            return order

        make.near, make.headers = near, headers
        return make

    def explained(self, client, headers):
        (order,) = client.get("/api/v1/distributor/orders", headers=headers).json["items"]
        (line,) = order["lines"]
        url = f"/api/v1/distributor/commissions/{line['commission_id']}"
        answer = client.get(url, headers=headers)
        assert answer.status_code == 200, answer.json
        return answer.json

    def test_each_step_of_a_commission_is_told_in_words(
        self, client, session, sell, goods, gold, two_levels, now
    ):
        give_grade(session, sell.near.id, gold)
        rate_id = make_rate(session, "sku", goods["sku"], grade_id=gold, level1_fen=250)
        order = sell(quantity=2)
        refund_all(session, order, now=now)
        session.commit()

        steps = self.explained(client, sell.headers)["steps"]

        assert steps[0].startswith("一级：买家于 20")
        assert steps[0].endswith(" 绑定，付款时绑定有效")
        assert steps[1:] == [
            "付款时的分销等级：金牌",
            "计佣基数：实付 ¥198.00（已减全部优惠，不含运费与积分抵扣）",
            f"适用规则：按商品规格与分销等级单独设置 #{rate_id}",
            f"佣金：每件 ¥2.50 × 2 件 = ¥5.00（按商品规格与分销等级单独设置 #{rate_id}）",
            "买家退款，已按退款比例扣回 ¥5.00",
            "状态：已退款扣回",
        ]

    def test_profit_is_told_with_payment_and_cost(self, client, session, sell):
        make_rules(session, base_kind="profit")
        sell()

        shown = self.explained(client, sell.headers)

        assert (shown["base_kind"], shown["base_fen"], shown["amount_fen"]) == (
            "profit",
            3_000,
            300,
        )
        assert "计佣基数：利润 ¥30.00 = 实付 ¥99.00" in shown["steps"][2]
        assert shown["steps"][2].endswith("减成本 ¥69.00")
        assert shown["steps"][-1] == "状态：待结算，买家收货后开始计算结算日"

    @pytest.mark.parametrize(
        ("cost_fen", "reason", "told"),
        [(None, "no_cost", "成本未知"), (9_900, "no_profit", "不高于成本")],
    )
    def test_without_profit_the_reason_is_told(
        self, client, session, sell, goods, cost_fen, reason, told
    ):
        make_rules(session, base_kind="profit")
        session.get(Sku, goods["sku"]).cost_price_fen = cost_fen
        sell()

        shown = self.explained(client, sell.headers)

        assert shown["reason"] == reason
        assert shown["steps"][2].endswith(told)
        assert shown["steps"][-1] == "状态：无佣金"

    def test_a_campaign_without_commission_silences_the_lines_it_made_cheaper(
        self, client, session, sell, now
    ):
        make_published(session, now=now, starts_at=now, steps=[(100, 10)], pays_commission=False)
        sell()

        shown = self.explained(client, sell.headers)

        assert (shown["reason"], shown["amount_fen"]) == ("campaign_off", 0)
        assert shown["why"] == "该商品参加的活动不计佣金"

    def test_a_campaign_that_does_not_touch_a_line_silences_nothing(
        self, client, session, sell, now
    ):
        make_published(
            session, now=now, starts_at=now, steps=[(999_999, 10)], pays_commission=False
        )
        make_published(session, now=now, starts_at=now, steps=[(100, 10)])
        sell()

        assert self.explained(client, sell.headers)["amount_fen"] > 0

    def test_who_buys_themselves_is_told_so(self, client, session, sell):
        make_rules(session, pays_self_purchase=True)
        sell(buyer=sell.near)

        shown = self.explained(client, sell.headers)

        assert shown["is_self_purchase"] is True
        assert shown["steps"][0] == "一级：本人下单，店铺对分销员的自购计佣"

    def test_somebody_elses_commission_is_not_found(self, client, session, sell, as_distributor):
        sell()
        shown = self.explained(client, sell.headers)
        _, headers = as_distributor()

        answer = client.get(
            f"/api/v1/distributor/commissions/{shown['commission_id']}", headers=headers
        )

        assert (answer.status_code, answer.json["code"]) == (404, "commission_not_found")

    def test_the_cost_is_kept_with_the_order_and_never_shown_to_shoppers(
        self, client, session, sell, goods, token_for
    ):
        order = sell(quantity=3)

        assert [line.cost_fen for line in order.lines] == [20_700]
        shown = client.get(
            f"/api/v1/orders/{order.order_no}",
            headers=token_for(Audience.SHOPPER, order.buyer_id),
        )
        assert shown.status_code == 200
        assert "cost" not in shown.text
