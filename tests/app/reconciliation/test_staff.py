"""What staff see of reconciliation and do about it, and what finance takes away."""

import csv
import io
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.reconciliation import wording
from app.reconciliation.models import BillStatus, BreakStatus, Resolution, Resolver, Verdict
from app.staff.models import Role

DAYS = "/admin/v1/reconciliation/days"
RUNS = "/admin/v1/reconciliation/runs"
BREAKS = "/admin/v1/reconciliation/breaks"
DAYS_CSV = "/admin/v1/reconciliation/days.csv"
BREAKS_CSV = "/admin/v1/reconciliation/breaks.csv"


def take(break_id):
    return f"/admin/v1/reconciliation/breaks/{break_id}/take"


def resolve(break_id):
    return f"/admin/v1/reconciliation/breaks/{break_id}/resolve"


@pytest.fixture
def broken(shop):
    """Yesterday with one amount that differs by three fen; the break's id."""
    shop.plant("amount", shop.pay(), by=3)
    shop.wait()
    shop.run()
    (found,) = shop.breaks()
    return found.id


def rows(shop, url, **query):
    answer = shop.client.get(url, headers=shop.merchant(), query_string=query)
    assert answer.status_code == 200, answer.json
    return list(csv.DictReader(io.StringIO(answer.data.decode().removeprefix("\ufeff"))))


def test_a_day_is_shown_with_its_bills_sums_and_open_breaks(shop, broken):
    (day,) = shop.client.get(DAYS, headers=shop.merchant()).json["items"]

    assert (day["day"], day["open_breaks"], day["resolved_breaks"]) == (shop.day.isoformat(), 1, 0)
    assert [bill["status_name"] for bill in day["bills"]].count("已下载") == 2
    paid = next(one for one in day["sums"] if (one["book"], one["kind"]) == ("trade", "payment"))
    assert (paid["lines"], paid["ours"], paid["matched"]) == (1, 1, 0)
    assert paid["bill_fen"] - paid["local_fen"] == 3
    assert len(day["inputs_sha256"]) == 64


def test_days_come_page_by_page(shop):
    shop.wait(3)
    days = [shop.day + timedelta(days=offset) for offset in range(3)]
    shop.run(*days)

    first = shop.client.get(DAYS, headers=shop.merchant(), query_string={"limit": 2}).json
    query = {"limit": 2, "cursor": first["next_cursor"]}
    second = shop.client.get(DAYS, headers=shop.merchant(), query_string=query).json

    shown = [one["day"] for one in [*first["items"], *second["items"]]]
    assert shown == [day.isoformat() for day in reversed(days)]
    assert second["next_cursor"] is None


@pytest.mark.parametrize("cursor", ["x", "WyJ4Il0", "WzFd"])
def test_a_broken_cursor_is_refused(shop, cursor):
    answer = shop.client.get(DAYS, headers=shop.merchant(), query_string={"cursor": cursor})

    assert answer.status_code == 422


def test_breaks_are_found_by_what_they_are(shop, broken):
    def count(**query):
        answer = shop.client.get(BREAKS, headers=shop.merchant(), query_string=query)
        assert answer.status_code == 200, answer.json
        return len(answer.json["items"])

    assert count() == count(verdict="amount_differs", kind="payment", day=shop.day) == 1
    assert count(status="resolved") == count(verdict="timing") == count(kind="payout") == 0
    assert count(owner_id=1) == 0


def test_a_break_has_an_age_and_words(shop, broken):
    shop.wait(2)
    (one,) = shop.client.get(BREAKS, headers=shop.merchant()).json["items"]

    assert (one["verdict_name"], one["status_name"], one["resolver_name"]) == (
        "金额不符", "待处理", "员工处理"
    )  # fmt: skip
    assert (one["age_days"], one["owner"], one["difference_fen"]) == (2, None, 3)


def test_breaks_come_page_by_page(shop):
    for _ in range(3):
        shop.plant("amount", shop.pay())
    shop.wait()
    shop.run()

    first = shop.client.get(BREAKS, headers=shop.merchant(), query_string={"limit": 2}).json
    query = {"limit": 2, "cursor": first["next_cursor"]}
    second = shop.client.get(BREAKS, headers=shop.merchant(), query_string=query).json

    ids = [one["id"] for one in [*first["items"], *second["items"]]]
    assert ids == sorted(ids, reverse=True)
    assert (len(ids), second["next_cursor"]) == (3, None)


def test_somebody_takes_a_break_and_resolves_it_with_a_reason(shop, broken):
    taken = shop.client.post(take(broken), headers=shop.merchant()).json
    body = {"how": "explained", "reason": "微信代金券多记三分"}
    done = shop.client.post(resolve(broken), headers=shop.merchant(), json=body)

    assert taken["owner_id"] is not None
    assert done.status_code == 200
    assert (done.json["status"], done.json["how_name"]) == ("resolved", "已说明")
    assert done.json["resolver_staff"] == taken["owner"]
    again = shop.client.post(resolve(broken), headers=shop.merchant(), json=body)
    assert (again.status_code, again.json["code"]) == (409, "bill_break_resolved")
    assert shop.client.post(take(broken), headers=shop.merchant()).status_code == 409


def test_what_staff_resolved_stays_so_when_it_is_found_again(shop, broken):
    body = {"how": "written_off", "reason": "差额由商户承担"}
    shop.client.post(resolve(broken), headers=shop.merchant(), json=body)

    shop.run()

    (found,) = shop.breaks()
    assert (found.status, found.how, found.difference_fen) == ("resolved", "written_off", 3)
    assert shop.breaches() == []


def test_an_unknown_break_is_not_found(shop):
    body = {"how": "explained", "reason": "无"}
    for answer in (
        shop.client.post(take(1), headers=shop.merchant()),
        shop.client.post(resolve(1), headers=shop.merchant(), json=body),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "bill_break_not_found")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"how": "explained"},
        {"how": "repaired", "reason": "自称已补"},
        {"how": "forgotten", "reason": "无"},
        {"how": "explained", "reason": ""},
        {"how": "explained", "reason": "长" * 201},
        {"how": "explained", "reason": 7},
        {"how": "explained", "reason": "好", "amount_fen": 1},
    ],
)
def test_a_bad_resolution_is_refused_and_changes_nothing(shop, broken, body):
    assert shop.client.post(resolve(broken), headers=shop.merchant(), json=body).status_code == 422

    (found,) = shop.breaks()
    assert (found.status, found.reason) == ("open", None)


def test_a_day_can_be_compared_again_with_fresh_bills(shop, broken, run_jobs):
    shop.wechat.control("DELETE", "bills/differences")
    body = {"day": shop.day.isoformat(), "is_anew": True}

    answer = shop.client.post(RUNS, headers=shop.merchant(), json=body)
    assert (answer.status_code, answer.json["matched_at"]) == (200, None)
    assert {one["status"] for one in answer.json["bills"]} == {"wanted"}
    assert shop.breaches() == []
    run_jobs()

    assert shop.told() == [
        ("trade", shop.breaks()[0].out_no, "amount_differs", "resolved", "matched")
    ]
    assert shop.breaches() == []


def test_a_day_can_be_compared_again_with_the_same_bills(shop, broken, run_jobs):
    body = {"day": shop.day.isoformat()}

    assert shop.client.post(RUNS, headers=shop.merchant(), json=body).status_code == 200
    run_jobs()

    asked = [one["call"] for one in shop.wechat.control("GET", "calls")["calls"]]
    assert asked.count("trade_bill") == 1


@pytest.mark.parametrize("days", [0, 1, -91])
def test_a_day_that_has_no_bills_yet_or_no_more_is_refused(shop, days):
    body = {"day": (shop.day + timedelta(days=days)).isoformat()}

    answer = shop.client.post(RUNS, headers=shop.merchant(), json=body)

    assert (answer.status_code, list(answer.json["errors"])) == (422, ["day"])
    assert shop.day_row() is None


@pytest.mark.parametrize("body", [{}, {"day": 7}, {"day": "2026-13-01"}, {"day": None, "x": 1}])
def test_a_bad_run_is_refused(shop, body):
    assert shop.client.post(RUNS, headers=shop.merchant(), json=body).status_code == 422


def test_finance_takes_the_sums_away(shop, broken):
    query = {"first_day": shop.day, "last_day": shop.day}
    found = rows(shop, DAYS_CSV, **query)

    paid = next(row for row in found if (row["账单"], row["类别"]) == ("交易账单", "收款"))
    assert (paid["账单笔数"], paid["相符笔数"], paid["差额（元）"]) == ("1", "0", "0.03")
    assert rows(shop, DAYS_CSV, first_day=shop.day + timedelta(days=1)) == []


def test_finance_takes_the_breaks_away(shop, broken):
    (row,) = rows(shop, BREAKS_CSV)

    assert (row["差异"], row["状态"], row["对当日合计的影响（元）"]) == (
        "金额不符",
        "待处理",
        "0.03",
    )
    assert (row["佣金账金额（元）"], row["负责人"], row["账龄（天）"]) != ("", "", "")


def test_a_stretch_in_the_wrong_order_is_refused(shop):
    query = {"first_day": "2026-11-11", "last_day": "2026-11-01"}
    for url in (DAYS_CSV, BREAKS_CSV):
        assert shop.client.get(url, headers=shop.merchant(), query_string=query).status_code == 422


def test_analysts_read_and_change_nothing(shop, broken):
    analyst = shop.staff(role=Role.ANALYST)
    body = {"how": "explained", "reason": "无"}

    assert shop.client.get(DAYS, headers=analyst).status_code == 200
    assert shop.client.get(BREAKS, headers=analyst).status_code == 200
    for answer in (
        shop.client.get(DAYS_CSV, headers=analyst),
        shop.client.get(BREAKS_CSV, headers=analyst),
        shop.client.post(take(broken), headers=analyst),
        shop.client.post(resolve(broken), headers=analyst, json=body),
        shop.client.post(RUNS, headers=analyst, json={"day": shop.day.isoformat()}),
    ):
        assert answer.status_code == 403


def test_strangers_see_nothing(shop):
    for url in (DAYS, BREAKS, DAYS_CSV, BREAKS_CSV):
        assert shop.client.get(url).status_code == 401
    for url in (RUNS, take(1), resolve(1)):
        assert shop.client.post(url, json={}).status_code == 401


def test_every_word_is_in_chinese():
    for kind, words in (
        (BillStatus, wording.BILL_STATES),
        (BreakStatus, wording.BREAK_STATES),
        (Resolution, wording.RESOLUTIONS),
        (Resolver, wording.RESOLVERS),
        (Verdict, wording.VERDICTS),
    ):
        assert set(words) == set(kind)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("UPDATE bill_break SET difference_fen = 2", "bill_is_books_and_breaks"),
        ("UPDATE reconciliation_sum SET local_fen = local_fen + 1", "bill_is_books_and_breaks"),
        ("UPDATE bill_line SET amount_fen = amount_fen + 1", "sums_are_of_lines"),
        ("DELETE FROM bill_line WHERE bill = 'trade'", "bills_are_whole"),
        ("UPDATE reconciliation_sum SET matched = 9", "what_agrees_is_counted"),
    ],
)
def test_the_proof_finds_what_was_changed_by_hand(shop, broken, change, rule):
    assert shop.breaches() == []

    shop.session.execute(text(change))
    shop.session.commit()

    assert f"reconciliation.{rule}" in {breach.rule for breach in shop.breaches()}
