"""Keys that change while the shop is open: both are taken for a while, and nothing stands still."""

import dataclasses

import pytest

from app.payments import calls
from app.wechat import extension
from app.wechat.errors import WeChatRefused
from tests.app.payments.test_sandbox import hear, open_and_pay
from tests.app.wechat import platform as world

NEW_KEY = "f" * 32
NEW_SERIAL = "A" * 40
OLD = {
    "appid": world.APPID,
    "app_secret": "s" * 32,
    "mchid": world.MCHID,
    "merchant_serial": world.SERIAL,
    "apiv3_key": world.APIV3_KEY,
}


@pytest.fixture
def deploy(mall, app, sandbox):
    """Restart the mall with other settings."""

    def restart(**changes):
        settings = dataclasses.replace(sandbox.settings(), **changes)
        app.extensions["wechat"] = extension.build(settings)
        return mall

    return restart


@pytest.fixture
def console(sandbox):
    """What the merchant does in WeChat's console."""

    def change(**changes):
        sandbox.control(
            "merchants", **{**OLD, "merchant_public_key": world.public_pem(0)} | changes
        )

    return change


def told(mall, sandbox):
    order, number = open_and_pay(mall, sandbox)
    (notification,) = sandbox.notifications(number)
    return order, sandbox.take(notification)


def test_the_apiv3_key_changes_and_no_notification_is_lost(mall, sandbox, deploy, console):
    """Both keys here, then the console's, then only the new one; WeChat repeats what it sealed."""
    deploy(other_apiv3_key=NEW_KEY)
    before, sealed_with_old = told(mall, sandbox)
    console(apiv3_key=NEW_KEY)
    after, sealed_with_new = told(mall, sandbox)

    assert hear(mall, sealed_with_new) == 204
    deploy(apiv3_key=NEW_KEY, other_apiv3_key=world.APIV3_KEY)
    assert hear(mall, sealed_with_old) == 204
    mall.run_jobs()

    assert [mall.look(order).status for order in (before, after)] == ["paid", "paid"]
    deploy(apiv3_key=NEW_KEY)
    assert hear(mall, sealed_with_new) == 204
    assert hear(mall, sealed_with_old) == 401
    assert mall.breaches() == []


def test_the_merchants_certificate_changes_and_no_call_fails(mall, sandbox, deploy, console):
    deploy()
    first = mall.order()
    calls.prepay(order_no=first.order_no, buyer_id=first.buyer_id)
    new = {"merchant_serial": NEW_SERIAL, "merchant_public_key": world.public_pem(3)}
    mine = {"merchant_serial": NEW_SERIAL, "merchant_private_key": world.private_pem(3)}

    console(**new, keep_certificates=True)
    open_and_pay(mall, sandbox)  # With the old one, which is not revoked yet.
    deploy(**mine)
    open_and_pay(mall, sandbox)
    console(**new)  # The old one is revoked.
    order, number = open_and_pay(mall, sandbox)
    calls.ask(number)

    assert mall.look(order).status == "paid"
    deploy()
    with pytest.raises(WeChatRefused):
        calls.ask(number)


def test_two_public_keys_are_taken_side_by_side(mall, sandbox, deploy):
    platform = sandbox.look("platform")
    deploy(
        public_key_id="PUB_KEY_ID_NEW",
        public_key=world.public_pem(3),
        other_public_key_id=platform["public_key_id"],
        other_public_key=platform["public_key"],
    )

    order, taken = told(mall, sandbox)

    assert hear(mall, taken) == 204
    mall.run_jobs()
    assert mall.look(order).status == "paid"


def test_a_new_platform_certificate_is_fetched_when_it_appears(mall, sandbox, deploy):
    sandbox.control("settings", signing="certificate")
    deploy(public_key_id=None, public_key=None)
    first, one = told(mall, sandbox)
    mall.wait(minutes=1)
    sandbox.control("certificates/rotate")
    second, other = told(mall, sandbox)

    assert [hear(mall, one), hear(mall, other)] == [204, 204]
    mall.run_jobs()

    assert [mall.look(order).status for order in (first, second)] == ["paid", "paid"]


def test_a_merchant_moves_from_certificates_to_the_public_key(mall, sandbox, deploy):
    deploy()
    orders = []
    for signing in ("certificate", "mixed", "public_key"):
        sandbox.control("settings", signing=signing)
        order, taken = told(mall, sandbox)
        assert hear(mall, taken) == 204
        orders.append(order)
    mall.run_jobs()

    assert {mall.look(order).status for order in orders} == {"paid"}
