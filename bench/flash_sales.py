"""
`flash_sale`: a stampede's three answers, each beside the least that could give it.

(a) sold out, beside a bare Flask route; (b) admitted or refused by the gate, beside a bare route
with one EVALSHA; (c) confirmed orders, beside the same rows by raw psycopg. `flash_sale_growth`
measures (b) and (c) again among many sales and on top of many past orders.
"""

import itertools
import json
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bench import load
from bench.course import Course, compare
from bench.orders import copied
from demo.client import Client, sign_in
from demo.telling import ADDRESS

BUYERS = 16
PIECES = 900_000
FLASH_FEN = 100
SALES = 1_000
"""How many sales run beside the one that is measured, for growth."""
PAST_ORDERS = 5_000_000
TABLES = (
    "shop_order",
    "order_line",
    "stock_hold",
    "promotion_reservation",
    "idempotency_key",
    "procrastinate_jobs",
)

_JSON = {"Content-Type": "application/json"}

Buyer = tuple[str, int]
"""The header that says who they are, and their address."""


def flash_sale(course: Course) -> None:
    """All three, on a fresh sale."""
    _all_three(course, "")


def flash_sale_growth(course: Course) -> None:
    """(b) and (c) among 10 and 1,000 running sales, and on 0 and 5,000,000 past orders."""
    for count in (10, SALES):
        _have_sales(course, count)
        _all_three(course, f"_{count}_sales", with_sold_out=False)
    _age(course, PAST_ORDERS)
    _all_three(course, f"_{PAST_ORDERS}_orders", with_sold_out=False)


def _all_three(course: Course, suffix: str, *, with_sold_out: bool = True) -> None:
    buyers = [_buyer(course, number) for number in range(BUYERS)]
    sku_id = _stocked(course)
    if with_sold_out:
        _sold_out(course, buyers, sku_id, suffix)
    _refused(course, buyers, sku_id, suffix)
    _ordered(course, buyers, sku_id, suffix)


def _sold_out(course: Course, buyers: list[Buyer], sku_id: int, suffix: str) -> None:
    """(a): everything is gone, and everybody goes on asking."""
    sale_id = _sale(course, sku_id, buyers[0], total=1)
    answer = _post(course, sale_id, buyers[0], sku_id)
    assert answer.status_code == 201, answer.text
    body = json.dumps(_post(course, sale_id, buyers[1], sku_id).json())
    (course.folder / "sold_out.json").write_text(body)
    limit = load.request("POST", "/refused/sold_out", headers=_JSON, body=b"{}")
    ours = _attempts(sale_id, buyers, sku_id)
    compare(course, f"flash_sale_sold_out{suffix}", ours, load.repeat(limit), expect=409)


def _refused(course: Course, buyers: list[Buyer], sku_id: int, suffix: str) -> None:
    """(b): the gate is asked each time; whoever has had their one piece is refused by it."""
    sale_id = _sale(course, sku_id, buyers[0], total=1_000, member_max_units=1)
    for buyer in buyers:
        answer = _post(course, sale_id, buyer, sku_id)
        assert answer.status_code == 201, answer.text
    course.start_bare()
    limit = load.request("POST", "/gate", headers=_JSON, body=b'{"member": 1}')
    ours = _attempts(sale_id, buyers, sku_id)
    compare(course, f"flash_sale_gate{suffix}", ours, load.repeat(limit), expect=409)


def _ordered(course: Course, buyers: list[Buyer], sku_id: int, suffix: str) -> None:
    """(c): plenty is left, and every attempt becomes an order."""
    sale_id = _sale(course, sku_id, buyers[0], total=PIECES)
    _keep_rows(course, _post(course, sale_id, buyers[0], sku_id), sku_id, sale_id)
    course.start_bare()  # It reads the rows once, when it starts.
    body = json.dumps(_body(buyers[0], sku_id)).encode()
    limit = load.request("POST", "/rows", headers=_JSON, body=body)
    ours = _attempts(sale_id, buyers, sku_id)
    compare(course, f"flash_sale_order{suffix}", ours, load.repeat(limit), expect=201)


def _attempts(sale_id: int, buyers: list[Buyer], sku_id: int) -> load.Requests:
    """Attempts of all buyers in turn, each with a key of its own."""
    numbers, run = itertools.count(), secrets.token_hex(4)
    # Made once but for the key: the generator shares the cores with what it measures.
    made = [_one(sale_id, buyer, sku_id) for buyer in buyers]

    def requests(_: int) -> Iterator[bytes]:
        while True:
            number = next(numbers)
            before, after = made[number % len(made)]
            yield b"%s%s-%010d%s" % (before, run.encode(), number, after)

    return requests


def _one(sale_id: int, buyer: Buyer, sku_id: int) -> tuple[bytes, bytes]:
    """What comes before and after the key of a buyer's attempts."""
    headers = {**_JSON, "Authorization": buyer[0], "Idempotency-Key": "@"}
    body = json.dumps(_body(buyer, sku_id)).encode()
    before, _, after = load.request("POST", _path(sale_id), headers=headers, body=body).partition(
        b"@"
    )
    return before, after


def _path(sale_id: int) -> str:
    return f"/api/v1/flash-sales/{sale_id}/orders"


def _body(buyer: Buyer, sku_id: int) -> dict[str, Any]:
    return {"sku_id": sku_id, "address_id": buyer[1], "expected_payable_fen": FLASH_FEN}


def _post(course: Course, sale_id: int, buyer: Buyer, sku_id: int) -> Any:
    headers = {"Authorization": buyer[0], "Idempotency-Key": secrets.token_hex(12)}
    path = _path(sale_id).removeprefix("/api/v1")
    return course.public.http.post(path, headers=headers, json=_body(buyer, sku_id))


def _buyer(course: Course, number: int) -> Buyer:
    client: Client = sign_in(course.mall.url, course.sandbox, f"flash-{number}")
    return str(client.http.headers["Authorization"]), client.post("/addresses", **ADDRESS)["id"]


def _stocked(course: Course, pieces: int = 1_000_000) -> int:
    """A fresh SKU with plenty of stock, sent free of charge."""
    category = course.merchant.get("/categories")["items"][0]
    sku = {"code": secrets.token_hex(6), "spec_values": [], "price_fen": 9_900}
    spu = course.merchant.post(
        "/products",
        title="压测秒杀商品",
        images=["https://img.example.com/a.jpg"],
        category_id=category["id"],
        skus=[{**sku, "initial_stock": 0}],
    )
    course.merchant.post(f"/products/{spu['id']}/on-shelf")
    sku_id = int(spu["skus"][0]["id"])
    course.merchant.put(f"/skus/{sku_id}/stock", available=pieces, reason="压测备货")
    return sku_id


def _sale(course: Course, sku_id: int, buyer: Buyer, *, total: int, **limits: int) -> int:
    """A sale that runs, and of which every process knows."""
    sale_id = _publish(course, sku_id, total=total, **limits)
    _warm(course, sale_id, buyer)
    return sale_id


def _publish(course: Course, sku_id: int, *, total: int, **limits: int) -> int:
    now = datetime.now(UTC)
    asked: dict[str, Any] = dict(limits)
    made = course.merchant.post(
        "/promotions",
        kind="flash_sale",
        title=f"压测秒杀{secrets.token_hex(3)}",
        terms={"prices": [{"sku_id": sku_id, "price_fen": FLASH_FEN}], "pay_minutes": 60},
        stock=[{"sku_id": sku_id, "total": total}],
        starts_at=(now - timedelta(minutes=1)).isoformat(),
        ends_at=(now + timedelta(hours=12)).isoformat(),
        **asked,
    )
    course.merchant.post(f"/promotions/{made['id']}/publish")
    return int(made["id"])


def _warm(course: Course, sale_id: int, buyer: Buyer) -> None:
    """Wait until every process knows of the sale: nobody is told any more that there is none."""
    known = 0
    while known < 40:
        unknown_sku = _post(course, sale_id, buyer, 1)
        known = known + 1 if unknown_sku.json()["code"] == "sku_not_in_sale" else 0
        time.sleep(0.05)


def _have_sales(course: Course, count: int) -> None:
    """Let `count` sales run that nobody asks about."""
    for _ in range(count):
        _publish(course, _stocked(course, 10), total=1)


def _age(course: Course, count: int) -> None:
    """Put copies of the last order and all that belongs to it below today's, as if it were old."""
    with course.database() as connection:
        for statement in AGING:
            connection.execute(statement, {"count": count})
        connection.execute("ANALYZE")


AGING = (
    """
    INSERT INTO shop_order SELECT (jsonb_populate_record(o, jsonb_build_object(
        'id', -n, 'order_no', 'OPAST' || lpad(n::text, 22, '0'), 'status', 'closed',
        'closed_at', o.placed_at, 'closing_at', o.placed_at, 'close_reason', 'expired'))).*
    FROM (SELECT * FROM shop_order ORDER BY id DESC LIMIT 1) AS o, generate_series(1, %(count)s) n
    """,
    """
    INSERT INTO order_line SELECT (jsonb_populate_record(l, jsonb_build_object(
        'id', -n, 'order_id', -n))).*
    FROM (SELECT * FROM order_line ORDER BY id DESC LIMIT 1) AS l, generate_series(1, %(count)s) n
    """,
    """
    INSERT INTO promotion_reservation SELECT (jsonb_populate_record(r, jsonb_build_object(
        'id', -n, 'source', 'order:OPAST' || lpad(n::text, 22, '0'), 'status', 'released',
        'settled_at', r.reserved_at))).*
    FROM (SELECT * FROM promotion_reservation ORDER BY id DESC LIMIT 1) AS r,
        generate_series(1, %(count)s) n
    """,
)
"""Rows of the past, with ids below all others."""


def _keep_rows(course: Course, answer: Any, sku_id: int, sale_id: int) -> None:
    """Store the rows that an order made, marked where each copy needs a fresh value."""
    rows = []
    with course.database() as connection:
        for table in TABLES:
            cursor = connection.execute(f"SELECT * FROM {table} ORDER BY id DESC LIMIT 1")
            names = [column.name for column in cursor.description or ()]
            row = dict(zip(names, cursor.fetchone() or (), strict=True))
            rows.append((table, copied(table, row)))
    given = {
        "rows": rows,
        "answer": answer.json(),
        "sku_ids": [sku_id],
        "update": "UPDATE promotion_stock SET units_reserved = units_reserved + 1"
        f" WHERE promotion_id = {sale_id} AND sku_id = %s"
        " AND units_used + units_reserved < max_units",
    }
    (course.folder / "rows.json").write_text(json.dumps(given))
