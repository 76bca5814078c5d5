"""Codes are drawn once, kept for good, and served as pictures; posters show what visitors see."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.catalogue.models import SpuStatus
from app.core.auth import Audience
from app.materials import calls, service
from app.materials.models import MiniCode
from app.materials.queries import Wanted
from distribution.team import joining, sharing
from distribution.team.models import BindingLog
from distribution.team.states import Source
from tests.builders.catalogue import make_sku, make_spu
from tests.builders.members import make_member
from tests.builders.promotions import make_published

CODE = "/api/v1/distributor/code"
POSTER = "/api/v1/distributor/poster"
PICTURES = "/api/v1/codes/"
PNG = b"\x89PNG\r\n\x1a\n{}IEND\xaeB`\x82"


def get(client, url, headers=None, **query):
    return client.get(url, headers=headers, query_string=query)


def drawn(wechat):
    """How often WeChat was asked for a code."""
    calls = wechat.control("GET", "calls")["calls"]
    return sum(call["call"] == "wxacode" for call in calls)


class TestCode:
    def test_is_a_picture_that_carries_who_shares_what(
        self, client, session, wechat, distributor, invite_code
    ):
        spu = make_spu(session)
        session.commit()

        answer = get(client, CODE, distributor[1], spu_id=spu.id)

        assert answer.status_code == 200
        assert answer.content_type == "image/png"
        assert f"i={invite_code}&s={spu.id}".encode() in answer.data
        assert b"pages/spu/detail" in answer.data

    def test_is_drawn_once_for_the_same_scene_page_and_size(
        self, client, session, wechat, distributor
    ):
        first, again = (get(client, CODE, distributor[1]) for _ in range(2))
        small = get(client, CODE, distributor[1], size="small")

        assert first.data == again.data != small.data
        assert drawn(wechat) == 2
        assert session.scalar(select(func.count()).select_from(MiniCode)) == 2
        widths = session.scalars(select(MiniCode.width).order_by(MiniCode.width)).all()
        assert widths == [280, 430]

    def test_needs_wechat_only_the_first_time(self, client, app, wechat, distributor):
        first = get(client, CODE, distributor[1])
        app.extensions["wechat"] = None

        assert get(client, CODE, distributor[1]).data == first.data
        assert get(client, CODE, distributor[1], size="large").status_code == 503

    def test_is_not_sent_again_to_who_has_it(self, client, wechat, distributor):
        etag = get(client, CODE, distributor[1]).headers["ETag"]

        again = client.get(CODE, headers={**distributor[1], "If-None-Match": etag})

        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["Cache-Control"].startswith("private")

    def test_of_two_drawn_at_once_the_first_is_kept(self, session, now):
        wanted = Wanted("i=ABCDEFGH", "pages/index/index", 430)

        first = service.keep(session, wanted, PNG.replace(b"{}", b"1"), now=now)
        second = service.keep(session, wanted, PNG.replace(b"{}", b"2"), now=now)

        assert first.id == second.id
        assert second.picture == PNG.replace(b"{}", b"1")

    @pytest.mark.parametrize(
        ("fault", "status", "code"),
        [
            ({"kind": "error", "args": {"errcode": 41030}}, 502, "wechat_page_not_released"),
            ({"kind": "error", "args": {"errcode": 45009}}, 503, "wechat_unavailable"),
            ({"kind": "error", "args": {"errcode": 40097}}, 502, "wechat_refused"),
            ({"kind": "malformed_json"}, 503, "wechat_unavailable"),
            ({"kind": "500"}, 503, "wechat_unavailable"),
        ],
    )
    def test_what_wechat_cannot_draw_is_said_and_not_kept(
        self, client, session, wechat, distributor, fault, status, code
    ):
        wechat.control("POST", "faults", on="wxacode", **fault)

        answer = get(client, CODE, distributor[1])

        assert (answer.status_code, answer.json["code"]) == (status, code)
        assert session.scalar(select(func.count()).select_from(MiniCode)) == 0
        assert get(client, CODE, distributor[1]).status_code == 200

    def test_a_token_that_died_is_replaced_on_the_way(self, client, wechat, distributor):
        wechat.fault("wxacode", "invalid_token")

        assert get(client, CODE, distributor[1]).status_code == 200

    def test_new_ones_are_limited_but_known_ones_are_not(
        self, client, wechat, distributor, monkeypatch
    ):
        monkeypatch.setattr(calls, "DRAWN_PER_HOUR", 1)

        answers = [get(client, CODE, distributor[1], size=size) for size in ("small", "large")]
        again = get(client, CODE, distributor[1], size="small")

        assert [answer.status_code for answer in (*answers, again)] == [200, 429, 200]

    @pytest.mark.parametrize("url", [CODE, POSTER])
    def test_is_for_active_distributors(
        self, client, session, wechat, distributor, token_for, url, now
    ):
        stranger = make_member(session)
        session.commit()
        strange = get(client, url, token_for(Audience.SHOPPER, stranger.id))
        joining.freeze(session, member_id=distributor[0].id, reason="刷单", now=now)
        session.commit()
        frozen = get(client, url, distributor[1])

        assert (strange.status_code, strange.json["code"]) == (404, "not_a_distributor")
        assert (frozen.status_code, frozen.json["code"]) == (409, "distributor_not_active")
        assert get(client, url).status_code == 401
        assert session.scalar(select(func.count()).select_from(MiniCode)) == 0

    @pytest.mark.parametrize("url", [CODE, POSTER])
    @pytest.mark.parametrize(
        "query",
        [{"size": "huge"}, {"size": 430}, {"spu_id": 0}, {"spu_id": "x"}, {"width": 1}],
    )
    def test_bad_queries_are_refused(self, client, wechat, distributor, url, query):
        assert get(client, url, distributor[1], **query).status_code == 422

    @pytest.mark.parametrize("url", [CODE, POSTER])
    def test_a_product_must_be_on_the_shelf(self, client, session, wechat, distributor, url):
        spu = make_spu(session, status=SpuStatus.DRAFT)
        session.commit()

        for spu_id in (spu.id, 999_999):
            answer = get(client, url, distributor[1], spu_id=spu_id)
            assert (answer.status_code, answer.json["code"]) == (404, "spu_not_found")


class TestPoster:
    def test_shows_the_product_as_visitors_see_it(
        self, client, session, wechat, distributor, invite_code, now
    ):
        spu = make_spu(session, title="红茶", subtitle="正山小种")
        make_sku(session, spu=spu, price_fen=9800, market_price_fen=12_800)
        make_sku(session, spu=spu, price_fen=19_800)
        make_published(
            session,
            kind="limited_time",
            terms={"off_bp": 2000},
            starts_at=now - timedelta(hours=1),
            now=now,
        )
        session.commit()

        poster = get(client, POSTER, distributor[1], spu_id=spu.id).json

        page = client.get(f"/api/v1/products/{spu.id}").json
        assert poster["nickname"] == "周敏"
        assert poster["scene"] == f"p={invite_code}&s={spu.id}"
        assert sharing.carrier_of(poster["scene"]) == "poster"
        assert poster["product"] == {
            "spu_id": spu.id,
            "title": "红茶",
            "subtitle": "正山小种",
            "image_url": page["images"][0],
            "price_fen": page["promoted_price_fen"],
            "list_price_fen": page["price_fen"],
            "crossed_out_fen": page["crossed_out_fen"],
            "lowest_fen": min(sku["promoted_price_fen"] for sku in page["skus"]),
            "highest_fen": max(sku["promoted_price_fen"] for sku in page["skus"]),
        }

    def test_of_the_shop_has_no_product(self, client, wechat, distributor, invite_code):
        poster = get(client, POSTER, distributor[1]).json

        assert poster["product"] is None
        assert (poster["scene"], poster["page"]) == (f"p={invite_code}", "pages/index/index")


class TestWhatBroughtThem:
    @pytest.mark.parametrize("carrier", ["code", "link", "poster"])
    def test_the_log_of_bindings_says_what_carried_the_scene(
        self, client, session, wechat, invite_code, carrier
    ):
        scene = sharing.scene(invite_code, carrier=Source(carrier))
        body = {"code": wechat.login_code("o-new"), "scene": scene}

        assert client.post("/api/v1/sessions", json=body).status_code == 201

        assert session.scalars(select(BindingLog.origin)).all() == [carrier]


class TestPictures:
    def test_anybody_may_look_at_a_code_for_ever(self, client, wechat, distributor):
        url = get(client, POSTER, distributor[1]).json["code_url"]

        answer = client.get(url)

        assert url.startswith(PICTURES)
        assert (answer.status_code, answer.content_type) == (200, "image/png")
        assert "immutable" in answer.headers["Cache-Control"]
        assert client.get(url, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304

    @pytest.mark.parametrize("digest", ["0" * 64, "x", "x" * 64])
    def test_what_nobody_asked_for_is_not_found(self, client, digest):
        answer = client.get(f"/api/v1/codes/{digest}")

        assert (answer.status_code, answer.json["code"]) == (404, "mini_code_not_found")
