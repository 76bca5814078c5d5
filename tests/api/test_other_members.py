"""What belongs to one member does not exist for another: refused, and nothing changes."""

import pytest

from tests.api import world as worlds
from tests.api.bodies import FIRST_ORDER_FEN, REQUESTS
from tests.api.mall import Mall

PATHS = {
    "GET /api/v1/addresses/{address_id}": 0,
    "PATCH /api/v1/addresses/{address_id}": 0,
    "DELETE /api/v1/addresses/{address_id}": 0,
    "PATCH /api/v1/cart/items/{item_id}": 0,
    "DELETE /api/v1/cart/items/{item_id}": 0,
    "GET /api/v1/orders/{order_no}": 0,
    "POST /api/v1/orders/{order_no}/cancel": 0,
    "POST /api/v1/orders/{order_no}/pay": 0,
    "GET /api/v1/orders/{order_no}/payment": 0,
    "POST /api/v1/orders/{order_no}/receive": 2,
    "GET /api/v1/orders/{order_no}/bulk-buy": 5,
    "GET /api/v1/after-sales/{after_sale_no}": 0,
    "POST /api/v1/after-sales/{after_sale_no}/cancel": 0,
    "POST /api/v1/after-sales/{after_sale_no}/parcel": 1,
    "POST /api/v1/after-sales/{after_sale_no}/appeal": 2,
    "POST /api/v1/after-sales/{after_sale_no}/messages": 0,
    "GET /api/v1/distributor/commissions/{commission_id}": 0,
    "GET /api/v1/distributor/withdrawals/{withdrawal_no}": 0,
    "POST /api/v1/distributor/withdrawals/{withdrawal_no}/cancel": 0,
}
"""Every route with a member's object in its path; which object, so that its owner may do it."""

SHARED = {"spu_id", "promotion_id", "bulk_buy_id", "group_buy_id"}
"""What belongs to everybody."""


def named_in_body(mine, theirs):
    """Bodies of mine that name something of theirs, and how they are refused."""
    line = {"sku_id": theirs["sku_id"][0], "quantity": 1}
    address, item = theirs["address_id"][0], theirs["item_id"][0]
    place = {"expected_payable_fen": FIRST_ORDER_FEN}
    yield "POST /api/v1/orders/preview", {"lines": [line], "address_id": address}, 404
    yield "POST /api/v1/orders", {"lines": [line], "address_id": address, **place}, 404
    yield "POST /api/v1/orders/preview", {"cart_item_ids": [item]}, 409
    own = {"address_id": mine["address_id"][0], **place}
    yield "POST /api/v1/orders", {"cart_item_ids": [item], **own}, 409
    yield "POST /api/v1/cart/remove", {"item_ids": [mine["item_id"][0], item]}, 404
    yield "POST /api/v1/cart/select", {"item_ids": [item], "is_selected": False}, 404
    case = {"order_no": theirs["order_no"][1], "reason": "不想要了"}
    yield "POST /api/v1/after-sales", case, 404
    yield "POST /api/v1/after-sales/preview", {"order_no": theirs["order_no"][1]}, 404


@pytest.fixture
def neighbour(session, world, now):
    """Another shop's worth of things, of another member."""
    return worlds.build(session, now=now)


@pytest.fixture
def mall_of(app, wechat, database_url, session, now):
    """The mall as one member meets it."""
    opened = []

    def meet(world):
        headers = world.headers(session, "/api/v1/", now=now)
        opened.append(Mall(app, database_url, headers))
        return opened[-1]

    yield meet
    for each in opened:
        each.close()


def test_every_path_with_an_object_of_a_member_is_tried(document):
    with_objects = {
        f"{verb.upper()} {path}"
        for path, item in document["paths"].items()
        for verb, operation in item.items()
        if path.startswith("/api/v1/") and verb != "parameters" and "security" in operation
        if any(each["name"] not in SHARED for each in item.get("parameters", []))
    }
    assert with_objects == set(PATHS)


@pytest.mark.parametrize("operation", PATHS)
def test_an_object_of_another_member_is_not_there(operation, mall_of, world, neighbour, wechat):
    mine, theirs, pick = mall_of(neighbour), mall_of(world), PATHS[operation]
    sent = (operation, world.ids)
    if operation in REQUESTS:
        sent = (*sent, REQUESTS[operation].body(world.ids, wechat))
    before = mine.fingerprint()

    answer = mine.send(*sent, pick=pick)

    assert answer.status_code == 404, answer.text
    assert answer.content_type.startswith("application/problem+json")
    assert mine.fingerprint() == before
    assert theirs.send(*sent, pick=pick).status_code in {200, 204}


def test_an_object_of_another_member_in_a_body_is_not_there(mall_of, world, neighbour):
    mall = mall_of(neighbour)
    before = mall.fingerprint()

    for operation, body, status in named_in_body(neighbour.ids, world.ids):
        answer = mall.send(operation, neighbour.ids, body)
        assert answer.status_code == status, (operation, answer.text)

    assert mall.fingerprint() == before
