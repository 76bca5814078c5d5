"""`place_order`: beside a bare Flask route that writes the same rows by raw psycopg."""

import itertools
import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from bench import load
from bench.course import Course, compare
from demo.client import Client, sign_in
from demo.telling import ADDRESS

BUYERS = 16
STOCK = 1_000_000
TABLES = ("shop_order", "order_line", "stock_hold", "idempotency_key", "procrastinate_jobs")


def place_order(course: Course) -> None:
    """One-line orders of many buyers over many SKUs, none of them paid."""
    people = [_buyer(course, number) for number in range(BUYERS)]
    buyers = [(str(buyer.http.headers["Authorization"]), address) for buyer, address in people]
    skus = [(sku_id, _payable_fen(*people[0], sku_id)) for sku_id in _stocked(course)]
    _keep_rows(course, buyers[0], skus)
    course.start_bare()  # It reads the rows once, when it starts.
    numbers = itertools.count()

    def ours(_: int) -> Iterator[bytes]:
        while True:
            number = next(numbers)
            token, address_id = buyers[number % BUYERS]
            yield _request(token, address_id, skus[number % len(skus)], f"bench-{number:010d}")

    body = json.dumps(_body(buyers[0][1], skus[0])).encode()
    limit = load.request("POST", "/rows", headers={"Content-Type": "application/json"}, body=body)
    compare(course, "place_order", ours, load.repeat(limit), expect=201)


def _stocked(course: Course) -> list[int]:
    """SKUs with plenty of stock, one of each product."""
    skus = []
    for spu in course.merchant.get("/products", status="on_shelf", limit=50)["items"]:
        sku = spu["skus"][0]
        course.merchant.put(f"/skus/{sku['id']}/stock", available=STOCK, reason="压测备货")
        skus.append(sku["id"])
    return skus


def _payable_fen(buyer: Client, address_id: int, sku_id: int) -> int:
    lines = [{"sku_id": sku_id, "quantity": 1}]
    draft = buyer.post("/orders/preview", lines=lines, address_id=address_id)
    return int(draft["quote"]["payable_fen"])


def _buyer(course: Course, number: int) -> tuple[Client, int]:
    buyer = sign_in(course.mall.url, course.sandbox, f"bench-{number}")
    address = buyer.post("/addresses", **ADDRESS)
    return buyer, address["id"]


def _body(address_id: int, sku: tuple[int, int]) -> dict[str, Any]:
    return {
        "lines": [{"sku_id": sku[0], "quantity": 1}],
        "address_id": address_id,
        "expected_payable_fen": 0,
    }


def _request(token: str, address_id: int, sku: tuple[int, int], key: str) -> bytes:
    headers = {"Authorization": token, "Content-Type": "application/json", "Idempotency-Key": key}
    body = _body(address_id, sku) | {"expected_payable_fen": sku[1]}
    return load.request("POST", "/api/v1/orders", headers=headers, body=json.dumps(body).encode())


def _keep_rows(course: Course, buyer: tuple[str, int], skus: list[tuple[int, int]]) -> None:
    """Place one order and store the rows it made, marked where each copy needs a fresh value."""
    headers = {"Authorization": buyer[0], "Idempotency-Key": "bench-model-order"}
    body = _body(buyer[1], skus[0]) | {"expected_payable_fen": skus[0][1]}
    answer = course.public.http.post("/orders", headers=headers, json=body)
    answer.raise_for_status()
    rows = []
    with course.database() as connection:
        for table in TABLES:
            cursor = connection.execute(f"SELECT * FROM {table} ORDER BY id DESC LIMIT 1")
            names = [column.name for column in cursor.description or ()]
            row = dict(zip(names, cursor.fetchone() or (), strict=True))
            rows.append((table, copied(table, row)))
    given = {"rows": rows, "answer": answer.json(), "sku_ids": [sku_id for sku_id, _ in skus]}
    (course.folder / "rows.json").write_text(json.dumps(given))


def copied(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """A row as the bare route writes it again, marked where each copy needs a fresh value."""
    del row["id"]
    copied: dict[str, Any] = {}
    for name, value in row.items():
        if name in {"order_no", "source", "key"}:
            copied[name] = {"fresh": ""}
        elif name == "order_id":
            copied[name] = {"order_id": ""}
        elif isinstance(value, bytes):
            copied[name] = {"bytes": value.hex()}
        elif isinstance(value, dict) or (isinstance(value, list) and table != "order_line"):
            copied[name] = {"json": value}
        elif isinstance(value, date):
            copied[name] = value.isoformat()
        else:
            copied[name] = value
    return copied
