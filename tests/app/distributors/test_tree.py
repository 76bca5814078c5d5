"""The tree of bindings as staff walk it: the whole chain above, and a page of who is below."""

from datetime import timedelta

import pytest

from app.core import paging
from tests.app.distributors.conftest import bring

TREE = "/admin/v1/bindings/{}/tree"


def get(client, member_id, headers, **query):
    answer = client.get(f"/admin/v1/bindings/{member_id}/tree", headers=headers, query_string=query)
    assert answer.status_code == 200, answer.json
    return answer.json


@pytest.fixture
def family(session, as_distributor, as_member, two_levels):
    """甲 above 乙 above 丙, who brought three members."""
    top, _ = as_distributor(nickname="甲")
    middle, _ = as_distributor(nickname="乙", upline=top)
    near, _ = as_distributor(nickname="丙", upline=middle)
    below = [as_member(nickname=name)[0] for name in ("丁", "戊", "己")]
    for number, member in enumerate(below):
        member.created_at += timedelta(seconds=number)
        bring(session, member, near)
    return top, middle, near, below


def test_the_chain_is_told_up_to_the_top(client, family, as_staff):
    *_, below = family

    node = get(client, below[0].id, as_staff)

    assert [(each["distance"], each["nickname"]) for each in node["above"]] == [
        (1, "丙"), (2, "乙"), (3, "甲"),
    ]  # fmt: skip
    assert {each["status"] for each in node["above"]} == {"active"}
    assert all(each["is_live"] for each in node["above"])
    assert (node["nickname"], node["items"], node["next_cursor"]) == ("丁", [], None)


def test_who_is_below_is_told_page_by_page_the_latest_first(client, family, as_staff):
    top, middle, near, _ = family

    first = get(client, near.id, as_staff, limit=2)
    rest = get(client, near.id, as_staff, limit=2, cursor=first["next_cursor"])

    assert [each["nickname"] for each in (*first["items"], *rest["items"])] == ["己", "戊", "丁"]
    assert rest["next_cursor"] is None
    assert first["items"][0]["status"] is None
    (own,) = get(client, middle.id, as_staff)["items"]
    assert (own["nickname"], own["brought"], own["status"]) == ("丙", 3, "active")
    assert get(client, top.id, as_staff)["above"] == []


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 101}, {"cursor": "x"}, {"level": 1}])
def test_what_is_no_page_is_refused(client, family, as_staff, query):
    answer = client.get(TREE.format(family[0].id), headers=as_staff, query_string=query)

    assert answer.status_code == 422


def test_a_cursor_beyond_all_calendars_is_refused(client, family, as_staff):
    query = {"cursor": paging.encode(2**62, 1)}

    answer = client.get(TREE.format(family[0].id), headers=as_staff, query_string=query)

    assert answer.status_code == 422


def test_is_for_staff_and_for_members_who_exist(client, family, as_member, as_staff):
    url = TREE.format(family[0].id)

    assert client.get(url).status_code == 401
    assert client.get(url, headers=as_member()[1]).status_code == 401
    missing = client.get("/admin/v1/bindings/999999/tree", headers=as_staff)
    assert (missing.status_code, missing.json["code"]) == (404, "member_not_found")
