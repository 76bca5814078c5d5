"""The books over HTTP: who may read them, what days are taken, and exact figures with names."""

import csv
import io
import json
from datetime import timedelta

import pytest

from app.accounting import files, jobs, wording
from app.core import clock, days, sheets
from app.core.sheets import Yuan
from app.orders.models import OrderStatus
from app.staff.models import Role
from distribution import verify
from distribution.ledger.states import AccountKind
from distribution.reports import trial
from distribution.reports.liabilities import Age
from tests.app.distributors.conftest import bring
from tests.builders.distribution import make_distributor, make_rules
from tests.builders.members import make_member
from tests.builders.orders import make_order

REPORT = "/admin/v1/reports/commissions"
LISTS = (
    "/admin/v1/reports/commissions/orders",
    "/admin/v1/reports/commissions/products",
    "/admin/v1/reports/commissions/distributors",
)
LIABILITIES = "/admin/v1/ledger/liabilities"
TRIAL = "/admin/v1/ledger/trial-balances"
CSVS = ("/admin/v1/reports/commissions.csv", "/admin/v1/reports/statements.csv")
EXPORT = "/admin/v1/ledger/export"
EVERY = (REPORT, *LISTS, LIABILITIES, TRIAL, *CSVS, EXPORT)
OF_DAYS = (REPORT, *LISTS, *CSVS)


def get(client, url, headers, **query):
    answer = client.get(url, headers=headers, query_string=query)
    assert answer.status_code == 200, answer.json
    return answer.json


def table(client, url, headers, **query):
    """A CSV as a list of rows; its mark must be there."""
    answer = client.get(url, headers=headers, query_string=query)
    assert answer.status_code == 200
    text = answer.data.decode()
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


@pytest.fixture
def trade(session, now):
    """Two paid orders of one buyer whose uplines are 近水 and, above, 远山."""
    make_rules(session, now=now)
    far, near, buyer = (make_member(session, nickname=name) for name in ("远山", "=近水", "买家"))
    for member in (far, near):
        make_distributor(session, member_id=member.id, now=now)
    bring(session, near, far)
    bring(session, buyer, near)
    orders = [make_order(session, now=now, buyer=buyer, status=OrderStatus.PAID) for _ in range(2)]
    session.commit()
    return {"far": far, "near": near, "buyer": buyer, "orders": orders}


class TestWhoMayRead:
    @pytest.mark.parametrize("url", EVERY)
    def test_nobody_without_a_token(self, client, url):
        assert client.get(url).status_code == 401

    @pytest.mark.parametrize("url", [REPORT, *LISTS, LIABILITIES, TRIAL])
    @pytest.mark.parametrize("role", Role)
    def test_all_staff_read_reports(self, client, as_role, url, role):
        assert client.get(url, headers=as_role(role)).status_code == 200

    @pytest.mark.parametrize("url", [*CSVS, EXPORT])
    def test_files_are_not_for_analysts(self, client, as_role, url):
        assert client.get(url, headers=as_role(Role.ANALYST)).status_code == 403
        for role in (Role.OWNER, Role.MERCHANT):
            answer = client.get(url, headers=as_role(role))
            assert answer.status_code == 200
            assert "attachment" in answer.headers["Content-Disposition"]
            assert answer.headers["Cache-Control"] == "no-store"


class TestDays:
    @pytest.mark.parametrize("url", OF_DAYS)
    @pytest.mark.parametrize(
        "query",
        [
            {"first_day": "2026-11-12", "last_day": "2026-11-11"},
            {"first_day": "2025-01-01", "last_day": "2026-11-11"},
            {"first_day": "2026-13-01"},
            {"first_day": "2026-02-30"},
            {"first_day": "20261111"},
            {"first_day": "0001-01-01"},
            {"last_day": "9999-12-31"},
            {"last_day": ""},
            {"last_day": "2026-11-11T00:00:00+08:00"},
            {"day": "2026-11-11"},
        ],
    )
    def test_what_is_no_stretch_of_days_is_refused(self, client, as_staff, url, query):
        answer = client.get(url, headers=as_staff, query_string=query)

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")

    @pytest.mark.parametrize("url", [*LISTS, TRIAL])
    @pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 101}, {"cursor": "x"}, {"page": 1}])
    def test_what_is_no_page_is_refused(self, client, as_staff, url, query):
        assert client.get(url, headers=as_staff, query_string=query).status_code == 422

    def test_a_cursor_beyond_all_calendars_is_refused(self, client, as_staff):
        for url, cursor in ((LISTS[0], [2**62, 1]), (TRIAL, ["2026-99-99"])):
            answer = client.get(url, headers=as_staff, query_string={"cursor": days_cursor(cursor)})
            assert answer.status_code == 422

    def test_days_are_those_of_china(self, now):
        day = clock.china_day(now)
        wanted = days.stretch(None, None, now=now)

        assert wanted.until == days.end(day)
        assert wanted.until - wanted.since == timedelta(days=days.USUAL_DAYS)
        assert clock.china_day(wanted.until) == day + timedelta(days=1)


def days_cursor(position):
    from app.core import paging

    return paging.encode(*position)


class TestReports:
    def test_of_an_empty_shop_are_empty(self, client, as_staff):
        assert set(get(client, REPORT, as_staff).values()) == {0}
        for url in (*LISTS, TRIAL):
            assert get(client, url, as_staff) == {"items": [], "next_cursor": None}
        assert get(client, LIABILITIES, as_staff)["owed_fen"] == 0
        for url in CSVS:
            assert table(client, url, as_staff) == []

    def test_in_all_and_by_order(self, client, trade, as_staff):
        paid = [order.payable_fen - order.freight_fen for order in trade["orders"]]

        whole = get(client, REPORT, as_staff)
        page = get(client, LISTS[0], as_staff)

        assert whole["level1_fen"] == sum(fen // 10 for fen in paid)
        assert whole["level2_fen"] == sum(fen // 20 for fen in paid)
        assert (
            whole["frozen_fen"]
            == whole["earned_fen"]
            == sum(item["earned_fen"] for item in page["items"])
        )
        assert [item["order_no"] for item in page["items"]] == [
            order.order_no for order in reversed(trade["orders"])
        ]
        assert {item["buyer"] for item in page["items"]} == {"买家"}

    def test_lists_go_on_page_by_page(self, client, trade, as_staff):
        for url, wanted in zip(LISTS, (2, None, 2), strict=True):
            seen, cursor = [], {}
            while True:
                page = get(client, url, as_staff, limit=1, **cursor)
                seen += page["items"]
                if page["next_cursor"] is None:
                    break
                cursor = {"cursor": page["next_cursor"]}
            assert seen == get(client, url, as_staff)["items"]
            assert wanted is None or len(seen) == wanted

    def test_by_distributor_with_names_and_by_product_with_titles(self, client, trade, as_staff):
        people = get(client, LISTS[2], as_staff)["items"]
        products = get(client, LISTS[1], as_staff)["items"]

        assert [item["nickname"] for item in people] == ["=近水", "远山"]
        assert people[0]["orders"] == 2
        assert all(item["title"] for item in products)
        assert sum(item["earned_fen"] for item in products) == sum(
            item["earned_fen"] for item in people
        )

    def test_of_one_distributor(self, client, trade, as_staff):
        query = {"member_id": trade["far"].id}

        whole = get(client, REPORT, as_staff, **query)
        page = get(client, LISTS[0], as_staff, **query)

        assert whole["level1_fen"] == 0 < whole["level2_fen"]
        assert sum(item["earned_fen"] for item in page["items"]) == whole["earned_fen"]

    def test_what_is_owed_by_account_and_age(self, client, trade, as_staff):
        owed = get(client, LIABILITIES, as_staff)

        whole = get(client, REPORT, as_staff)["earned_fen"]
        accounts = {item["account"]: item for item in owed["accounts"]}
        ages = {item["age"]: item for item in owed["frozen"]}
        assert owed["owed_fen"] == accounts["frozen"]["fen"] == whole
        assert (accounts["frozen"]["people"], accounts["receivable"]["fen"]) == (2, 0)
        assert (ages["unscheduled"]["fen"], ages["overdue"]["fen"]) == (whole, 0)
        assert owed["days"] == []

    def test_every_account_and_age_has_its_words(self):
        assert all(wording.account(kind) for kind in AccountKind)
        assert set(wording.AGES) == set(Age)


class TestTrialBalance:
    def test_the_job_closes_every_day_that_is_over_once(
        self, client, session, trade, as_role, now, set_clock
    ):
        set_clock(now + timedelta(days=3))
        jobs.close_days()
        jobs.close_days()

        page = get(client, TRIAL, as_role())
        assert len(page["items"]) == 3
        first = page["items"][-1]
        assert first["day"] == clock.china_day(now).isoformat()
        balances = {each["account"]: each for each in first["balances"]}
        assert balances["frozen"]["balance_fen"] == balances["expense"]["balance_fen"] > 0
        assert first["amount_fen"] == sum(each["day_debited_fen"] for each in first["balances"])
        assert list(verify.verify(session)) == []
        rest = get(client, TRIAL, as_role(), limit=1)
        assert rest["items"] == page["items"][:1]
        again = get(client, TRIAL, as_role(), limit=2, cursor=rest["next_cursor"])
        assert again["items"] == page["items"][1:]

    def test_nothing_is_closed_before_the_day_is_over_or_anything_was_posted(
        self, session, make_trade
    ):
        jobs.close_days()
        assert trial.days(session) == []

        make_trade()
        jobs.close_days()
        assert trial.days(session) == []

    @pytest.fixture
    def make_trade(self, request):
        return lambda: request.getfixturevalue("trade")


class TestFiles:
    def test_commissions_say_what_each_line_earned_whom(self, client, trade, as_staff):
        rows = table(client, CSVS[0], as_staff)

        assert len(rows) == 4
        assert list(rows[0]) == list(files.COMMISSIONS)
        assert {row["分销员"] for row in rows} == {"'=近水", "远山"}
        assert sum(float(row["佣金（元）"]) * 100 for row in rows) == pytest.approx(
            get(client, REPORT, as_staff)["earned_fen"]
        )
        assert {row["订单号"] for row in rows} == {order.order_no for order in trade["orders"]}

    def test_statements_show_each_change_and_the_balance_after(self, client, trade, as_staff):
        rows = table(client, CSVS[1], as_staff)

        assert list(rows[0]) == list(files.STATEMENTS)
        near = [row for row in rows if row["分销员ID"] == str(trade["near"].id)]
        assert [row["账户"] for row in near] == ["待结算", "待结算"]
        assert float(near[1]["变动后余额（元）"]) == pytest.approx(
            sum(float(row["变动（元）"]) for row in near)
        )

    def test_the_ledger_is_a_document_a_line(self, client, trade, as_staff):
        answer = client.get(EXPORT, headers=as_staff)

        head, *postings, end = (json.loads(line) for line in answer.data.splitlines())
        assert answer.mimetype == "application/x-ndjson"
        assert head["ledger"] == 1
        assert end["end"]["postings"] == len(postings) == 2

    def test_other_days_are_left_out(self, client, trade, as_staff, now):
        yesterday = (clock.china_day(now) - timedelta(days=1)).isoformat()

        for url in CSVS:
            assert table(client, url, as_staff, last_day=yesterday) == []

    def test_the_command_writes_the_ledger_into_a_file(self, app, trade, tmp_path):
        target = tmp_path / "ledger.ndjson"

        result = app.test_cli_runner().invoke(args=["ledger", "export", "--output", str(target)])

        assert result.exit_code == 0, result.output
        *_, end = target.read_text().splitlines()
        assert json.loads(end)["end"]["postings"] == 2


class TestSheets:
    @pytest.mark.parametrize("mark", sheets.FORMULA)
    def test_no_cell_begins_like_a_formula(self, mark):
        text = "".join(sheets.lines(["名"], [[f"{mark}1+1"]]))

        _, (cell,) = csv.reader(io.StringIO(text))
        assert cell == f"'{mark}1+1"

    def test_numbers_stay_numbers(self):
        cells = [Yuan(-5), Yuan(1_234), 7, -7, None, "普通", '逗号,"引号"']

        text = "".join(sheets.lines(["a"] * 7, [cells]))

        _, row = csv.reader(io.StringIO(text))
        assert row == ["-0.05", "12.34", "7", "-7", "", "普通", '逗号,"引号"']

    def test_moments_are_told_in_china(self, now):
        text = "".join(sheets.lines(["时间"], [[now]]))

        assert now.astimezone(clock.CHINA).strftime("%Y-%m-%d %H:%M:%S") in text

    def test_many_rows_come_piece_by_piece(self):
        pieces = list(sheets.lines(["n"], ([number] for number in range(1_000))))

        assert len(pieces) > 4
        assert "".join(pieces).count("\r\n") == 1_001
