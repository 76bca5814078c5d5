"""Fetching bills from the sandbox: addresses, hashes, and files that are not what they say."""

import gzip
import hashlib
import io
from datetime import UTC, datetime, timedelta

import pytest

from app import wechat as ours
from app.core import clock
from app.wechat import billing
from app.wechat.billing import BillKind, BillNotReady
from app.wechat.errors import ResultUnknown, UntrustedAnswer, WeChatRefused

TEXT = "\ufeff记账时间\r\n`2026-11-11 00:00:00\r\n资金流水总笔数\r\n`1.0\r\n"


@pytest.fixture
def day(wechat, monkeypatch):
    """Yesterday in China, seen from eleven in the morning."""
    today = datetime.now(clock.CHINA).replace(hour=11)
    monkeypatch.setattr(clock, "now", lambda: today.astimezone(UTC))
    wechat.control("POST", "clock", now=today.isoformat())
    return today.date() - timedelta(days=1)


@pytest.fixture
def bills(app, day):
    with app.app_context():
        yield ours.clients().bills


def write(wechat, day, text=TEXT, bill="BASIC"):
    wechat.control("POST", "bills/content", bill=bill, day=day.isoformat(), text=text)


def test_a_bill_comes_unpacked_with_its_hash(bills, wechat, day):
    write(wechat, day)
    file = io.BytesIO()

    sha1 = bills.fetch(BillKind.BASIC, day, file)

    assert file.getvalue() == TEXT.encode()
    assert sha1 == hashlib.sha1(TEXT.encode()).hexdigest()


@pytest.mark.parametrize("kind", list(BillKind))
def test_a_day_without_trade_has_none(bills, day, kind):
    assert bills.fetch(kind, day, io.BytesIO()) is None


def test_a_bill_that_is_being_made_is_not_ready(bills, wechat, day):
    wechat.control("POST", "settings", bills="creating")

    with pytest.raises(BillNotReady):
        bills.fetch(BillKind.TRADE, day, io.BytesIO())


def test_what_wechat_refuses_is_said(bills, day):
    with pytest.raises(WeChatRefused, match="INVALID_REQUEST"):
        bills.fetch(BillKind.TRADE, day + timedelta(days=1), io.BytesIO())


@pytest.mark.parametrize(
    ("on", "kind", "args"),
    [
        ("fund_flow_bill", "content", {"set": {"hash_value": "0" * 40}}),
        ("fund_flow_bill", "content", {"set": {"hash_value": 7}}),
        ("fund_flow_bill", "content", {"set": {"download_url": None}}),
        ("fund_flow_bill", "bad_signature", {}),
        ("bill_file", "malformed_json", {}),
    ],
)
def test_a_bill_that_cannot_be_trusted_is_not_used(bills, wechat, day, on, kind, args):
    write(wechat, day)
    wechat.fault(on, kind, args=args)

    with pytest.raises(UntrustedAnswer):
        bills.fetch(BillKind.BASIC, day, io.BytesIO())


@pytest.mark.parametrize("kind", ["cut", "lost", "500", "429"])
def test_a_broken_connection_is_tried_again_later(bills, wechat, day, kind):
    write(wechat, day)
    wechat.fault("bill_file", kind)

    with pytest.raises(ResultUnknown):
        bills.fetch(BillKind.BASIC, day, io.BytesIO())
    assert bills.fetch(BillKind.BASIC, day, io.BytesIO()) is not None


def test_an_old_address_is_not_the_end(bills, wechat, day):
    write(wechat, day)
    wechat.fault("bill_file", "error", args={"status": 400, "code": "INVALID_REQUEST"})

    with pytest.raises(ResultUnknown):
        bills.fetch(BillKind.BASIC, day, io.BytesIO())


def test_another_merchants_address_is_refused(bills, wechat, day):
    write(wechat, day)
    wechat.fault("bill_file", "error", args={"status": 403, "code": "NO_AUTH"})

    with pytest.raises(WeChatRefused, match="NO_AUTH"):
        bills.fetch(BillKind.BASIC, day, io.BytesIO())


class Files:
    """A transport that offers one file."""

    def __init__(self, content, sha1, *, chunk=7):
        self.content, self.sha1, self.chunk = content, sha1, chunk
        self.asked = []

    def get(self, target):
        self.asked.append(target)
        url = "https://elsewhere.example/v3/billdownload/file?token=a%2Fb&tartype=gzip"
        return type("Answer", (), {"data": {"download_url": url, "hash_value": self.sha1}})

    def stream(self, target):
        self.asked.append(target)
        for at in range(0, len(self.content), self.chunk):
            yield self.content[at : at + self.chunk]


def fetch(content, sha1):
    file = io.BytesIO()
    files = Files(content, sha1)
    client = billing.BillClient(files, appid="wx1", mchid="19")
    client.fetch(BillKind.OPERATION, datetime(2026, 11, 11, tzinfo=UTC).date(), file)
    return file.getvalue(), files.asked


@pytest.mark.parametrize("is_of_the_text", [True, False])
def test_the_hash_may_be_of_the_text_or_of_the_file(is_of_the_text):
    packed = gzip.compress(b"a bill" * 1000, mtime=0)
    hashed = b"a bill" * 1000 if is_of_the_text else packed

    text, asked = fetch(packed, hashlib.sha1(hashed).hexdigest().upper())

    assert text == b"a bill" * 1000
    assert asked == [
        "/v3/bill/fundflowbill?bill_date=2026-11-11&account_type=OPERATION&tar_type=GZIP",
        "/v3/billdownload/file?token=a%2Fb&tartype=gzip",
    ]


def test_a_bill_may_come_unpacked():
    assert fetch(b"a bill", hashlib.sha1(b"a bill").hexdigest())[0] == b"a bill"


@pytest.mark.parametrize(
    "content", [b"", gzip.compress(b"a bill", mtime=0)[:-4], b"\x1f\x8bno gzip"]
)
def test_a_damaged_file_is_no_bill(content):
    with pytest.raises(UntrustedAnswer):
        fetch(content, hashlib.sha1(content).hexdigest())


def test_a_bill_without_end_is_no_bill(monkeypatch):
    monkeypatch.setattr(billing, "MOST_BYTES", 2**20)
    packed = gzip.compress(bytes(2**22))

    with pytest.raises(UntrustedAnswer, match="without end"):
        fetch(packed, hashlib.sha1(packed).hexdigest())
