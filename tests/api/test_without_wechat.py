"""A mall that is not signed up with WeChat says so, wherever WeChat is needed and nowhere else."""

import pytest

from tests.api.bodies import REQUESTS
from tests.api.mall import NO_BODY, Mall
from tests.builders.payments import make_set_aside

NEEDS_WECHAT = {
    "POST /api/v1/sessions": {"code": "x"},
    "POST /api/v1/me/phone": {"code": "x"},
    "POST /api/v1/orders/{order_no}/pay": NO_BODY,
    "POST /admin/v1/payments/quarantine/{fact_id}/decision": {
        "decision": "refund",
        "reason": "重复付款",
    },
    "POST /admin/v1/refunds/{out_refund_no}/rescue": {"reason": "买家换卡"},
    "POST /admin/v1/refunds/{out_refund_no}/replace": {"reason": "重新退款"},
    "POST /admin/v1/refunds/{out_refund_no}/by-hand": {
        "reason": "银行转账",
        "receipt_no": "ICBC-0002",
    },
    "POST /admin/v1/orders/{order_no}/receipt-reminder": NO_BODY,
    "GET /api/v1/distributor/code": NO_BODY,
    "GET /api/v1/distributor/poster": NO_BODY,
    "POST /webhooks/wechat/pay": NO_BODY,
    "POST /webhooks/wechat/refund": NO_BODY,
    "POST /webhooks/wechat/payout": NO_BODY,
    "GET /webhooks/wechat/push": NO_BODY,
    "POST /webhooks/wechat/push": NO_BODY,
}


@pytest.fixture
def mall(app, database_url):
    mall = Mall(app, database_url, {})
    yield mall
    mall.close()


def test_what_needs_wechat_is_what_the_document_says(document):
    assert set(NEEDS_WECHAT) == {
        f"{verb.upper()} {path}"
        for path, item in document["paths"].items()
        for verb, operation in item.items()
        if verb != "parameters" and "503" in operation["responses"]
    }


@pytest.mark.parametrize("operation", NEEDS_WECHAT)
def test_what_needs_wechat_says_that_there_is_none(operation, mall, world, session, now):
    headers = world.headers(session, operation.split()[1], now=now)

    pick = REQUESTS[operation].pick if operation in REQUESTS else 0
    fact = make_set_aside(session, now=now, transaction_id="4200000000000000000000000001")
    session.commit()
    ids = world.ids | {"fact_id": (fact.id,)}

    answer = mall.send(operation, ids, NEEDS_WECHAT[operation], pick=pick, headers=headers)

    assert (answer.status_code, "微信" in answer.get_data(as_text=True)) == (503, True)
