"""The address book: sealed, one's own, twenty at most, one of them the default."""

import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.members import addresses, queries, verify
from app.members.models import MemberAddress
from app.members.queries import AddressNotFound
from tests.builders.members import ADDRESS, NOON, make_address, make_member

WRONG_FIELDS = [
    {"receiver": ""},
    {"receiver": "名" * 26},
    {"receiver": "小明😀"},
    {"phone": "123"},
    {"phone": "1381234567８"},
    {"phone": "138123456789"},
    {"phone": 13812345678},
    {"region_code": "99"},
    {"region_code": "990000"},
    {"region_code": 440305},
    {"detail": "路" * 101},
    {"detail": "a\x00b"},
    {"is_default": "true"},
    {"is_default": 1},
    {"member_id": 1},
]


def defaults_of(session, member_id):
    return session.scalar(
        select(func.count()).where(MemberAddress.member_id == member_id, MemberAddress.is_default)
    )


class TestAdding:
    def test_the_first_becomes_the_default_and_comes_back_with_the_phone_masked(
        self, client, as_member
    ):
        _, headers = as_member()

        answer = client.post("/api/v1/addresses", json=ADDRESS, headers=headers)

        assert answer.status_code == 201
        id_ = answer.json["id"]
        assert answer.json == ADDRESS | {"id": id_, "phone": "138****5678", "is_default": True}

    def test_a_new_default_takes_over_from_the_old_one(self, client, as_member):
        _, headers = as_member()
        client.post("/api/v1/addresses", json=ADDRESS, headers=headers)
        client.post("/api/v1/addresses", json=ADDRESS, headers=headers)
        client.post("/api/v1/addresses", json=ADDRESS | {"is_default": True}, headers=headers)

        listed = client.get("/api/v1/addresses", headers=headers).json["items"]

        assert [each["is_default"] for each in listed] == [True, False, False]
        assert listed[0]["id"] > listed[1]["id"] > listed[2]["id"] - 2

    def test_name_phone_and_street_are_sealed_at_rest(self, session):
        address = make_address(session, member_id=make_member(session).id)

        sealed = address.receiver_sealed + address.phone_sealed + address.detail_sealed
        for readable in ("王小明", "13812345678", "科技园"):
            assert readable.encode() not in sealed

    def test_the_twenty_first_is_refused(self, client, as_member, session):
        member, headers = as_member()
        for _ in range(20):
            make_address(session, member_id=member.id)
        session.commit()

        answer = client.post("/api/v1/addresses", json=ADDRESS, headers=headers)

        assert (answer.status_code, answer.json["code"]) == (409, "too_many_addresses")

    @pytest.mark.parametrize("phone", ["13812345678", "0755-26012345", "+852-91234567"])
    def test_phones_of_the_mainland_and_hong_kong_are_taken(self, client, as_member, phone):
        _, headers = as_member()

        body = ADDRESS | {"phone": phone}
        assert client.post("/api/v1/addresses", json=body, headers=headers).status_code == 201

    @pytest.mark.parametrize("wrong", WRONG_FIELDS)
    def test_wrong_fields_add_nothing(self, client, as_member, session, wrong):
        _, headers = as_member()

        answer = client.post("/api/v1/addresses", json=ADDRESS | wrong, headers=headers)

        assert answer.status_code == 422
        assert list(answer.json["errors"]) == list(wrong)
        assert session.scalar(select(func.count(MemberAddress.id))) == 0

    def test_needs_every_field_and_a_token(self, client, as_member):
        _, headers = as_member()

        missing = client.post("/api/v1/addresses", json={}, headers=headers)

        assert set(missing.json["errors"]) == set(ADDRESS)
        assert client.post("/api/v1/addresses", json=ADDRESS).status_code == 401

    @pytest.mark.race
    def test_many_new_defaults_at_once_leave_exactly_one(self, app, as_member, session):
        member, headers = as_member()

        def add():
            client = app.test_client()
            body = ADDRESS | {"is_default": True}
            answers.append(client.post("/api/v1/addresses", json=body, headers=headers))

        answers = []
        threads = [threading.Thread(target=add) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [answer.status_code for answer in answers] == [201] * 8
        assert defaults_of(session, member.id) == 1


class TestChanging:
    def test_only_what_is_named_changes(self, client, as_member, session):
        member, headers = as_member()
        address = make_address(session, member_id=member.id)
        session.commit()

        answer = client.patch(
            f"/api/v1/addresses/{address.id}", json={"receiver": "李雷"}, headers=headers
        )

        assert answer.json["receiver"] == "李雷"
        snapshot = queries.address_snapshot(session, member_id=member.id, address_id=address.id)
        assert (snapshot.phone, snapshot.detail) == (ADDRESS["phone"], ADDRESS["detail"])

    def test_another_becomes_the_default(self, client, as_member, session):
        member, headers = as_member()
        make_address(session, member_id=member.id)
        second = make_address(session, member_id=member.id)
        session.commit()

        for _ in range(2):
            answer = client.patch(
                f"/api/v1/addresses/{second.id}", json={"is_default": True}, headers=headers
            )

            assert answer.json["is_default"] is True
        assert defaults_of(session, member.id) == 1

    @pytest.mark.parametrize("wrong", [*WRONG_FIELDS, {"is_default": False}])
    def test_wrong_fields_change_nothing(self, client, as_member, session, wrong):
        member, headers = as_member()
        address = make_address(session, member_id=member.id)
        session.commit()

        answer = client.patch(f"/api/v1/addresses/{address.id}", json=wrong, headers=headers)

        assert answer.status_code == 422
        shown = client.get(f"/api/v1/addresses/{address.id}", headers=headers).json
        assert (shown["receiver"], shown["is_default"]) == ("王小明", True)


class TestRemoving:
    def test_the_latest_of_the_others_inherits_the_default(self, client, as_member, session):
        member, headers = as_member()
        first, _, last = (make_address(session, member_id=member.id) for _ in range(3))
        session.commit()

        answer = client.delete(f"/api/v1/addresses/{first.id}", headers=headers)

        assert answer.status_code == 204
        listed = client.get("/api/v1/addresses", headers=headers).json["items"]
        assert [each["id"] for each in listed if each["is_default"]] == [last.id]

    def test_removing_another_leaves_the_default_and_the_last_leaves_nothing(
        self, client, as_member, session
    ):
        member, headers = as_member()
        first, second = (make_address(session, member_id=member.id) for _ in range(2))
        session.commit()

        client.delete(f"/api/v1/addresses/{second.id}", headers=headers)
        kept = client.get("/api/v1/addresses", headers=headers).json["items"]
        client.delete(f"/api/v1/addresses/{first.id}", headers=headers)

        assert [each["id"] for each in kept] == [first.id]
        assert client.get("/api/v1/addresses", headers=headers).json == {"items": []}


class TestStrangers:
    @pytest.mark.parametrize(
        ("method", "body"), [("GET", None), ("PATCH", {"receiver": "他人"}), ("DELETE", None)]
    )
    def test_somebody_elses_address_does_not_exist(self, client, as_member, session, method, body):
        owner, _ = as_member()
        _, stranger = as_member()
        address = make_address(session, member_id=owner.id)
        session.commit()
        path = f"/api/v1/addresses/{address.id}"

        answer = client.open(path, method=method, json=body, headers=stranger)

        assert (answer.status_code, answer.json["code"]) == (404, "address_not_found")
        assert client.open(path, method=method, json=body).status_code == 401
        assert queries.readable(session.get(MemberAddress, address.id)).receiver == "王小明"

    def test_nor_does_it_for_an_order(self, session):
        address = make_address(session, member_id=make_member(session).id)
        stranger = make_member(session)

        with pytest.raises(AddressNotFound):
            queries.address_snapshot(session, member_id=stranger.id, address_id=address.id)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["add", "default", "remove"]), st.integers(0, 5)), max_size=15
    )
)
def test_an_address_book_with_addresses_always_has_exactly_one_default(session, steps):
    member = make_member(session)

    for verb, number in steps:
        book = queries.list_addresses(session, member.id)
        chosen = (
            {"member_id": member.id, "address_id": book[number].id} if number < len(book) else {}
        )
        if verb == "add":
            make_address(session, member_id=member.id, is_default=number % 2 == 0)
        elif verb == "default" and chosen:
            addresses.change(session, **chosen, fields={"is_default": True}, now=NOON)
        elif verb == "remove" and chosen:
            addresses.remove(session, **chosen)

    book = queries.list_addresses(session, member.id)
    assert sum(each.is_default for each in book) == min(1, len(book))
    assert list(verify.verify(session)) == []


def test_verify_finds_a_book_without_default_and_a_book_that_outlived_its_member(session):
    member = make_member(session)
    address = make_address(session, member_id=member.id)
    address.is_default = False
    member.status, member.openid, member.deleted_at = "deleted", "deleted:x", NOON
    member.session_key_sealed = None
    session.flush()

    breaches = list(verify.verify(session))

    assert [breach.rule for breach in breaches] == [
        "members.one_default_address",
        "members.left_without_trace",
    ]
