"""Which days are compared when, and how a line is known by WeChat's number alone."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, text

from app.core import clock
from app.reconciliation import jobs, schedule
from app.reconciliation.models import BillLine
from tests.app.reconciliation.writing import yuan

FLOW_HEAD = "记账时间,微信支付业务单号,业务名称,业务类型,收支类型,收支金额(元),业务凭证号"


def at(hour, minute, day=2):
    return datetime(2026, 11, day, hour, minute, tzinfo=clock.CHINA)


@pytest.mark.parametrize(
    ("moment", "day"),
    [(at(10, 30), 1), (at(23, 59), 1), (at(10, 29), 31), (at(0, 0), 31)],
)
def test_a_days_bills_are_due_at_half_past_ten_of_the_next(moment, day):
    assert schedule.last_day(moment.astimezone(UTC)).day == day


def test_bills_are_there_for_ninety_days():
    now = at(12, 0).astimezone(UTC)
    today = date(2026, 11, 2)

    assert not schedule.may_run(today, now=now)
    assert schedule.may_run(today - timedelta(days=90), now=now)
    assert not schedule.may_run(today - timedelta(days=91), now=now)


def queued(shop):
    shop.session.rollback()
    names = shop.session.scalars(
        text(
            "SELECT args ->> 'day' FROM procrastinate_jobs"
            " WHERE task_name = 'reconciliation.run' AND status = 'todo' ORDER BY id"
        )
    )
    return [date.fromisoformat(name) for name in names]


def test_a_mall_that_sold_nothing_compares_nothing(shop):
    shop.wait(5)
    jobs.daily()

    assert queued(shop) == []


def test_each_day_since_the_first_payment_is_begun_once(shop, run_jobs):
    shop.pay()
    jobs.daily()
    assert queued(shop) == []
    shop.wait(2)

    jobs.daily()
    jobs.daily()

    assert queued(shop) == [shop.day, shop.day + timedelta(days=1)]
    run_jobs()
    assert shop.day_row().matched_at is not None
    jobs.daily()
    assert queued(shop) == []


def test_a_day_with_a_question_left_is_gone_on_with(shop):
    shop.pay(is_heard=False)
    shop.wait()
    shop.wechat.fault("query", "500")
    shop.run()

    jobs.daily()

    assert queued(shop) == [shop.day]


def test_a_long_stop_is_not_made_up_for(shop):
    shop.pay()
    shop.wait(100)

    jobs.daily()

    assert len(queued(shop)) == schedule.LOOKBACK_DAYS


def test_without_wechat_nothing_is_begun(shop, app):
    shop.pay()
    shop.wait()
    app.extensions["wechat"] = None

    jobs.daily()

    assert queued(shop) == []


def flow(shop, *lines, bill="BASIC"):
    """The fund flow of the day: lines of (WeChat's number, business, direction, fen, voucher)."""
    body = [
        f"`{shop.day} 12:00:00,`{number},`{business},`{business},`{way},`{yuan(fen)},`{voucher}"
        for number, business, way, fen, voucher in lines
    ]
    content = "\r\n".join([FLOW_HEAD, *body, "资金流水总笔数", f"`{len(lines)}.0", ""])
    day = shop.day.isoformat()
    shop.wechat.control("POST", "bills/content", bill=bill, day=day, text=content)


def named(shop):
    shop.session.rollback()
    found = shop.session.execute(
        select(BillLine.kind, BillLine.out_no)
        .where(BillLine.bill != "trade")
        .order_by(BillLine.bill, BillLine.line_no)
    )
    return [(kind, out_no) for kind, out_no in found]


def test_a_flow_that_names_only_wechats_number_is_known_by_the_trade_bill(shop):
    number = shop.pay()
    back = shop.refund(number)
    paid, refund = shop.payment(number), shop.refund_row(back)
    flow(
        shop,
        (paid.transaction_id, "交易", "收入", paid.amount_fen, "REF1"),
        (refund.refund_id, "退款", "支出", 100, "REF2"),
        ("9001", "提现", "支出", 50, "REF3"),
    )
    shop.wait()

    shop.run()

    assert named(shop) == [("payment", number), ("refund", back), ("other", "")]
    assert shop.told() == []
    assert shop.sums()["funds", "other"] == (1, 0, 0, -50, 0)


def test_a_flow_is_known_by_our_own_rows_where_the_trade_bill_has_nothing(shop):
    number = shop.pay()
    payout = shop.payout(700)
    shop.plant("drop", number)
    paid = shop.payment(number)
    bill = shop.wechat.control("GET", f"transfers/{payout}")["transfer_bill_no"]
    flow(shop, (paid.transaction_id, "交易", "收入", paid.amount_fen, "REF1"))
    flow(shop, (bill, "商家转账", "支出", 700, "REF2"), bill="OPERATION")
    shop.wait()

    shop.run()

    assert named(shop) == [("payment", number), ("payout", payout)]
    assert shop.told(book="funds") == []


def test_a_flow_of_another_shop_of_the_merchant_is_none_of_ours(shop):
    shop.pay()
    text_ = (
        "交易时间,公众账号ID,微信订单号,商户订单号,交易状态,订单金额\r\n"
        f"`{shop.day} 12:00:00,`wx-other,`4299,`20261111,`SUCCESS,`5.00\r\n总交易单数\r\n`1.0\r\n"
    )
    day = shop.day.isoformat()
    shop.wechat.control("POST", "bills/content", bill="trade", day=day, text=text_)
    flow(shop, ("4299", "交易", "收入", 500, "20261111"))
    shop.wait()

    shop.run()

    assert ("other", "20261111") in named(shop)
    assert shop.sums()["trade", "other"][:4] == (1, 0, 0, 500)
    assert shop.told(kind="payment", verdict="missing_here") == []


def test_money_that_went_out_and_came_back_is_no_payout(shop):
    flow(
        shop,
        ("1330", "商家转账", "支出", 700, "W" + "0" * 26),
        ("1330", "商家转账", "收入", 700, "W" + "0" * 26),
        bill="OPERATION",
    )
    shop.wait()

    shop.run()

    assert shop.told() == []
    assert shop.sums()["funds", "payout"] == (2, 0, 0, 0, 0)


def test_a_payout_that_was_not_over_is_explained_by_wechats_newer_word(shop):
    shop.wechat.control("POST", "settings", transfer_steps="manual")
    number = shop.payout(900)
    flow(shop, ("1330", "商家转账", "支出", 900, number), bill="OPERATION")
    shop.wait()

    shop.run()

    assert shop.told() == [("funds", number, "missing_here", "resolved", "newer_word")]
