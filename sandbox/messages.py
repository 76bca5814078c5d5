"""
Subscribe messages: templates, who has accepted how many of which, and what was sent.

One tap on "allow" is one message of one template. The values of a message are checked by the kind
its key begins with, as strictly as WeChat writes it down.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.errors import MiniRefusal
from sandbox.mini import Mini
from sandbox.world import Merchant, Store, World

KEY = re.compile(r"([a-z_]+?)([0-9]{1,2})")
PAGE = re.compile(r"[^/?\s][^\s]*")
STATES = ("developer", "trial", "formal")
LANGUAGES = ("zh_CN", "en_US", "zh_HK", "zh_TW")

CLOCK = r"([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?"
DATE = r"[0-9]{4}(年[0-9]{1,2}月[0-9]{1,2}日|[-/.][0-9]{1,2}[-/.][0-9]{1,2})"


def _written(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda value: compiled.fullmatch(value) is not None


def _is_thing(value: str) -> bool:
    return len(value) <= 20 and any(character.isalpha() for character in value)


def _is_symbol(value: str) -> bool:
    return len(value) <= 5 and not any(character.isalnum() for character in value)


def _is_name(value: str) -> bool:
    return len(value) <= (20 if value.isascii() else 10) and not re.search(r"[0-9]", value)


def _is_phrase(value: str) -> bool:
    return _written(r"[\u4e00-\u9fff]{1,5}")(value)


KINDS: dict[str, Callable[[str], bool]] = {
    "thing": _is_thing,
    "number": _written(r"-?[0-9]{1,32}(\.[0-9]{1,31})?"),
    "letter": _written(r"[A-Za-z]{1,32}"),
    "symbol": _is_symbol,
    "character_string": _written(r"[!-~]{1,32}"),
    "time": _written(rf"({DATE} )?{CLOCK}(~({DATE} )?{CLOCK})?"),
    "date": _written(rf"{DATE}( {CLOCK})?"),
    "amount": _written(r"[¥$€]?[0-9]{1,10}(\.[0-9]{1,2})?元?"),
    "phone_number": _written(r"[0-9+\-]{1,17}"),
    "car_number": _written(r"[\u4e00-\u9fffA-Z0-9]{1,8}"),
    "name": _is_name,
    "phrase": _is_phrase,
}
"""What a value may be, by the kind its key begins with."""


@dataclass(frozen=True)
class Message:
    """One message as its user's phone shows it."""

    appid: str
    openid: str
    template_id: str
    page: str
    data: dict[str, str]

    def to_json(self) -> dict[str, object]:
        return {
            "appid": self.appid,
            "openid": self.openid,
            "template_id": self.template_id,
            "page": self.page,
            "data": dict(self.data),
        }


class Messages(Store):
    """The templates of every mini-program, and what its users allow it."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.templates: dict[tuple[str, str], tuple[str, ...]] = {}
        """The keys of each template, by appid and template id."""
        self.allowed: dict[tuple[str, str, str], int] = {}
        """How many messages each openid has yet to get, by appid and template id."""
        self.sent: list[Message] = []

    def allow(self, appid: str, openid: str, template_id: str, times: int) -> int:
        """Note taps on "allow"; return how many messages that makes."""
        key = (appid, openid, template_id)
        self.allowed[key] = self.allowed.get(key, 0) + times
        return self.allowed[key]

    def send(self, merchant: Merchant, values: dict[str, Any]) -> Message:
        """
        Send what a request asks for, and use up one tap.

        :raises MiniRefusal: 40003 no such user here, 40037 no such template, 41030 a page that is
            none, 47003 the data does not fit the template, 43101 the user allows no message.
        """
        openid, template_id = values.get("touser"), values.get("template_id")
        if not isinstance(openid, str) or self._appid_of(openid) != merchant.appid:
            raise MiniRefusal(40003, "invalid openid")
        if not isinstance(template_id, str):
            raise MiniRefusal(40037, "invalid template_id")
        keys = self.templates.get((merchant.appid, template_id))
        if keys is None:
            raise MiniRefusal(40037, "invalid template_id")
        message = Message(merchant.appid, openid, template_id, _page(values), _data(values, keys))
        left = (merchant.appid, openid, template_id)
        if not self.allowed.get(left):
            raise MiniRefusal(43101, "user refuse to accept the msg")
        self.allowed[left] -= 1
        self.sent.append(message)
        return message

    def _appid_of(self, openid: str) -> str | None:
        return self.world.store(Mini).appid_of(openid)


def is_key(key: str) -> bool:
    """Say whether a template may have such a key: a kind and a number, such as `thing1`."""
    found = KEY.fullmatch(key)
    return found is not None and found[1] in KINDS


def _page(values: dict[str, Any]) -> str:
    page = values.get("page", "")
    if values.get("miniprogram_state", "formal") not in STATES:
        raise MiniRefusal(47003, "argument invalid! miniprogram_state invalid")
    if values.get("lang", "zh_CN") not in LANGUAGES:
        raise MiniRefusal(47003, "argument invalid! lang invalid")
    if not isinstance(page, str) or (page and not PAGE.fullmatch(page)):
        raise MiniRefusal(41030, "invalid page")
    return page


def _data(values: dict[str, Any], keys: tuple[str, ...]) -> dict[str, str]:
    given = values.get("data")
    if not isinstance(given, dict):
        raise MiniRefusal(47003, "argument invalid! data invalid")
    data: dict[str, str] = {}
    for key in keys:
        entry = given.get(key)
        value = entry.get("value") if isinstance(entry, dict) else None
        kind = KEY.fullmatch(key)
        if not isinstance(value, str) or not value or not kind or not KINDS[kind[1]](value):
            raise MiniRefusal(47003, f"argument invalid! data.{key}.value invalid")
        data[key] = value
    if set(given) - set(keys):
        raise MiniRefusal(47003, f"argument invalid! data.{min(set(given) - set(keys))} invalid")
    return data
