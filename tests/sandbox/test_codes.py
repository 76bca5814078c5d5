"""Mini-program codes: a real picture for what may be asked, WeChat's errcode for what may not."""

import struct
import zlib

import pytest

from sandbox import codes
from tests.sandbox.merchant import APPID, SECRET


def _token(merchant):
    body = {"grant_type": "client_credential", "appid": APPID, "secret": SECRET}
    return merchant.http.post("/cgi-bin/stable_token", json=body).json()["access_token"]


def _code(merchant, token=None, **changes):
    body = {"scene": "d=AB12CD34&p=88", "page": "pages/spu/show", **changes}
    params = {"access_token": _token(merchant) if token is None else token}
    return merchant.http.post("/wxa/getwxacodeunlimit", params=params, json=body)


def _chunks(png):
    """Read a PNG strictly: the signature, every length and every checksum."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    rest, found = png[8:], []
    while rest:
        length, kind = struct.unpack(">I4s", rest[:8])
        data, check = rest[8 : 8 + length], rest[8 + length : 12 + length]
        assert struct.unpack(">I", check)[0] == zlib.crc32(kind + data)
        found.append((kind.decode(), data))
        rest = rest[12 + length :]
    return found


class TestPicture:
    def test_is_a_png_of_the_asked_width_that_says_what_it_stands_for(self, merchant):
        answer = _code(merchant, width=300)

        chunks = _chunks(answer.content)
        width, height, depth, colour = struct.unpack(">IIBB", chunks[0][1][:10])
        pixels = zlib.decompress(dict(chunks)["IDAT"])
        texts = [data for kind, data in chunks if kind == "iTXt"]
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "image/png"
        assert [chunks[0][0], chunks[-1]] == ["IHDR", ("IEND", b"")]
        assert (width, height, depth, colour) == (300, 300, 8, 0)
        assert len(pixels) == 300 * 301
        assert set(pixels) == {0, 255}
        assert texts == [b"scene\0\0\0\0\0d=AB12CD34&p=88", b"page\0\0\0\0\0pages/spu/show"]

    def test_is_the_same_for_the_same_and_another_for_another(self, merchant):
        token = _token(merchant)

        first, same, other = (
            _code(merchant, token, scene=scene).content for scene in ("d=1", "d=1", "d=2")
        )

        assert first == same
        assert first != other

    def test_can_have_no_ground_and_no_page(self, merchant):
        answer = _code(merchant, is_hyaline=True, page="")

        assert ("tRNS", struct.pack(">H", 255)) in _chunks(answer.content)


class TestRefusal:
    @pytest.mark.parametrize(
        ("changes", "errcode"),
        [
            ({"scene": "x" * 33}, 40169),
            ({"scene": ""}, 40169),
            ({"scene": None}, 40169),
            ({"scene": "d=100%"}, 40129),
            ({"scene": "商品"}, 40129),
            ({"scene": "a b"}, 40129),
            ({"page": "/pages/spu/show"}, 41030),
            ({"page": "pages/spu/show?id=1"}, 41030),
            ({"page": 7}, 40097),
            ({"env_version": "beta"}, 40097),
            ({"width": 279}, 40097),
            ({"width": 1281}, 40097),
            ({"width": "430"}, 40097),
            ({"is_hyaline": 1}, 40097),
            ({"check_path": "false"}, 40097),
        ],
    )
    def test_a_wrong_argument_has_its_errcode_in_json(self, merchant, changes, errcode):
        answer = _code(merchant, **changes)

        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/plain")
        assert answer.json()["errcode"] == errcode

    def test_every_allowed_character_is_allowed(self, merchant):
        token = _token(merchant)

        for scene in ("0aZ!#$&'()*+,/:;=?@-._~", "x" * 32):
            assert _chunks(_code(merchant, token, scene=scene).content)

    def test_a_page_must_be_released_unless_nobody_checks(self, merchant):
        token = _token(merchant)
        merchant.control("mini/pages", pages=["pages/home"])

        hidden = _code(merchant, token)
        unchecked = _code(merchant, token, check_path=False)
        home = _code(merchant, token, page="pages/home")
        merchant.control("mini/pages", pages=None)

        assert hidden.json()["errcode"] == 41030
        for answer in (unchecked, home, _code(merchant, token)):
            assert _chunks(answer.content)

    @pytest.mark.parametrize("body", [{}, {"pages": "pages/home"}, {"pages": [1]}])
    def test_released_pages_are_a_list_of_texts(self, merchant, body):
        assert merchant.http.post("/control/mini/pages", json=body).status_code == 422

    def test_there_is_a_limit_a_minute(self, merchant, monkeypatch):
        monkeypatch.setattr(codes, "CALLS_A_MINUTE", 2)
        token = _token(merchant)

        answers = [_code(merchant, token) for _ in range(3)]
        merchant.control("clock", advance_seconds=61)

        assert answers[2].json()["errcode"] == 45009
        assert _chunks(answers[1].content)
        assert _chunks(_code(merchant, token).content)

    def test_there_is_a_limit_to_unchecked_pages(self, merchant, monkeypatch):
        monkeypatch.setattr(codes, "UNCHECKED_PAGES", 1)
        token = _token(merchant)

        first, second, again = (
            _code(merchant, token, page=page, check_path=False) for page in ("a", "b", "a")
        )

        assert second.json()["errcode"] == 45009
        assert _chunks(first.content) == _chunks(again.content)

    def test_needs_a_token_that_is_alive(self, merchant):
        token = _token(merchant)
        merchant.fault("wxacode", "invalid_token")

        codes_seen = [
            _code(merchant, one).json()["errcode"] for one in ("", "made-up", token, token)
        ]

        assert codes_seen == [41001, 40001, 40001, 40001]

    def test_a_picture_can_break_off_and_a_quota_be_used_up(self, merchant):
        token = _token(merchant)
        merchant.fault("wxacode", "malformed_json")
        merchant.fault("wxacode", "error", args={"errcode": 45009, "errmsg": "quota"}, times=2)

        assert _code(merchant, token).json()["errcode"] == 45009
        assert _code(merchant, token).json()["errcode"] == 45009
        merchant.fault("wxacode", "malformed_json")
        assert b"IEND" not in _code(merchant, token).content

    def test_a_body_that_is_no_object_is_a_format_error(self, merchant):
        params = {"access_token": _token(merchant)}

        answer = merchant.http.post("/wxa/getwxacodeunlimit", params=params, content="scene=1")

        assert answer.json()["errcode"] == 47001
