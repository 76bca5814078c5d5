"""An analyst reads everything, tries campaigns out, and changes nothing of the shop."""

import re

import pytest
from sqlalchemy import select

from app.core.auth import Audience
from app.staff.models import AuditLog, Role
from tests.builders.staff import PASSWORD

OPEN = {
    "DELETE /admin/v1/sessions/current",
    "PUT /admin/v1/me/password",
    "POST /admin/v1/promotions/{promotion_id}/simulation",
    "POST /admin/v1/quotes/explain",
    "POST /admin/v1/commission-rules/preview",
}
"""What an analyst may call although it is no GET: the own account, and what only tries out."""

CLOSED = {
    "/admin/v1/staff",
    "/admin/v1/audit-log",
    "/admin/v1/bulk-buys/{bulk_buy_id}/orders.csv",
    "/admin/v1/coupon-code-batches/{batch_id}/codes",
    "/admin/v1/coupon-code-batches/{batch_id}/codes.csv",
    "/admin/v1/flash-sales/{promotion_id}/orders.csv",
    "/admin/v1/group-buys/{group_buy_id}/orders.csv",
    "/admin/v1/ledger/export",
    "/admin/v1/reconciliation/breaks.csv",
    "/admin/v1/reconciliation/days.csv",
    "/admin/v1/reports/commissions.csv",
    "/admin/v1/reports/statements.csv",
    "/admin/v1/withdrawals/monthly.csv",
    "/admin/v1/withdrawals/{withdrawal_no}/account",
}
"""Not even to be read: the owners' pages, codes worth money, ID numbers, and whole books."""


@pytest.fixture
def analyst(as_staff):
    return as_staff(role=Role.ANALYST)[1]


def operations(app):
    """Method and path of every operation of staff."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint.split(".")[0] == f"admin_{Audience.STAFF}":
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                yield method, re.sub(r"<(\w+:)?(\w+)>", r"{\2}", rule.rule)


def concrete(path):
    return re.sub(r"\{\w+\}", "X0", re.sub(r"\{\w+_id\}", "1", path))


def test_every_write_is_refused_whatever_it_says(app, client, analyst):
    refused = 0
    for method, path in operations(app):
        if method == "GET" or f"{method} {path}" in OPEN:
            continue
        answer = client.open(concrete(path), method=method, json={}, headers=analyst)
        assert (answer.status_code, answer.json["code"]) == (403, "forbidden"), path
        refused += 1
    assert refused > 30


def test_every_page_may_be_read_that_gives_nothing_away(app, client, analyst):
    for method, path in operations(app):
        if method != "GET":
            continue
        status = client.get(concrete(path), headers=analyst).status_code
        assert (status == 403) is (path in CLOSED), path


def test_what_an_analyst_may_call_says_so_where_it_is_written(app):
    marked = {
        f"{method} {path}"
        for method, path in operations(app)
        for rule in app.url_map.iter_rules()
        if method in rule.methods and re.sub(r"<(\w+:)?(\w+)>", r"{\2}", rule.rule) == path
        if getattr(app.view_functions[rule.endpoint], "_apidoc", {}).get("open_to_analysts")
    }

    assert marked == OPEN


def test_the_own_password_and_session_stay_in_the_analysts_hands(client, analyst):
    body = {"present_password": PASSWORD, "new_password": "a long password"}

    changed = client.put("/admin/v1/me/password", json=body, headers=analyst)
    fresh = {"Authorization": f"Bearer {changed.json['token']}"}

    assert changed.status_code == 200
    assert client.delete("/admin/v1/sessions/current", headers=fresh).status_code == 204


def test_what_an_analyst_tried_is_on_record(client, analyst, session):
    client.post("/admin/v1/promotions", json={"title": "满减"}, headers=analyst)

    entry = session.scalars(select(AuditLog)).one()

    assert (entry.path, entry.body, entry.status) == (
        "/admin/v1/promotions",
        {"title": "满减"},
        403,
    )


def test_the_reference_says_who_is_refused(client):
    paths = client.get("/docs/openapi.json").json["paths"]

    assert "403" in paths["/admin/v1/promotions"]["post"]["responses"]
    assert "403" not in paths["/admin/v1/promotions"]["get"]["responses"]
    assert "403" not in paths["/admin/v1/me/password"]["put"]["responses"]


def test_other_roles_are_not_kept_out(client, as_staff):
    for role in (Role.OWNER, Role.MERCHANT):
        _, headers = as_staff(role=role)
        assert client.post("/admin/v1/promotions", json={}, headers=headers).status_code == 422
