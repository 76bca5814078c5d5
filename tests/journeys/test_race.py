"""Two hundred buyers, fifty units, four server processes: exactly fifty orders."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from demo.client import Client, Refused, Sandbox, sign_in, staff
from demo.telling import ADDRESS
from tests.journeys.accounts import credentials

pytestmark = [pytest.mark.slow, pytest.mark.race]

BUYERS, UNITS, AT_ONCE = 200, 50, 40


def test_two_hundred_buyers_race_for_fifty_units(mall):
    merchant = staff(mall.url, **credentials(mall))
    sku = _scarce_sku(merchant)
    sandbox = Sandbox(mall.sandbox_url)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        buyers = list(pool.map(lambda number: _ready(mall.url, sandbox, number), range(BUYERS)))
        start = Barrier(AT_ONCE)

        def buy(buyer: tuple[Client, int]) -> str:
            start.wait()
            return _place(*buyer, sku["id"], sku["price_fen"])

        answers = Counter(pool.map(buy, buyers))

    assert answers == {"placed": UNITS, "out_of_stock": BUYERS - UNITS}
    left = _sku(merchant, sku["spu_id"])
    assert (left["available"], left["held"]) == (0, UNITS)
    assert "every balance proves itself" in mall.flask("verify")


def _scarce_sku(merchant: Client) -> dict[str, int]:
    category = merchant.get("/categories")["items"][0]
    spu = merchant.post(
        "/products",
        title="限量手工皂",
        images=["https://img.example.com/soap.jpg"],
        category_id=category["id"],
        skus=[{"code": "RACE-1", "spec_values": [], "price_fen": 1990, "initial_stock": UNITS}],
    )
    merchant.post(f"/products/{spu['id']}/on-shelf")
    return {"spu_id": spu["id"], "id": spu["skus"][0]["id"], "price_fen": 1990}


def _ready(mall_url: str, sandbox: Sandbox, number: int) -> tuple[Client, int]:
    buyer = sign_in(mall_url, sandbox, f"racer-{number}")
    return buyer, buyer.post("/addresses", **ADDRESS)["id"]


def _place(buyer: Client, address_id: int, sku_id: int, price_fen: int) -> str:
    try:
        buyer.post(
            "/orders",
            lines=[{"sku_id": sku_id, "quantity": 1}],
            address_id=address_id,
            expected_payable_fen=price_fen,
        )
    except Refused as refused:
        return refused.code
    return "placed"


def _sku(merchant: Client, spu_id: int) -> dict[str, int]:
    skus: list[dict[str, int]] = merchant.get(f"/products/{spu_id}")["skus"]
    return skus[0]
