"""Carts over HTTP: change, select and remove lines."""

import threading

import pytest
from sqlalchemy import select

from app.carts import service
from app.carts.models import LINES_MAX
from app.members.models import MemberAddress
from tests.app.carts.test_cart import BAD_QUANTITIES
from tests.builders.catalogue import make_sku

ITEMS = "/api/v1/cart/items"


class TestChange:
    def test_sets_the_quantity_and_the_selection(self, client, cart, sku, as_buyer):
        path = f"/api/v1/cart/items/{cart(sku)['id']}"

        answer = client.patch(path, json={"quantity": 4, "is_selected": False}, headers=as_buyer)

        assert (answer.json["quantity"], answer.json["is_selected"]) == (4, False)

    def test_another_sku_takes_the_place_of_the_first(self, session, client, cart, sku, as_buyer):
        other = make_sku(session)
        session.commit()
        line = cart(sku, 2)

        path = f"/api/v1/cart/items/{line['id']}"
        answer = client.patch(path, json={"sku_id": other.id}, headers=as_buyer)

        assert answer.json == line | {"sku_id": other.id}

    def test_a_line_that_takes_the_sku_of_another_swallows_it(
        self, session, client, cart, show, sku, as_buyer
    ):
        other = make_sku(session)
        session.commit()
        line, twin = cart(sku, 2), cart(other, 3)

        path = f"/api/v1/cart/items/{line['id']}"
        answer = client.patch(path, json={"sku_id": other.id}, headers=as_buyer)

        assert answer.json == line | {"sku_id": other.id, "quantity": 5}
        assert twin["id"] not in {each["id"] for each in show()["lines"]}

    def test_the_same_sku_again_changes_nothing(self, client, cart, sku, as_buyer):
        line = cart(sku, 2)

        path = f"/api/v1/cart/items/{line['id']}"
        answer = client.patch(path, json={"sku_id": sku.id}, headers=as_buyer)

        assert answer.json == line

    def test_unselecting_works_although_the_product_left_the_shelf(
        self, session, client, cart, sku, as_buyer
    ):
        line = cart(sku)
        sku.is_active = False
        session.commit()

        path = f"/api/v1/cart/items/{line['id']}"
        answer = client.patch(path, json={"is_selected": False}, headers=as_buyer)

        assert answer.json["is_selected"] is False

    @pytest.mark.parametrize(
        "body",
        [
            *({"quantity": quantity} for quantity in BAD_QUANTITIES),
            {"sku_id": 0},
            {"sku_id": "1"},
            {"is_selected": 1},
            {"is_selected": "true"},
            {"colour": "red"},
            {},
        ],
    )
    def test_refuses_bad_bodies(self, client, cart, show, sku, as_buyer, body):
        line = cart(sku, 2)

        path = f"/api/v1/cart/items/{line['id']}"
        answer = client.patch(path, json=body, headers=as_buyer)

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
        assert show()["lines"][0]["quantity"] == 2

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"quantity": 11}, "out_of_stock"),
            ({"sku_id": 2**62}, "sku_not_for_sale"),
        ],
    )
    def test_refuses_what_cannot_be_bought(self, client, cart, show, sku, as_buyer, body, code):
        line = cart(sku, 2)

        path = f"/api/v1/cart/items/{line['id']}"
        answer = client.patch(path, json=body, headers=as_buyer)

        assert (answer.status_code, answer.json["code"]) == (409, code)
        assert show()["lines"][0]["quantity"] == 2

    def test_somebody_elses_line_is_not_found(self, client, cart, show, sku, as_stranger):
        line = cart(sku, 2)

        path = f"/api/v1/cart/items/{line['id']}"
        answer = client.patch(path, json={"quantity": 1}, headers=as_stranger)

        assert (answer.status_code, answer.json["code"]) == (404, "cart_item_not_found")
        assert show()["lines"][0]["quantity"] == 2


class TestSelect:
    def test_all_none_and_some(self, session, client, cart, show, sku, as_buyer):
        other = make_sku(session)
        session.commit()
        first, second = cart(sku)["id"], cart(other)["id"]

        def selected_after(body):
            answer = client.post("/api/v1/cart/select", json=body, headers=as_buyer)
            assert answer.status_code == 204
            return {line["id"] for line in show()["lines"] if line["is_selected"]}

        assert selected_after({"is_selected": False}) == set()
        assert selected_after({"is_selected": True}) == {first, second}
        assert selected_after({"item_ids": [first], "is_selected": False}) == {second}

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"is_selected": "yes"},
            {"is_selected": None},
            {"item_ids": [], "is_selected": True},
            {"item_ids": ["1"], "is_selected": True},
            {"item_ids": [0], "is_selected": True},
            {"item_ids": list(range(1, LINES_MAX + 2)), "is_selected": True},
            {"is_selected": True, "everything": True},
        ],
    )
    def test_refuses_bad_bodies(self, client, as_buyer, body):
        answer = client.post("/api/v1/cart/select", json=body, headers=as_buyer)

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")

    def test_somebody_elses_line_is_not_found(self, client, cart, show, sku, as_stranger):
        line = cart(sku)

        body = {"item_ids": [line["id"]], "is_selected": False}
        answer = client.post("/api/v1/cart/select", json=body, headers=as_stranger)

        assert (answer.status_code, answer.json["code"]) == (404, "cart_item_not_found")
        assert show()["lines"][0]["is_selected"] is True


class TestRemove:
    def test_one_line(self, client, cart, show, sku, as_buyer):
        line = cart(sku)

        answer = client.delete(f"/api/v1/cart/items/{line['id']}", headers=as_buyer)

        assert answer.status_code == 204
        assert show()["lines"] == []

    def test_several_lines_or_none_of_them(self, session, client, cart, show, sku, as_buyer):
        other = make_sku(session)
        session.commit()
        ids = [cart(sku)["id"], cart(other)["id"]]

        def remove(item_ids):
            body = {"item_ids": item_ids}
            return client.post("/api/v1/cart/remove", json=body, headers=as_buyer).status_code

        assert remove([ids[0], 2**62]) == 404
        assert len(show()["lines"]) == 2
        assert remove(ids) == 204
        assert show()["lines"] == []

    @pytest.mark.parametrize("body", [{}, {"item_ids": []}, {"item_ids": [True]}, {"x": 1}])
    def test_refuses_bad_bodies(self, client, as_buyer, body):
        answer = client.post("/api/v1/cart/remove", json=body, headers=as_buyer)

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")

    def test_somebody_elses_line_is_not_found(self, client, cart, show, sku, as_stranger):
        line = cart(sku)

        one = client.delete(f"/api/v1/cart/items/{line['id']}", headers=as_stranger)
        many = client.post(
            "/api/v1/cart/remove", json={"item_ids": [line["id"]]}, headers=as_stranger
        )

        assert (one.status_code, many.status_code) == (404, 404)
        assert len(show()["lines"]) == 1


@pytest.mark.race
@pytest.mark.parametrize("leaves", ["ordered", "removed"])
def test_a_line_that_leaves_the_cart_while_it_changes_is_no_error(
    client, session, buyer, as_buyer, cart, sku, monkeypatch, leaves
):
    line = cart(sku)
    address_id = session.scalar(select(MemberAddress.id).where(MemberAddress.member_id == buyer.id))
    order = {"cart_item_ids": [line["id"]], "address_id": address_id, "expected_payable_fen": 15000}
    answers = []

    def leave():
        other = client.application.test_client()
        if leaves == "removed":
            answers.append(other.delete(f"{ITEMS}/{line['id']}", headers=as_buyer))
        else:
            headers = {**as_buyer, "Idempotency-Key": "the-only-key"}
            answers.append(other.post("/api/v1/orders", json=order, headers=headers))

    thread, check = threading.Thread(target=leave), service._check

    def leave_meanwhile(*arguments):
        check(*arguments)
        thread.start()
        thread.join(1)

    with monkeypatch.context() as patched:
        patched.setattr(service, "_check", leave_meanwhile)
        changed = client.patch(f"{ITEMS}/{line['id']}", json={"quantity": 3}, headers=as_buyer)
    thread.join()

    assert changed.status_code == 200
    assert answers[0].status_code == {"ordered": 201, "removed": 204}[leaves]
