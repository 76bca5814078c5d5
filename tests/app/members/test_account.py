"""My account: a profile, a phone number from WeChat, and leaving without a trace."""

import re

import pytest
from sqlalchemy import func, select

from app.core import crypto
from app.core.errors import Unauthorized
from app.members import identity, queries, service
from app.members.models import FormerIdentity, Member, MemberAddress
from app.members.queries import MemberNotFound
from distribution.team.models import Distributor
from promotions import buyers
from tests.builders import distribution as distributors
from tests.builders.members import make_address, make_member


class TestProfile:
    def test_shows_who_i_am_with_the_phone_masked(self, client, as_member):
        _, headers = as_member(nickname="小林", phone="13812345678")

        me = client.get("/api/v1/me", headers=headers).json

        assert me["nickname"] == "小林"
        assert me["phone"] == "138****5678"

    def test_changes_nickname_and_avatar_and_clears_the_avatar(self, client, as_member):
        _, headers = as_member()
        picture = "https://cdn.example.com/a.png"

        client.patch("/api/v1/me", json={"nickname": " 小林😀 "}, headers=headers)
        me = client.patch("/api/v1/me", json={"avatar_url": picture}, headers=headers).json
        cleared = client.patch("/api/v1/me", json={"avatar_url": None}, headers=headers).json

        assert (me["nickname"], me["avatar_url"]) == ("小林😀", picture)
        assert cleared["avatar_url"] is None

    @pytest.mark.parametrize(
        "body",
        [
            {"nickname": ""},
            {"nickname": "   "},
            {"nickname": "长" * 33},
            {"nickname": "a\nb"},
            {"nickname": None},
            {"nickname": 7},
            {"avatar_url": "http://cdn.example.com/a.png"},
            {"avatar_url": "javascript:alert(1)"},
            {"avatar_url": "https://cdn.example.com/" + "a" * 500},
            {"phone": "13800000000"},
            {"id": 1},
        ],
    )
    def test_wrong_fields_change_nothing(self, client, as_member, session, body):
        member, headers = as_member(nickname="小林")

        assert client.patch("/api/v1/me", json=body, headers=headers).status_code == 422

        session.refresh(member)
        assert (member.nickname, member.avatar_url) == ("小林", None)

    def test_half_a_character_is_refused(self, client, as_member):
        _, headers = as_member()

        answer = client.patch(
            "/api/v1/me",
            data='{"nickname": "\\ud800"}',
            content_type="application/json",
            headers=headers,
        )

        assert answer.status_code == 422

    def test_needs_a_token(self, client):
        assert client.get("/api/v1/me").status_code == 401
        assert client.patch("/api/v1/me", json={"nickname": "x"}).status_code == 401


class TestPhone:
    def test_comes_from_wechat_is_sealed_and_answered_masked(
        self, client, as_member, wechat, session
    ):
        member, headers = as_member()
        code = wechat.phone_code("13812345678")

        answer = client.post("/api/v1/me/phone", json={"code": code}, headers=headers)

        assert answer.json["phone"] == "138****5678"
        session.refresh(member)
        assert b"13812345678" not in member.phone_sealed
        assert crypto.open_sealed(member.phone_sealed) == "13812345678"
        assert re.fullmatch("[0-9a-f]{64}", member.phone_hash)

    def test_a_code_that_wechat_refuses_changes_nothing(self, client, as_member, wechat, session):
        member, headers = as_member(phone="13812345678")

        answer = client.post("/api/v1/me/phone", json={"code": "used"}, headers=headers)

        assert (answer.status_code, answer.json["code"]) == (422, "wechat_code_refused")
        session.refresh(member)
        assert member.masked_phone == "138****5678"

    @pytest.mark.parametrize("body", [{}, {"code": ""}, {"code": "x", "phone": "13800000000"}])
    def test_a_wrong_body_is_refused(self, client, as_member, body):
        _, headers = as_member()

        assert client.post("/api/v1/me/phone", json=body, headers=headers).status_code == 422

    def test_needs_a_token(self, client):
        assert client.post("/api/v1/me/phone", json={"code": "x"}).status_code == 401

    def test_one_number_is_recognised_on_two_accounts(self, session):
        one = make_member(session, phone="13812345678")
        other = make_member(session, phone="13812345678")

        assert one.phone_hash == other.phone_hash
        assert one.phone_sealed != other.phone_sealed


class TestLeaving:
    def test_erases_the_person_and_keeps_the_row(self, client, as_member, session):
        member, headers = as_member(
            openid="o-lin", unionid="u-lin", nickname="小林", phone="13812345678"
        )
        make_address(session, member_id=member.id)
        session.commit()

        assert client.delete("/api/v1/me", headers=headers).status_code == 204

        session.refresh(member)
        assert member.status == "deleted"
        assert member.openid.startswith("deleted:")
        gone = (member.unionid, member.session_key_sealed, member.phone_sealed, member.phone_hash)
        assert gone == (None, None, None, None)
        assert (member.nickname, member.avatar_url) == ("", None)
        assert session.scalar(select(func.count(MemberAddress.id))) == 0

    def test_ends_every_session(self, client, as_member, token_for):
        member, here = as_member()
        elsewhere = token_for("shopper", member.id)

        client.delete("/api/v1/me", headers=here)

        assert client.get("/api/v1/me", headers=here).status_code == 401
        assert client.get("/api/v1/me", headers=elsewhere).status_code == 401

    def test_a_later_sign_in_is_a_new_member_known_to_have_been_here(self, client, wechat, session):
        first = client.post("/api/v1/sessions", json={"code": wechat.login_code("o-lin")}).json
        client.delete("/api/v1/me", headers={"Authorization": f"Bearer {first['token']}"})

        again = client.post("/api/v1/sessions", json={"code": wechat.login_code("o-lin")}).json

        assert again["member"]["id"] != first["member"]["id"]
        assert queries.was_here_before(session, again["member"]["id"])

    @pytest.mark.parametrize("kind", ["openid", "unionid", "phone"])
    def test_any_one_identity_tells_that_somebody_was_here(self, session, now, kind):
        identity = {"openid": "o-1", "unionid": "u-1", "phone": "13812345678"}
        left = make_member(session, **identity)
        service.leave(session, member_id=left.id, now=now)

        back = make_member(session, **{kind: identity[kind]})
        stranger = make_member(session, openid="o-2", unionid="u-2", phone="13900000000")

        assert queries.was_here_before(session, back.id)
        assert not queries.was_here_before(session, stranger.id)

    def test_the_accounts_of_one_person_share_a_unionid_or_a_phone(self, session, now):
        same = {"unionid": "u-1", "phone": "13812345678"}
        first = make_member(session, phone=same["phone"])
        second = make_member(session, **same)
        third = make_member(session, unionid=same["unionid"])
        left = make_member(session, **same)
        service.leave(session, member_id=left.id, now=now)
        make_member(session, unionid="u-2", phone="13900000000")

        def accounts(member):
            return list(queries.person(session, member.id).accounts)

        assert accounts(first) == [first.id, second.id]
        assert accounts(second) == [first.id, second.id, third.id]
        assert accounts(third) == [second.id, third.id]
        stranger = make_member(session)
        assert accounts(stranger) == [stranger.id]
        everybody = [first, second, third, stranger]
        assert queries.people(session, everybody) == {
            each.id: queries.person(session, each.id) for each in everybody
        }

    def test_leaving_twice_with_the_same_identity_is_remembered_once(self, session, now):
        for _ in range(2):
            member = make_member(session, openid="o-lin")
            service.leave(session, member_id=member.id, now=now)

        assert session.scalar(select(func.count()).select_from(FormerIdentity)) == 1

    def test_what_is_remembered_points_to_nobody(self, session, now):
        member = make_member(session, openid="o-lin", phone="13812345678")
        service.leave(session, member_id=member.id, now=now)

        columns = {column.name for column in FormerIdentity.__table__.columns}
        assert columns == {"kind", "hash", "left_at"}
        assert "o-lin" not in {row.hash for row in session.scalars(select(FormerIdentity))}

    def test_who_had_paid_is_known_as_a_buyer_when_they_come_back(self, session, now):
        left = make_member(session, openid="o-lin", phone="13812345678")
        buyers.record(session, member_id=left.id, source="order:A", now=now)
        service.leave(session, member_id=left.id, now=now)

        back = make_member(session, phone="13812345678")

        assert buyers.has_paid(session, [back.id], keys=identity.keys_of(back))
        assert not buyers.has_paid(session, [back.id])

    def test_a_second_account_that_leaves_is_known_if_the_first_has_paid(self, session, now):
        first = make_member(session, unionid="u-1")
        second = make_member(session, unionid="u-1", phone="13812345678")
        buyers.record(session, member_id=first.id, source="order:A", now=now)
        service.leave(session, member_id=second.id, now=now)

        back = make_member(session, phone="13812345678")

        assert buyers.has_paid(session, [back.id], keys=identity.keys_of(back))

    def test_a_distributor_who_leaves_stops_being_one(self, client, session, token_for):
        member = make_member(session)
        distributors.make_distributor(session, member_id=member.id)
        session.commit()

        client.delete("/api/v1/me", headers=token_for("shopper", member.id))

        assert session.get(Distributor, member.id, populate_existing=True).status == "left"

    def test_nothing_more_can_be_written_for_who_has_left(self, session, now):
        member = make_member(session)
        service.leave(session, member_id=member.id, now=now)

        with pytest.raises(Unauthorized):
            service.describe(session, member_id=member.id, changes={"nickname": "x"})
        with pytest.raises(Unauthorized):
            service.leave(session, member_id=member.id, now=now)

    def test_needs_a_token(self, client):
        assert client.delete("/api/v1/me").status_code == 401


class TestQueries:
    def test_an_openid_is_found_while_the_member_is_here(self, session, now):
        member = make_member(session, openid="o-lin")
        assert queries.openid_of(session, member.id) == "o-lin"

        service.leave(session, member_id=member.id, now=now)

        with pytest.raises(MemberNotFound):
            queries.openid_of(session, member.id)

    def test_nobody_has_an_unknown_id(self, session):
        with pytest.raises(MemberNotFound):
            queries.openid_of(session, 404)

    def test_briefs_show_names_and_masked_phones_of_those_asked_for(self, session, now):
        lin = make_member(session, nickname="小林", phone="13812345678")
        gone = make_member(session, nickname="小王")
        service.leave(session, member_id=gone.id, now=now)
        make_member(session)

        briefs = queries.briefs(session, [lin.id, gone.id, 404])

        assert set(briefs) == {lin.id, gone.id}
        assert (briefs[lin.id].nickname, briefs[lin.id].masked_phone) == ("小林", "138****5678")
        assert (briefs[gone.id].nickname, briefs[gone.id].masked_phone) == ("", None)
        assert isinstance(lin, Member)
