"""Settings: read once, refused when wrong, secrets without defaults."""

from dataclasses import replace

import pytest

from app import create_app
from app import settings as settings_module
from app.core import redis
from app.notices.models import Event
from app.settings import SHOWN_OF, MessageTemplate, MissingSetting, Settings

OWN = {
    "DATABASE_URL": "postgresql+psycopg://db/mall",
    "REDIS_URL": "redis://cache",
    "SECRET_KEY": "k" * 32,
}


@pytest.fixture
def wechat_env(tmp_path):
    key, public = tmp_path / "key.pem", tmp_path / "public.pem"
    key.write_text("private")
    public.write_text("public")
    return {
        **OWN,
        "WECHAT_APPID": "wx1",
        "WECHAT_APP_SECRET": "secret",
        "WECHAT_PAY_MCHID": "1900000001",
        "WECHAT_PAY_MERCHANT_SERIAL": "abcdef",
        "WECHAT_PAY_PRIVATE_KEY_FILE": str(key),
        "WECHAT_PAY_APIV3_KEY": "a" * 32,
        "WECHAT_PAY_PUBLIC_KEY_ID": "PUB_KEY_ID_1",
        "WECHAT_PAY_PUBLIC_KEY_FILE": str(public),
        "NOTIFY_BASE_URL": "https://mall.example.com/",
    }


def test_own_servers_are_used_as_given():
    settings = Settings.from_env(OWN)

    assert (settings.database_url, settings.redis_url) == (OWN["DATABASE_URL"], OWN["REDIS_URL"])
    assert settings.wechat is None
    assert settings.unpaid_minutes == 30


def test_own_database_asks_for_an_own_secret():
    with pytest.raises(MissingSetting, match="SECRET_KEY is required"):
        Settings.from_env({**OWN, "SECRET_KEY": ""})
    with pytest.raises(MissingSetting, match="32 characters"):
        Settings.from_env({**OWN, "SECRET_KEY": "short"})


def test_without_a_database_the_private_servers_are_joined(tmp_path):
    settings = Settings.from_env({"DATA_DIR": str(tmp_path)})
    again = Settings.from_env({"DATA_DIR": str(tmp_path)})

    assert settings.database_url.startswith("postgresql+psycopg://")
    assert settings.redis_url.startswith("unix://")
    assert settings.secret_key == again.secret_key
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


def test_a_key_another_process_made_first_is_the_key(tmp_path, monkeypatch):
    def late(_: int) -> str:
        (tmp_path / "secret_key").write_text("theirs")
        return "mine"

    monkeypatch.setattr(settings_module.secrets, "token_urlsafe", late)

    assert settings_module._secret_key({}, tmp_path) == "theirs"


@pytest.mark.parametrize("text", ["", "abc", "4", "1441", "-5", "30.5", "٣٠"])
def test_numbers_are_whole_and_within_bounds(text):
    with pytest.raises(MissingSetting, match="UNPAID_MINUTES"):
        Settings.from_env({**OWN, "UNPAID_MINUTES": text})


@pytest.mark.parametrize(
    ("trusted", "header", "seen"),
    [
        (0, "203.0.113.9", "127.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "1.2.3.4, 203.0.113.9", "203.0.113.9"),
        (2, "1.2.3.4, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (2, "203.0.113.9", "127.0.0.1"),
        (1, "", "127.0.0.1"),
    ],
)
def test_a_caller_is_who_our_own_proxies_say_and_nobody_else(
    settings, monkeypatch, trusted, header, seen
):
    app = create_app(replace(settings, trusted_proxies=trusted))
    asked = []
    monkeypatch.setattr(redis, "rate_limit", lambda key, **_: asked.append(key))
    headers = {"X-Forwarded-For": header, "X-Forwarded-Host": "evil.example"}

    app.test_client().post("/api/v1/sessions", json={"code": "c"}, headers=headers)

    assert asked[0] == f"sign_in:ip:{seen}"


def test_the_number_of_proxies_is_read_from_the_environment():
    assert Settings.from_env(OWN).trusted_proxies == 0
    assert Settings.from_env({**OWN, "TRUSTED_PROXIES": "2"}).trusted_proxies == 2


def test_wechat_is_read_with_its_keys(wechat_env):
    wechat = Settings.from_env(wechat_env).wechat

    assert wechat is not None
    assert (wechat.merchant_private_key, wechat.public_key) == ("private", "public")
    assert wechat.merchant_serial == "ABCDEF"
    assert wechat.notify_base_url == "https://mall.example.com"
    assert wechat.pay_api == "https://api.mch.weixin.qq.com"


def test_a_line_for_each_event_says_which_key_of_its_template_shows_what(wechat_env, tmp_path):
    file = tmp_path / "templates"
    file.write_text(
        "# ours\n\nsale_starts t1 title=thing1 starts_at=time2 price=amount3\n"
        "paid t-_2 goods=thing5\n"
    )
    wechat_env["WECHAT_TEMPLATES_FILE"] = str(file)

    wechat = Settings.from_env(wechat_env).wechat

    keys = (("title", "thing1"), ("starts_at", "time2"), ("price", "amount3"))
    assert wechat is not None
    assert wechat.templates == (
        ("sale_starts", MessageTemplate("t1", keys)),
        ("paid", MessageTemplate("t-_2", (("goods", "thing5"),))),
    )


def test_every_event_that_can_be_told_of_can_have_a_template():
    assert list(SHOWN_OF) == list(Event)


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ("weather t1 title=thing1", "weather is none of"),
        ("paid", "title=thing1"),
        ("paid t1", "title=thing1"),
        ("paid t1 goods", "title=thing1"),
        ("paid t/1 goods=thing1", "title=thing1"),
        ("paid t1 weather=thing1", "title=thing1"),
        ("paid t1 goods=amount1", "title=thing1"),
        ("paid t1 goods=thing123", "title=thing1"),
        ("paid t1 goods=thing1 goods=thing2", "title=thing1"),
        ("paid t1 goods=thing1 order_no=thing1", "title=thing1"),
        ("paid t1 goods=thing1\npaid t2 goods=thing1", "one line"),
    ],
)
def test_a_wrong_line_about_a_template_stops_the_start(wechat_env, tmp_path, lines, complaint):
    (tmp_path / "templates").write_text(lines)
    wechat_env["WECHAT_TEMPLATES_FILE"] = str(tmp_path / "templates")

    with pytest.raises(MissingSetting, match=complaint):
        Settings.from_env(wechat_env)


def test_without_a_template_there_are_no_messages(wechat_env):
    wechat = Settings.from_env(wechat_env).wechat

    assert wechat is not None
    assert wechat.templates == ()


def test_without_a_public_key_id_it_is_certificate_mode(wechat_env):
    del wechat_env["WECHAT_PAY_PUBLIC_KEY_ID"], wechat_env["WECHAT_PAY_PUBLIC_KEY_FILE"]

    wechat = Settings.from_env(wechat_env).wechat

    assert wechat is not None
    assert (wechat.public_key_id, wechat.public_key) == (None, None)


def test_two_of_each_key_while_they_are_changed(wechat_env):
    public = wechat_env["WECHAT_PAY_PUBLIC_KEY_FILE"]
    other = {
        "WECHAT_PAY_OTHER_APIV3_KEY": "b" * 32,
        "WECHAT_PAY_OTHER_PUBLIC_KEY_ID": "PUB_KEY_ID_2",
        "WECHAT_PAY_OTHER_PUBLIC_KEY_FILE": public,
        "REFUND_GAP_SECONDS": "0",
    }

    wechat = Settings.from_env(wechat_env | other).wechat

    assert wechat is not None
    assert (wechat.apiv3_key, wechat.other_apiv3_key) == ("a" * 32, "b" * 32)
    assert (wechat.other_public_key_id, wechat.other_public_key) == (
        "PUB_KEY_ID_2",
        wechat.public_key,
    )
    assert wechat.refund_gap_seconds == 0


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("WECHAT_PAY_PUBLIC_KEY_ID", "KEY_1", "PUB_KEY_ID_"),
        ("WECHAT_PAY_APIV3_KEY", "a" * 31, "32 bytes"),
        ("WECHAT_PAY_OTHER_APIV3_KEY", "a" * 33, "32 bytes"),
        ("WECHAT_PAY_OTHER_PUBLIC_KEY_ID", "KEY_2", "PUB_KEY_ID_"),
        ("WECHAT_PAY_OTHER_PUBLIC_KEY_ID", "PUB_KEY_ID_2", "OTHER_PUBLIC_KEY_FILE is required"),
        ("REFUND_GAP_SECONDS", "3601", "REFUND_GAP_SECONDS"),
        ("WECHAT_PUSH_TOKEN", "no", "WECHAT_PUSH_TOKEN"),
        ("WECHAT_PUSH_AES_KEY", "a" * 43, "beside a WECHAT_PUSH_TOKEN"),
        ("WECHAT_PAY_MCHID", "", "WECHAT_PAY_MCHID is required"),
        ("WECHAT_PAY_PRIVATE_KEY_FILE", "/nowhere.pem", "cannot read"),
    ],
)
def test_a_wrong_wechat_setting_stops_the_start(wechat_env, name, value, complaint):
    with pytest.raises(MissingSetting, match=complaint):
        Settings.from_env({**wechat_env, name: value})
