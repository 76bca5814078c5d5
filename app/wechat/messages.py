"""
Subscribe messages: one message to one user who tapped "allow" for its template.

A template comes from WeChat's library and has keys of its own, such as `thing1`; the settings say
which of them shows what. Each value is made to fit the kind its key begins with, because WeChat
refuses the whole message for one value it does not like.
"""

import re
from collections.abc import Mapping
from datetime import datetime

from app.core import clock
from app.settings import MessageTemplate
from app.wechat import text
from app.wechat.errors import WeChatError, WeChatRefused
from app.wechat.mini import MiniClient

SEND = "/cgi-bin/message/subscribe/send"
NOT_ALLOWED = "43101"
NOTHING = "无"
"""What a text says that has nothing left to say: WeChat refuses an empty one."""

LIMITS = {
    "thing": 20,
    "number": 32,
    "letter": 32,
    "symbol": 5,
    "character_string": 32,
    "time": 32,
    "date": 32,
    "amount": 12,
    "phone_number": 17,
    "car_number": 8,
    "name": 10,
    "phrase": 5,
}
"""The longest value of a kind, in characters."""
STRANGE = {
    "number": r"[^0-9.]",
    "letter": r"[^A-Za-z]",
    "symbol": r"\w|\s",
    "character_string": r"[^!-~]",
    "amount": r"[^0-9.¥元]",
    "phone_number": r"[^0-9+-]",
    "car_number": r"[^\u4e00-\u9fffA-Z0-9]",
    "name": r"[0-9]",
    "phrase": r"[^\u4e00-\u9fff]",
}
"""What a value of a kind may not hold; a time and a date are said by `moment`."""
EMPTY = {"number": "0", "letter": "N", "symbol": "-", "character_string": "-", "phone_number": "0"}
"""What a value says of which nothing is left, where it cannot say so in Chinese."""


class MessageNotAllowed(WeChatError):
    """The user allows no message of this template, or the one allowed was sent. Final."""

    code, status, title = "wechat_message_not_allowed", 409, "用户未授权接收该通知"


class Messenger:
    """Sends messages of the configured templates. Thread-safe; one per process."""

    def __init__(self, mini: MiniClient, templates: Mapping[str, MessageTemplate]) -> None:
        self._mini = mini
        self._templates = templates

    def template(self, event: str) -> MessageTemplate | None:
        """Return the template that tells of `event`; None: nothing is configured."""
        return self._templates.get(event)

    def send(self, event: str, *, openid: str, page: str, values: Mapping[str, str]) -> None:
        """
        Tell a user of `event`, whose template must be configured; tapping it opens `page`.

        `values` are by the names of the settings, such as `title`; times come from `moment`.

        :raises MessageNotAllowed: the user allows none.
        :raises Busy: WeChat has done nothing; later it may.
        :raises WeChatRefused: another errcode, in `reason`: the template or a value is wrong.
        :raises ResultUnknown: nobody knows whether it was sent.
        """
        template = self._templates[event]
        data = {key: {"value": fit(key, values[name])} for name, key in template.keys}
        body = {"touser": openid, "template_id": template.template_id, "page": page, "data": data}
        try:
            self._mini.call(SEND, body)
        except WeChatRefused as refused:
            if refused.reason == NOT_ALLOWED:
                raise MessageNotAllowed(str(refused)) from refused
            raise


def moment(at: datetime) -> str:
    """Return a moment as messages say it, in China's time: 2026年11月24日 20:00."""
    there = at.astimezone(clock.CHINA)
    return f"{there.year}年{there.month}月{there.day}日 {there:%H:%M}"


def fit(key: str, value: str) -> str:
    """Return `value` as the kind of `key` may have it: cleaned, and cut to the kind's limit."""
    kind = key.rstrip("0123456789")
    value = text.clean(value)
    if kind in STRANGE:
        value = re.sub(STRANGE[kind], "", value)
    if kind == "thing" and not any(map(str.isalpha, value[: LIMITS[kind]])):
        value = f"{NOTHING} {value}"  # Digits and signs alone are refused.
    return value[: LIMITS[kind]].rstrip() or EMPTY.get(kind, NOTHING)
