"""The daily bills: when there are any, what is in them, how they are fetched, what may be wrong."""

import gzip
import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.sandbox.merchant import APPID, MCHID, Merchant, new_key

CHINA = timezone(timedelta(hours=8))


@pytest.fixture
def today(merchant):
    """Today in China as the sandbox has it, noon; tomorrow comes with `tomorrow`."""
    noon = datetime.now(CHINA).replace(hour=12, minute=0, second=0, microsecond=0)
    set_clock(merchant, noon)
    return noon


@pytest.fixture
def tomorrow(merchant, today):
    """Lets the night pass; bills of `today` can be asked for."""

    def come(hour=10, minute=30):
        set_clock(merchant, (today + timedelta(days=1)).replace(hour=hour, minute=minute))

    return come


def set_clock(merchant, moment):
    merchant.control("clock", now=moment.isoformat())
    merchant.clock_skew = round((moment - datetime.now(UTC)).total_seconds())


def ask(merchant, day, *, flow=None, gz=True, **more):
    path, name = ("fundflowbill", "account_type") if flow else ("tradebill", "bill_type")
    query = {"bill_date": f"{day:%Y-%m-%d}", name: flow or "ALL", **more}
    if gz:
        query["tar_type"] = "GZIP"
    text = "&".join(f"{key}={value}" for key, value in query.items())
    return merchant.send("GET", f"/v3/bill/{path}?{text}")


def download(merchant, address):
    target = address.removeprefix(merchant.url)
    return merchant.send("GET", target)


def bill(merchant, day, **how):
    """The rows of a bill, by name, and its summary."""
    offered = ask(merchant, day, **how).json()
    text = gzip.decompress(download(merchant, offered["download_url"]).content).decode()
    assert hashlib.sha1(text.encode()).hexdigest() == offered["hash_value"]
    assert text.startswith("\ufeff")
    assert text.endswith("\r\n")
    head, *rows, sum_head, sums = text.removeprefix("\ufeff").removesuffix("\r\n").split("\r\n")
    return [cells(head, row) for row in rows], cells(sum_head, sums)


def cells(head, line):
    values = line.split(",")
    assert all(value.startswith("`") for value in values)
    return dict(zip(head.split(","), (value[1:] for value in values), strict=True))


def plant(merchant, kind, number, **more):
    return merchant.control("bills/differences", kind=kind, number=number, **more)


class TestWhen:
    def test_a_day_without_trade_has_no_bill(self, merchant, today, tomorrow):
        tomorrow()

        for flow in (None, "BASIC", "OPERATION", "FEES"):
            answer = ask(merchant, today, flow=flow)
            assert (answer.status_code, answer.json()["code"]) == (400, "NO_STATEMENT_EXIST")

    def test_before_ten_it_is_still_being_made(self, merchant, today, tomorrow):
        merchant.paid()
        tomorrow(hour=9, minute=59)
        early = ask(merchant, today)
        tomorrow(hour=10, minute=0)

        assert early.json()["code"] == "STATEMENT_CREATING"
        assert ask(merchant, today).status_code == 200

    def test_settings_have_it_ready_at_once_or_never(self, merchant, today, tomorrow):
        merchant.paid()
        tomorrow(hour=0, minute=1)
        merchant.control("settings", bills="ready")
        assert ask(merchant, today).status_code == 200

        tomorrow(hour=23)
        merchant.control("settings", bills="creating")
        assert ask(merchant, today).json()["code"] == "STATEMENT_CREATING"

    @pytest.mark.parametrize("days", [0, 1, -93])
    def test_today_and_what_is_too_old_is_refused(self, merchant, today, days):
        answer = ask(merchant, today + timedelta(days=days))

        assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")

    @pytest.mark.parametrize(
        "query",
        ["bill_date=yesterday", "bill_date=2026-11-11&bill_type=SOME", "tar_type=ZIP"],
    )
    def test_bad_parameters_are_refused(self, merchant, query):
        answer = merchant.send("GET", f"/v3/bill/tradebill?{query}")

        assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")


class TestContent:
    def test_payments_and_refunds_are_in_the_trade_bill(self, merchant, today, tomorrow):
        number = merchant.paid(description="茶,壶\n一把")
        refund = merchant.refund(number, 1250).json()
        merchant.control("idle")
        tomorrow()

        (paid, back), sums = bill(merchant, today)

        assert len(paid) == 27
        assert (paid["商户订单号"], paid["交易状态"]) == (number, "SUCCESS")
        assert (paid["订单金额"], paid["退款金额"]) == ("99.00", "0.00")
        assert (paid["公众账号ID"], paid["商户号"], paid["特约商户号"]) == (APPID, MCHID, "0")
        assert (paid["手续费"], paid["费率"]) == ("0.59000", "0.60%")
        assert paid["商品名称"] == "茶，壶 一把"
        assert back["商户退款单号"] == refund["out_refund_no"]
        assert back["微信退款单号"] == refund["refund_id"]
        assert (back["交易状态"], back["退款状态"]) == ("REFUND", "SUCCESS")
        assert (back["订单金额"], back["申请退款金额"]) == ("0.00", "12.50")
        assert (sums["总交易单数"], sums["订单总金额"]) == ("2.0", "99.00")
        assert sums["申请退款总金额"] == "12.50"

    def test_the_types_have_columns_and_lines_of_their_own(self, merchant, today, tomorrow):
        merchant.refund(merchant.paid(), 100)
        tomorrow()

        paid, _ = bill(merchant, today, bill_type="SUCCESS")
        back, _ = bill(merchant, today, bill_type="REFUND")

        assert [len(row) for row in paid] == [20]
        assert [len(row) for row in back] == [29]

    def test_what_is_neither_paid_nor_of_that_day_is_not_there(self, merchant, today, tomorrow):
        merchant.open()
        first = merchant.paid()
        tomorrow()
        second = merchant.paid()
        set_clock(merchant, today + timedelta(days=2))

        ((line,), _), ((later,), _) = (
            bill(merchant, today), bill(merchant, today + timedelta(days=1))
        )  # fmt: skip

        assert (line["商户订单号"], later["商户订单号"]) == (first, second)

    @pytest.mark.parametrize(
        ("status", "said"), [("ABNORMAL", "CHANGE"), ("CLOSED", "FAIL"), (None, "PROCESSING")]
    )
    def test_a_refund_stands_there_as_it_was(self, merchant, today, tomorrow, status, said):
        merchant.control("settings", refund_outcome=status or "manual")
        answer = merchant.refund(merchant.paid(), 100)
        merchant.control("idle")
        tomorrow()
        (_, back), _ = bill(merchant, today)
        if status is None:
            merchant.control(f"refunds/{answer.json()['out_refund_no']}/settle")
        (_, again), _ = bill(merchant, today)

        assert back["退款状态"] == again["退款状态"] == said

    def test_the_fund_flow_has_what_moved_with_fees_and_balance(self, merchant, today, tomorrow):
        number = merchant.paid()
        merchant.refund(number, 5000)
        merchant.control("idle")
        tomorrow()

        rows, sums = bill(merchant, today, flow="BASIC")

        assert [(row["业务类型"], row["收支类型"], row["收支金额(元)"]) for row in rows] == [
            ("交易", "收入", "99.00"), ("扣除交易手续费", "支出", "0.59"),
            ("退款", "支出", "50.00"), ("扣除交易手续费", "收入", "0.30"),
        ]  # fmt: skip
        assert [row["账户结余(元)"] for row in rows] == [
            "1000099.00", "1000098.41", "1000048.41", "1000048.71"
        ]  # fmt: skip
        assert rows[0]["业务凭证号"] == number
        assert sums == {
            "资金流水总笔数": "4.0", "收入笔数": "2.0", "收入金额": "99.30", "支出笔数": "2.0",
            "支出金额": "50.59",
        }  # fmt: skip

    def test_a_transfer_leaves_the_operating_account(self, merchant, today, tomorrow):
        body = merchant.bill()
        merchant.send("POST", "/v3/fund-app/mch-transfer/transfer-bills", body)
        merchant.control(f"transfers/{body['out_bill_no']}/confirm", unchecked=True)
        merchant.control("idle")
        tomorrow()

        ((row,), _) = bill(merchant, today, flow="OPERATION")

        assert row["业务凭证号"] == body["out_bill_no"]
        assert (row["收支类型"], row["收支金额(元)"]) == ("支出", "123.45")
        assert ask(merchant, today, flow="BASIC").json()["code"] == "NO_STATEMENT_EXIST"


class TestFetching:
    def test_a_bill_can_be_had_without_gzip(self, merchant, today, tomorrow):
        merchant.paid()
        tomorrow()

        offered = ask(merchant, today, gz=False).json()
        raw = download(merchant, offered["download_url"])

        assert hashlib.sha1(raw.content).hexdigest() == offered["hash_value"]
        assert "Wechatpay-Signature" not in raw.headers

    def test_an_address_lives_five_minutes(self, merchant, today, tomorrow):
        merchant.paid()
        tomorrow()
        address = ask(merchant, today).json()["download_url"]
        merchant.control("clock", advance_seconds=299)
        assert download(merchant, address).status_code == 200

        merchant.control("clock", advance_seconds=2)

        assert download(merchant, address).json()["code"] == "INVALID_REQUEST"

    def test_an_address_is_one_merchants(self, merchant, today, tomorrow):
        merchant.paid()
        tomorrow()
        address = ask(merchant, today).json()["download_url"]
        other = Merchant(merchant.url, new_key(), mchid="1900000002", appid="wx2")
        other.register()
        other.clock_skew = merchant.clock_skew

        answer = download(other, address)
        other.close_http()

        assert (answer.status_code, answer.json()["code"]) == (403, "NO_AUTH")

    def test_an_unsigned_request_is_not_answered(self, merchant):
        assert merchant.http.get("/v3/billdownload/file?token=x").status_code == 401


class TestDifferences:
    def test_a_line_can_be_left_out(self, merchant, today, tomorrow):
        kept, dropped = merchant.paid(), merchant.paid()
        plant(merchant, "drop", dropped)
        tomorrow()

        rows, sums = bill(merchant, today)

        assert [row["商户订单号"] for row in rows] == [kept]
        assert sums["总交易单数"] == "1.0"
        assert len(bill(merchant, today, flow="BASIC")[0]) == 4

    def test_amount_and_state_can_be_wrong(self, merchant, today, tomorrow):
        number = merchant.paid()
        back = merchant.refund(number, 100).json()["out_refund_no"]
        plant(merchant, "amount", number, by=-3)
        plant(merchant, "state", back, value="FAIL")
        plant(merchant, "amount", back, bill="BASIC", by=2)
        merchant.control("idle")
        tomorrow()

        (paid, refund), _ = bill(merchant, today)
        flows, _ = bill(merchant, today, flow="BASIC")

        assert (paid["订单金额"], refund["退款状态"]) == ("98.97", "FAIL")
        assert flows[2]["收支金额(元)"] == "1.02"

    def test_a_line_can_be_late_or_double(self, merchant, today, tomorrow):
        late, twice = merchant.paid(), merchant.paid()
        plant(merchant, "late", late)
        plant(merchant, "double", twice)
        set_clock(merchant, today + timedelta(days=3))

        rows, _ = bill(merchant, today)
        ((moved,), _) = bill(merchant, today + timedelta(days=1))

        assert [row["商户订单号"] for row in rows] == [twice, twice]
        assert moved["商户订单号"] == late

    def test_a_line_can_be_invented(self, merchant, today, tomorrow):
        day = f"{today:%Y-%m-%d}"
        for number in ("Pnobody", "Rnobody", "Wnobody"):
            where = "OPERATION" if number[0] == "W" else "trade"
            plant(merchant, "extra", number, day=day, by=777, bill=where)
        tomorrow()

        (paid, back), _ = bill(merchant, today)
        ((moved,), _) = bill(merchant, today, flow="OPERATION")

        assert (paid["商户订单号"], paid["订单金额"]) == ("Pnobody", "7.77")
        assert (back["商户退款单号"], back["申请退款金额"]) == ("Rnobody", "7.77")
        assert (moved["业务凭证号"], moved["收支类型"]) == ("Wnobody", "支出")

    def test_differences_are_listed_and_taken_away(self, merchant, today, tomorrow):
        number = merchant.paid()
        one, two = plant(merchant, "drop", number), plant(merchant, "double", number)
        listed = merchant.look("bills/differences")["differences"]
        merchant.http.delete(f"/control/bills/differences/{one['id']}")
        tomorrow()

        assert listed == [one, two]
        assert len(bill(merchant, today)[0]) == 2
        merchant.http.delete("/control/bills/differences")
        assert len(bill(merchant, today)[0]) == 1

    def test_a_bill_can_be_given_word_by_word(self, merchant, today, tomorrow):
        day = f"{today:%Y-%m-%d}"
        merchant.control("bills/content", bill="FEES", day=day, text="anything")
        tomorrow()

        offered = ask(merchant, today, flow="FEES", gz=False).json()
        assert download(merchant, offered["download_url"]).text == "anything"
        assert merchant.look("bills/text", bill="FEES", day=day)["text"] == "anything"
        merchant.control("bills/content", bill="FEES", day=day, text=None)
        assert ask(merchant, today, flow="FEES").json()["code"] == "NO_STATEMENT_EXIST"

    @pytest.mark.parametrize(
        "body",
        [
            {"kind": "drop"},
            {"kind": "burn", "number": "P1"},
            {"kind": "drop", "number": "P1", "bill": "GOLD"},
            {"kind": "extra", "number": "P1"},
            {"kind": "extra", "number": "P1", "day": "someday"},
        ],
    )
    def test_nonsense_is_refused(self, merchant, body):
        assert merchant.http.post("/control/bills/differences", json=body).status_code == 422
        answer = merchant.http.post("/control/bills/content", json={"bill": "x", "day": "y"})
        assert answer.status_code == 422
