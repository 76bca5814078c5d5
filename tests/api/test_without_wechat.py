"""A mall that is not signed up with WeChat says so, wherever WeChat is needed and nowhere else."""

import pytest

from tests.api.mall import NO_BODY, Mall

NEEDS_WECHAT = {
    "POST /api/v1/sessions": {"code": "x"},
    "POST /api/v1/me/phone": {"code": "x"},
    "POST /api/v1/orders/{order_no}/pay": NO_BODY,
    "GET /api/v1/distributor/code": NO_BODY,
    "GET /api/v1/distributor/poster": NO_BODY,
    "POST /webhooks/wechat/pay": NO_BODY,
    "POST /webhooks/wechat/refund": NO_BODY,
    "POST /webhooks/wechat/payout": NO_BODY,
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

    answer = mall.send(operation, world.ids, NEEDS_WECHAT[operation], headers=headers)

    assert (answer.status_code, "微信" in answer.get_data(as_text=True)) == (503, True)
