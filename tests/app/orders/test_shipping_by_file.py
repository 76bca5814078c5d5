"""A file of parcels: each row is told what became of it, and a file may be sent again."""

import csv
import io
import time

import pytest

from app.core.auth import Audience
from app.orders import queries
from app.orders.models import OrderStatus
from tests.builders.catalogue import make_sku
from tests.builders.members import make_member
from tests.builders.orders import begin_return, make_order

PATH = "/admin/v1/shipments/batches"
HEAD = "订单号,快递公司,快递单号,行号,件数\r\n"


@pytest.fixture
def paid(session, now):
    """Make a paid order of two pieces of one SKU and one of another."""

    def make():
        quantities = {make_sku(session).id: 2, make_sku(session).id: 1}
        order = make_order(session, now=now, quantities=quantities, status=OrderStatus.PAID)
        session.commit()
        return order

    return make


@pytest.fixture
def send(client, as_staff):
    def post(*rows, head=HEAD):
        body = {"content": head + "\r\n".join(",".join(map(str, row)) for row in rows)}
        return client.post(PATH, json=body, headers=as_staff)

    return post


def statuses(session, *orders):
    return [queries.get(session, order_no=order.order_no).status for order in orders]


def test_each_parcel_succeeds_or_fails_by_itself(session, send, paid, now):
    good, refunding, named = paid(), paid(), paid()
    begin_return(session, refunding, {refunding.lines[0].id: 1}, source="test:1", now=now)
    session.commit()

    answer = send(
        (good.order_no, "SF", "SF0001", "", ""),
        ("O1", "SF", "SF0002", "", ""),
        (refunding.order_no, "zto", "ZT0003", "", ""),
        (named.order_no, "中通快递", "ZT0004", "", ""),
        (named.order_no, "马车", "MC0005", "", ""),
        (named.order_no, "SF", "单号", "", ""),
        (good.order_no, "SF", "SF0007", "", ""),
    )

    assert answer.status_code == 200
    assert [(row["row"], row["outcome"], row["code"]) for row in answer.json["rows"]] == [
        (2, "shipped", None),
        (3, "refused", "order_not_found"),
        (4, "refused", "refund_in_progress"),
        (5, "shipped", None),
        (6, "refused", "unknown_company"),
        (7, "refused", "bad_tracking_no"),
        (8, "refused", "order_state_forbids"),
    ]
    assert all(row["message"] for row in answer.json["rows"] if row["code"])
    assert (answer.json["shipped"], answer.json["refused"]) == (2, 5)
    assert statuses(session, good, refunding, named) == ["shipped", "paid", "shipped"]
    (parcel,) = queries.get(session, order_no=named.order_no).shipments
    assert (parcel.company_code, parcel.company_name) == ("ZTO", "中通快递")


def test_the_same_file_again_changes_nothing(session, send, paid):
    order = paid()
    rows = [(order.order_no, "SF", "SF0001", "1", "1"), (order.order_no, "SF", "SF0002", "1", "1")]

    first, again = send(*rows), send(*rows)

    assert (first.json["shipped"], again.json["shipped"], again.json["repeated"]) == (2, 0, 2)
    fresh = queries.get(session, order_no=order.order_no)
    assert [line.waiting_quantity for line in fresh.lines] == [0, 1]
    assert len(fresh.shipments) == 2


def test_rows_of_one_number_are_one_parcel_that_leaves_whole_or_not(session, send, paid):
    order, other = paid(), paid()

    answer = send(
        (order.order_no, "SF", "SF0001", "1", "2"),
        (other.order_no, "SF", "SF0002", "1", "1"),
        (order.order_no, "SF", "SF0001", "2", "1"),
        (other.order_no, "SF", "SF0002", "2", "9"),
        (other.order_no, "SF", "SF0003", "7", "1"),
    )

    assert [(row["outcome"], row["code"]) for row in answer.json["rows"]] == [
        ("shipped", None),
        ("refused", "shipment_exceeds_line"),
        ("shipped", None),
        ("refused", "shipment_exceeds_line"),
        ("refused", "shipment_exceeds_line"),
    ]
    assert statuses(session, order, other) == ["shipped", "paid"]
    assert len(queries.get(session, order_no=order.order_no).shipments) == 1


@pytest.mark.parametrize(
    "pieces", [("1", ""), ("", "1"), ("1", "0"), ("一", "1"), ("1", "-1"), ("123456", "1")]
)
def test_pieces_that_are_unclear_are_refused(session, send, paid, pieces):
    order = paid()

    answer = send((order.order_no, "SF", "SF0001", *pieces))

    assert [row["code"] for row in answer.json["rows"]] == ["bad_pieces"]
    assert statuses(session, order) == ["paid"]


def test_a_line_named_twice_in_a_parcel_is_refused(send, paid):
    order = paid()

    answer = send(*[(order.order_no, "SF", "SF0001", "1", "1")] * 2)

    assert [row["code"] for row in answer.json["rows"]] == ["bad_pieces"] * 2


def test_the_report_is_the_file_with_what_became_of_it(send, paid):
    order = paid()

    answer = send((order.order_no, "SF", "SF0001"), ("=1+1", "SF", "SF0002"), head="\ufeff" + HEAD)

    head, *rows = csv.reader(io.StringIO(answer.json["report"].removeprefix("\ufeff")))
    assert head == ["行", "订单号", "快递公司", "快递单号", "行号", "件数", "结果", "原因"]
    assert rows == [
        ["2", order.order_no, "SF", "SF0001", "", "", "已发货", ""],
        ["3", "'=1+1", "SF", "SF0002", "", "", "未发货", "订单不存在"],
    ]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("订单号,快递单号\nO1,SF0001", "缺少列：快递公司"),
        (HEAD, "文件没有数据行"),
        (HEAD + ",,,,\n", "文件没有数据行"),
        (HEAD + "O1,SF,SF0001\n" * 1001, "一次最多 1000 行"),
        (HEAD + '"O1', "不是有效的 CSV 文件"),
    ],
)
def test_what_is_no_such_file_is_refused_whole(client, as_staff, content, why):
    answer = client.post(PATH, json={"content": content}, headers=as_staff)

    assert (answer.status_code, answer.json["code"]) == (422, "bad_file")
    assert answer.json["reason"] == why


@pytest.mark.parametrize(
    "body",
    [{}, {"content": ""}, {"content": 1}, {"content": "长" * 80_001}, {"content": "x", "y": 1}],
)
def test_bad_bodies_are_refused(client, as_staff, body):
    answer = client.post(PATH, json=body, headers=as_staff)

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")


def test_only_staff_ship_by_file(client, token_for, session):
    member = make_member(session)
    session.commit()

    for headers in ({}, token_for(Audience.SHOPPER, member.id)):
        assert client.post(PATH, json={"content": "x"}, headers=headers).status_code == 401


@pytest.mark.soak
def test_a_thousand_rows_take_seconds(session, send, now):
    sku, buyer = make_sku(session, available=1000), make_member(session)
    orders = [
        make_order(session, now=now, buyer=buyer, sku=sku, status=OrderStatus.PAID)
        for _ in range(1000)
    ]
    session.commit()

    began = time.monotonic()
    answer = send(*((order.order_no, "SF", f"SF{n:06}") for n, order in enumerate(orders)))

    assert answer.json["shipped"] == 1000
    assert time.monotonic() - began < 30
