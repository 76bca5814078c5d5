"""The points a member sees: balance and list."""

import pytest

from promotions import points


@pytest.fixture
def grant(session, now):
    def go(member, amount, source):
        points.grant(session, member_id=member.id, points=amount, source=source, now=now)
        session.commit()

    return go


def seen(client, headers, query=""):
    return client.get(f"/api/v1/points{query}", headers=headers)


def test_nobody_has_points_to_begin_with(client, newcomer):
    _, headers = newcomer()

    assert seen(client, headers).json == {"balance": 0, "items": [], "next_cursor": None}


def test_the_list_says_what_they_were_for_and_what_was_taken_back(
    client, newcomer, grant, session, now
):
    member, headers = newcomer()
    other, theirs = newcomer()
    grant(member, 100, "order:A")
    grant(member, 5, "pack:1:member:1")
    grant(other, 7, "order:B")
    points.take_back(session, source="order:A", left=0, now=now)
    session.commit()

    answer = seen(client, headers).json

    assert answer["balance"] == 5
    assert [(row["points"], row["source"]) for row in answer["items"]] == [
        (-100, "order:A"),
        (5, "pack:1:member:1"),
        (100, "order:A"),
    ]
    assert seen(client, theirs).json["balance"] == 7


def test_the_list_is_read_page_by_page(client, newcomer, grant):
    member, headers = newcomer()
    for number in range(3):
        grant(member, number + 1, f"order:{number}")

    first = seen(client, headers, "?limit=2").json
    second = seen(client, headers, f"?limit=2&cursor={first['next_cursor']}").json

    assert [row["points"] for row in first["items"]] == [3, 2]
    assert [row["points"] for row in second["items"]] == [1]
    assert (first["balance"], second["balance"], second["next_cursor"]) == (6, 6, None)


@pytest.mark.parametrize("query", ["?limit=0", "?limit=101", "?cursor=!", "?member_id=2"])
def test_a_bad_query_is_refused(client, newcomer, query):
    _, headers = newcomer()

    assert seen(client, headers, query).status_code == 422


def test_needs_a_token(client):
    assert client.get("/api/v1/points").status_code == 401
