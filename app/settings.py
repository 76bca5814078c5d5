"""
Every setting of the mall, read once from the environment.

This is the only module that reads `os.environ`; `tests/guards/test_docs.py` holds the README's
configuration table against the fields below.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

WEIXIN_API = "https://api.weixin.qq.com"
WECHAT_PAY_API = "https://api.mch.weixin.qq.com"
PUBLIC_KEY_ID_PREFIX = "PUB_KEY_ID_"
TEXT, WORD = "thing|name", "phrase|thing"
CODE, MOMENT, MONEY = "character_string|thing", "time|date|thing", "amount|number|thing"
_OF_ORDER = {"order_no": CODE, "goods": TEXT}
SHOWN_OF: dict[str, dict[str, str]] = {
    "paid": {**_OF_ORDER, "amount": MONEY, "paid_at": MOMENT},
    "shipped": {**_OF_ORDER, "company": WORD, "tracking_no": CODE, "shipped_at": MOMENT},
    "sale_starts": {"title": TEXT, "starts_at": MOMENT, "price": MONEY, "hint": WORD},
}
"""What a message of each event can show, and the kinds of key of a template that can show it."""


class MissingSetting(Exception):
    """A setting without which the mall cannot start is absent or malformed."""


@dataclass(frozen=True, slots=True)
class MessageTemplate:
    """A subscribe-message template of the mini-program, and which of its keys shows what."""

    template_id: str
    keys: tuple[tuple[str, str], ...]
    """Pairs of what is shown (`title`) and the template's key for it (`thing1`)."""


@dataclass(frozen=True, slots=True)
class WeChatSettings:
    """
    One mini-program and its WeChat Pay merchant.

    Keys are PEM texts; base URLs carry no slash at the end.
    """

    appid: str
    app_secret: str
    mchid: str
    merchant_serial: str
    """Serial number of the merchant API certificate, upper-case hex."""
    merchant_private_key: str
    apiv3_key: str
    """32 bytes of text: the AES-GCM key of notifications and certificates."""
    public_key_id: str | None
    """`PUB_KEY_ID_…`; None means platform-certificate mode only."""
    public_key: str | None
    notify_base_url: str
    """Where WeChat reaches our webhooks: scheme and host, https in production."""
    weixin_api: str = WEIXIN_API
    pay_api: str = WECHAT_PAY_API
    timeout_seconds: float = 8.0
    refund_gap_seconds: int = 60
    """Between two refunds of one payment, as WeChat demands; less only against a sandbox."""
    other_apiv3_key: str | None = None
    """While the APIv3 key is being changed the other of the two, next or last: both are taken."""
    other_public_key_id: str | None = None
    other_public_key: str | None = None
    """While WeChat Pay's public key is being changed the other of the two: both are taken."""
    push_token: str | None = None
    """The Token of the console's message push; None: nothing is pushed to us."""
    push_aes_key: str | None = None
    """Its EncodingAESKey, 43 characters; None: messages come in clear."""
    templates: tuple[tuple[str, MessageTemplate], ...] = ()
    """The templates of the messages the mall may send, each with the event it tells of."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What differs between one running mall and another. Secrets have no default."""

    database_url: str
    redis_url: str
    secret_key: str
    """Signs tokens and derives the key that encrypts personal data at rest."""
    wechat: WeChatSettings | None = None
    """None: the mall runs, but signing in and paying answer 503 `wechat_not_configured`."""
    data_dir: Path = Path(".data")
    unpaid_minutes: int = 30
    """How long an order waits for its payment, 5 to 1440 minutes."""
    access_token_minutes: int = 120
    pool_size: int = 10
    """Database connections per server process; size it to the server's threads."""
    page_cache_seconds: int = 1
    """How long a public page may be answered from memory, 0 to 60; 0 switches it off."""
    trusted_proxies: int = 0
    """How many proxies of ours stand in front; 0: `X-Forwarded-For` is a stranger's word."""
    log_level: str = "INFO"
    testing: bool = False

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> "Settings":
        """
        Read the settings from `env` (the process's environment by default).

        Without `DATABASE_URL` or `REDIS_URL` the private server of that kind is started under
        `DATA_DIR` and shared with every other process of the project (`app.embedded`).

        :raises MissingSetting: a secret is absent where the mall's own servers are not used.
        """
        import os

        env = os.environ if env is None else env
        data_dir = Path(env.get("DATA_DIR", ".data")).resolve()
        database_url, redis_url = env.get("DATABASE_URL"), env.get("REDIS_URL")
        if not (database_url and redis_url):
            from app import embedded

            servers = embedded.join(data_dir)
            database_url = database_url or servers.database_url()
            redis_url = redis_url or servers.redis_url()
        return cls(
            database_url=database_url,
            redis_url=redis_url,
            secret_key=_secret_key(env, data_dir),
            wechat=_wechat(env),
            data_dir=data_dir,
            unpaid_minutes=_number(env, "UNPAID_MINUTES", 30, low=5, high=1440),
            access_token_minutes=_number(env, "ACCESS_TOKEN_MINUTES", 120, low=5, high=1440),
            pool_size=_number(env, "POOL_SIZE", 10, low=1, high=100),
            page_cache_seconds=_number(env, "PAGE_CACHE_SECONDS", 1, low=0, high=60),
            trusted_proxies=_number(env, "TRUSTED_PROXIES", 0, low=0, high=10),
            log_level=env.get("LOG_LEVEL", "INFO").upper(),
        )


def _secret_key(env: Mapping[str, str], data_dir: Path) -> str:
    if key := env.get("SECRET_KEY"):
        if len(key) < 32:
            raise MissingSetting("SECRET_KEY needs at least 32 characters")
        return key
    if env.get("DATABASE_URL"):
        raise MissingSetting("SECRET_KEY is required when DATABASE_URL is set")
    # The mall's own private database: make its key once and keep it beside the data it protects.
    path = data_dir / "secret_key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass  # Another process made it first: its key is the key.
        finally:
            draft.unlink()
    return path.read_text()


def _wechat(env: Mapping[str, str]) -> WeChatSettings | None:
    if not env.get("WECHAT_APPID"):
        return None
    _check_keys(env)
    public_key_id = env.get("WECHAT_PAY_PUBLIC_KEY_ID")
    other_key_id = env.get("WECHAT_PAY_OTHER_PUBLIC_KEY_ID")
    return WeChatSettings(
        appid=env["WECHAT_APPID"],
        app_secret=_required(env, "WECHAT_APP_SECRET"),
        mchid=_required(env, "WECHAT_PAY_MCHID"),
        merchant_serial=_required(env, "WECHAT_PAY_MERCHANT_SERIAL").upper(),
        merchant_private_key=_file(env, "WECHAT_PAY_PRIVATE_KEY_FILE"),
        apiv3_key=env["WECHAT_PAY_APIV3_KEY"],
        public_key_id=public_key_id,
        public_key=_file(env, "WECHAT_PAY_PUBLIC_KEY_FILE") if public_key_id else None,
        notify_base_url=_required(env, "NOTIFY_BASE_URL").rstrip("/"),
        weixin_api=env.get("WEIXIN_API", WEIXIN_API).rstrip("/"),
        pay_api=env.get("WECHAT_PAY_API", WECHAT_PAY_API).rstrip("/"),
        refund_gap_seconds=_number(env, "REFUND_GAP_SECONDS", 60, low=0, high=3600),
        other_apiv3_key=env.get("WECHAT_PAY_OTHER_APIV3_KEY") or None,
        other_public_key_id=other_key_id or None,
        other_public_key=_file(env, "WECHAT_PAY_OTHER_PUBLIC_KEY_FILE") if other_key_id else None,
        push_token=env.get("WECHAT_PUSH_TOKEN") or None,
        push_aes_key=env.get("WECHAT_PUSH_AES_KEY") or None,
        templates=_templates(env),
    )


def _check_keys(env: Mapping[str, str]) -> None:
    """Refuse what is no key id of WeChat's and what cannot be a key or a token."""
    for name in ("WECHAT_PAY_PUBLIC_KEY_ID", "WECHAT_PAY_OTHER_PUBLIC_KEY_ID"):
        if (key_id := env.get(name)) and not key_id.startswith(PUBLIC_KEY_ID_PREFIX):
            raise MissingSetting(f"{name} must start with {PUBLIC_KEY_ID_PREFIX}")
    _required(env, "WECHAT_PAY_APIV3_KEY")
    for name in ("WECHAT_PAY_APIV3_KEY", "WECHAT_PAY_OTHER_APIV3_KEY"):
        if (key := env.get(name)) and len(key.encode()) != 32:
            raise MissingSetting(f"{name} must be exactly 32 bytes")
    token, aes_key = env.get("WECHAT_PUSH_TOKEN"), env.get("WECHAT_PUSH_AES_KEY")
    if token and not re.fullmatch(r"[A-Za-z0-9]{3,32}", token):
        raise MissingSetting("WECHAT_PUSH_TOKEN must be 3 to 32 letters and digits")
    if aes_key and not (token and re.fullmatch(r"[A-Za-z0-9]{43}", aes_key)):
        raise MissingSetting(
            "WECHAT_PUSH_AES_KEY must be 43 letters and digits, beside a WECHAT_PUSH_TOKEN"
        )


def _templates(env: Mapping[str, str]) -> tuple[tuple[str, MessageTemplate], ...]:
    """Read the lines `event templateId shows=key …` of a file; without one: none."""
    if not env.get("WECHAT_TEMPLATES_FILE"):
        return ()
    text = _file(env, "WECHAT_TEMPLATES_FILE")
    lines = [line for line in map(str.strip, text.splitlines()) if line and line[0] != "#"]
    templates = [_template(*line.split()) for line in lines]
    if len(dict(templates)) != len(templates):
        raise MissingSetting("WECHAT_TEMPLATES_FILE: one line for each event")
    return tuple(templates)


def _template(event: str, template_id: str = "", *pairs: str) -> tuple[str, MessageTemplate]:
    """Check one line of the file."""
    shown = SHOWN_OF.get(event)
    if shown is None:
        events = ", ".join(SHOWN_OF)
        raise MissingSetting(f"WECHAT_TEMPLATES_FILE: {event} is none of {events}")
    keys = tuple((name, key) for name, _, key in (pair.partition("=") for pair in pairs))
    is_good = all(
        re.fullmatch(rf"({shown.get(name, '(?!)')})[0-9]{{1,2}}", key) for name, key in keys
    )
    is_id = re.fullmatch(r"[0-9A-Za-z_-]{1,64}", template_id)
    if not (is_id and is_good and 0 < len(keys) == len(dict(keys)) == len({k for _, k in keys})):
        raise MissingSetting(
            f"WECHAT_TEMPLATES_FILE: {event} needs a template id and pairs such as title=thing1,"
            f" each of {', '.join(shown)} at most once, for a key of its kind"
        )
    return event, MessageTemplate(template_id, keys)


def _required(env: Mapping[str, str], name: str) -> str:
    if not (value := env.get(name)):
        raise MissingSetting(f"{name} is required when WECHAT_APPID is set")
    return value


def _file(env: Mapping[str, str], name: str) -> str:
    path = Path(_required(env, name))
    try:
        return path.read_text()
    except OSError as error:
        raise MissingSetting(f"{name}: cannot read {path}: {error.strerror}") from error


def _number(env: Mapping[str, str], name: str, default: int, *, low: int, high: int) -> int:
    text = env.get(name, str(default))
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise MissingSetting(f"{name} must be a whole number from {low} to {high}, not {text!r}")
    return int(text)
