"""`quote`: a cart of several lines previewed, beside the same bytes from a bare Flask route."""

import json

from bench import load
from bench.course import Course, compare
from demo.client import sign_in
from demo.telling import ADDRESS

LINES = 5


def quote(course: Course) -> None:
    """A cart priced under the shop's campaigns, with freight; nothing is kept between answers."""
    buyer = sign_in(course.mall.url, course.sandbox, "bench-quote")
    address = buyer.post("/addresses", **ADDRESS)["id"]
    listed = course.public.get("/products", limit=LINES)["items"]
    skus = [course.public.get(f"/products/{spu['id']}")["skus"][0] for spu in listed]
    wanted = {
        "lines": [{"sku_id": sku["id"], "quantity": 2} for sku in skus],
        "address_id": address,
    }
    answer = buyer.http.post("/orders/preview", json=wanted)
    answer.raise_for_status()
    (course.folder / "quote.json").write_bytes(answer.content)
    body = json.dumps(wanted).encode()
    headers = {
        "Content-Type": "application/json",
        "Authorization": str(buyer.http.headers["Authorization"]),
    }
    compare(
        course,
        "quote",
        load.repeat(load.request("POST", "/api/v1/orders/preview", headers=headers, body=body)),
        load.repeat(load.request("POST", "/same/quote", headers=headers, body=body)),
    )
