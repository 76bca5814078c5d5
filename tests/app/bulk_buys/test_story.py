"""A bulk buy from draft to the last fen, over HTTP, with a WeChat that moves the money."""

import secrets
from datetime import timedelta

import pytest

from app.bulk_buys import jobs
from app.core.auth import Audience
from tests.builders.bulk_buys import bulk_terms
from tests.builders.catalogue import make_sku
from tests.builders.members import ADDRESS
from tests.builders.staff import make_staff

pytestmark = pytest.mark.slow


class Shop:
    """What staff and buyers do."""

    def __init__(self, client, session, token_for, wechat, run_jobs):
        self.client, self.session = client, session
        self.wechat, self.run_jobs = wechat, run_jobs
        self.staff = token_for(Audience.STAFF, self._committed(make_staff(session)).id)

    def _committed(self, row):
        self.session.commit()
        return row

    def launch(self, now, *, falls_at=None, to_fen=0, stock=None, **terms):
        """Staff write a bulk buy down and publish it; its id and its SKU."""
        sku = self._committed(make_sku(self.session, price_fen=12_000, available=100))
        window = {
            "starts_at": (now - timedelta(minutes=1)).isoformat(),
            "ends_at": (now + timedelta(days=1)).isoformat(),
        }
        tiers = [(falls_at, {sku.id: to_fen})] if falls_at else []
        body = {
            "kind": "bulk_buy",
            "title": "团购",
            "terms": bulk_terms({sku.id: 9_900}, tiers, **terms),
            "stock": [{"sku_id": sku.id, "total": stock}] if stock else [],
            **window,
        }
        made = self.client.post("/admin/v1/promotions", json=body, headers=self.staff)
        assert made.status_code == 201, made.json
        self.promote(made.json["id"], "publish")
        return made.json["id"], sku.id

    def promote(self, promotion_id, step):
        answer = self.client.post(f"/admin/v1/promotions/{promotion_id}/{step}", headers=self.staff)
        assert answer.status_code == 200, answer.json

    def buy(self, promotion_id, sku_id, quantity):
        """A new buyer orders and pays; their headers and the number of the order."""
        code = {"code": self.wechat.login_code()}
        signed_in = self.client.post("/api/v1/sessions", json=code).json
        headers = {"Authorization": f"Bearer {signed_in['token']}"}
        address = self.client.post("/api/v1/addresses", json=ADDRESS, headers=headers).json
        body = {
            "lines": [{"sku_id": sku_id, "quantity": quantity}],
            "address_id": address["id"],
        }
        path = f"/api/v1/bulk-buys/{promotion_id}/orders"
        quote = self.client.post(f"{path}/preview", json=body, headers=headers).json["quote"]
        made = self.client.post(
            path,
            json={**body, "expected_payable_fen": quote["payable_fen"]},
            headers={**headers, "Idempotency-Key": secrets.token_hex(8)},
        )
        assert made.status_code == 201, made.json
        order_no = made.json["order_no"]
        wanted = self.client.post(f"/api/v1/orders/{order_no}/pay", headers=headers).json
        self.wechat.control("POST", "pay", **wanted)
        self.wechat.deliver(self.client)
        self.run_jobs()
        return headers, order_no

    def finish(self, promotion_id):
        """Staff end it; the jobs close it, settle every order, and the money goes back."""
        self.promote(promotion_id, "end")
        jobs.close_over()
        self.run_jobs()
        self.wechat.control("POST", "idle")
        self.wechat.deliver(self.client)
        self.run_jobs()

    def outcome(self, headers, order_no):
        order = self.client.get(f"/api/v1/orders/{order_no}", headers=headers).json
        told = self.client.get(f"/api/v1/orders/{order_no}/bulk-buy", headers=headers).json
        return order["status"], order["refunded_fen"], told["message"]


@pytest.fixture
def shop(client, session, token_for, wechat, run_jobs):
    return Shop(client, session, token_for, wechat, run_jobs)


def test_everybody_gets_the_difference_of_the_price_reached(shop, now):
    promotion_id, sku_id = shop.launch(now, falls_at=4, to_fen=8_900)
    first, second = (shop.buy(promotion_id, sku_id, quantity) for quantity in (3, 2))

    shop.finish(promotion_id)

    assert shop.outcome(*first) == ("paid", 3_000, "团购达到更低价格，差价 30 元已原路退回")
    assert shop.outcome(*second) == ("paid", 2_000, "团购达到更低价格，差价 20 元已原路退回")


def test_too_few_pieces_bring_everybody_everything_back(shop, now):
    promotion_id, sku_id = shop.launch(now, min_pieces=4, stock=10)
    buyer = shop.buy(promotion_id, sku_id, 3)

    shop.finish(promotion_id)

    status, refunded_fen, message = shop.outcome(*buyer)
    assert status == "refunded"
    assert refunded_fen >= 3 * 9_900
    assert message.startswith("团购未达到起订件数")
    assert message.endswith("已原路退回")
