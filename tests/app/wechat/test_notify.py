"""What a notification must prove before a byte of it is believed; nothing in it can crash us."""

import base64
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wechat import notify
from app.wechat.notify import Notification, NotificationReader
from tests.app.wechat import platform as world
from tests.app.wechat.platform import NOW, Platform

FACT = {"out_trade_no": "P01", "trade_state": "SUCCESS", "amount": {"total": 1}}


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
def reader(platform: Platform) -> NotificationReader:
    return world.reader(platform)


def test_a_genuine_notification_is_opened(platform, reader):
    headers, raw = platform.notification(FACT, id="EV-9")

    opened = reader.verify_and_open(headers, raw, NOW)

    assert opened == Notification("EV-9", "TRANSACTION.SUCCESS", "transaction", FACT)


def test_the_names_of_headers_compare_without_case(platform, reader):
    headers, raw = platform.notification(FACT)
    lower = {name.lower(): value for name, value in headers.items()}

    assert reader.verify_and_open(lower, raw, NOW).resource == FACT


@pytest.mark.parametrize("seconds", [-300, 300])
def test_five_minutes_of_difference_are_tolerated(platform, reader, seconds):
    headers, raw = platform.notification(FACT)

    assert reader.verify_and_open(headers, raw, NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-301, 301, 86400])
def test_a_genuine_but_old_notification_is_refused(platform, reader, seconds):
    headers, raw = platform.notification(FACT)

    with pytest.raises(notify.StaleNotification):
        reader.verify_and_open(headers, raw, NOW + timedelta(seconds=seconds))


def test_a_changed_byte_is_refused(platform, reader):
    headers, raw = platform.notification(FACT)

    with pytest.raises(notify.ForgedNotification):
        reader.verify_and_open(headers, raw.replace(b"EV-1", b"EV-2"), NOW)


def test_a_signature_of_a_stranger_is_refused(platform, reader):
    platform.signs_with = (3, world.PUBLIC_KEY_ID)

    with pytest.raises(notify.ForgedNotification):
        reader.verify_and_open(*platform.notification(FACT), NOW)


def test_the_right_key_under_a_wrong_serial_is_refused(platform, reader):
    platform.signs_with = (1, "PUB_KEY_ID_0000000000000000000000000000000")

    with pytest.raises(notify.UnknownSigner):
        reader.verify_and_open(*platform.notification(FACT), NOW)


def test_the_probe_of_wechat_pay_fails_and_says_so(platform, reader):
    headers, raw = platform.notification(FACT)
    headers["Wechatpay-Signature"] = "WECHATPAY/SIGNTEST/" + headers["Wechatpay-Signature"]

    with pytest.raises(notify.SignatureProbe) as refusal:
        reader.verify_and_open(headers, raw, NOW)

    assert refusal.value.reason == "probe"


def test_the_old_xml_form_is_refused_without_a_crash(reader):
    raw = b"<xml><return_code>SUCCESS</return_code><req_info>abc</req_info></xml>"

    with pytest.raises(notify.UnsignedNotification):
        reader.verify_and_open({"Content-Type": "text/xml"}, raw, NOW)


def test_a_platform_certificate_signs_too(platform):
    platform.certificates = [world.certificate()]
    platform.signs_with = (2, "ABCDEF0123")
    reader = world.reader(platform, public_key=False)

    assert reader.verify_and_open(*platform.notification(FACT), NOW).resource == FACT


def test_a_changed_apiv3_key_opens_old_and_new_messages(platform):
    keys = world.transport(platform).keys
    reader = NotificationReader(keys, [b"f" * 32, world.APIV3_KEY.encode()])

    assert reader.verify_and_open(*platform.notification(FACT), NOW).resource == FACT


def test_without_the_right_apiv3_key_it_is_unreadable(platform):
    keys = world.transport(platform).keys

    for apiv3_keys in ([], [b"f" * 32]):
        with pytest.raises(notify.UnreadableNotification):
            NotificationReader(keys, apiv3_keys).verify_and_open(*platform.notification(FACT), NOW)


def test_a_body_of_a_megabyte_is_refused_unread(reader):
    with pytest.raises(notify.UnreadableNotification):
        reader.verify_and_open({}, b"x" * 1_000_000, NOW)


def signed(platform: Platform, body: bytes) -> tuple[dict[str, str], bytes]:
    return platform.headers(body), body


def envelope_with(**resource: object) -> bytes:
    whole = {"id": "EV", "event_type": "T", "resource": resource}
    return json.dumps(whole).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"<xml/>",
        b"[" * 60_000,
        b'{"resource": []}',
        b'{"resource": {"nonce": 1, "ciphertext": "x"}}',
        envelope_with(nonce="", ciphertext="AAAA"),
        envelope_with(nonce="n" * 12, ciphertext="not base64!"),
        envelope_with(nonce="n" * 12, ciphertext="AAAA", associated_data=5),
        envelope_with(nonce="n" * 200, ciphertext="AAAA"),
        envelope_with(**world.seal(b"not json", associated_data="")),
        envelope_with(**world.seal(b"[1]", associated_data="")),
        envelope_with(**world.seal(b"{}", associated_data="")),
        envelope_with(**world.seal(b"{}", associated_data=""), original_type="a\u0000b"),
        envelope_with(**world.seal(b"{}", associated_data=""), original_type="x" * 65),
    ],
)
def test_a_signed_body_in_another_form_is_refused_without_a_crash(platform, reader, body):
    with pytest.raises(notify.UnreadableNotification):
        reader.verify_and_open(*signed(platform, body), NOW)


NAMES = ["Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Serial", "Wechatpay-Signature"]


@given(
    headers=st.dictionaries(st.sampled_from(NAMES), st.text(max_size=80)),
    raw=st.binary(max_size=300),
    is_fresh=st.booleans(),
    is_known=st.booleans(),
)
def test_no_garbage_is_ever_anything_but_refused(headers, raw, is_fresh, is_known):
    reader = world.reader(Platform())
    if is_fresh:
        headers["Wechatpay-Timestamp"] = str(int(NOW.timestamp()))
    if is_known:
        headers["Wechatpay-Serial"] = world.PUBLIC_KEY_ID

    with pytest.raises(notify.NotificationRejected):
        reader.verify_and_open(headers, raw, NOW)


@given(
    name=st.sampled_from(NAMES),
    place=st.floats(0, 1, exclude_max=True),
    # As WSGI hands headers over: one character for each byte.
    new=st.characters(max_codepoint=255),
)
def test_no_single_change_of_a_header_is_accepted(name, place, new):
    platform = Platform()
    headers, raw = platform.notification(FACT)
    old = headers[name]
    index = int(place * len(old))
    changed = old[:index] + new + old[index + 1 :]

    try:
        world.reader(platform).verify_and_open({**headers, name: changed}, raw, NOW)
    except notify.NotificationRejected:
        return
    # Base64 has a few spellings of one value: the only change that may pass is none at all.
    assert name == "Wechatpay-Signature" or changed == old
    assert base64.b64decode(headers["Wechatpay-Signature"])
