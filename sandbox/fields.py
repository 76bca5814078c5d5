"""
Reading a Pay v3 body: every field known, typed and within its limit, nothing null.

A body is described by a tree of `Text`, `Whole`, `Flag`, `Many` and `Group`.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from flask import request

from sandbox.errors import PayRefusal, param_error

LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Field(Protocol):
    """One rule of the description."""

    @property
    def required(self) -> bool: ...
    def check(self, value: object, pointer: str) -> None: ...


@dataclass(frozen=True)
class Text:
    """A string of at most `limit` characters."""

    limit: int
    required: bool = True
    pattern: str = ""
    least: int = 1
    among: tuple[str, ...] = ()

    def check(self, value: object, pointer: str) -> None:
        if not isinstance(value, str):
            raise param_error(pointer, "应为字符串", value)
        if not self.least <= len(value) <= self.limit:
            raise param_error(pointer, f"长度应为{self.least}到{self.limit}", value)
        if any(ord(character) > 0xFFFF for character in value):
            raise param_error(pointer, "含有不支持的4字节字符", value)
        if self.pattern and not re.fullmatch(self.pattern, value):
            raise param_error(pointer, "格式错误", value)
        if self.among and value not in self.among:
            raise param_error(pointer, f"应为{'|'.join(self.among)}", value)


@dataclass(frozen=True)
class Whole:
    """An integer of at least `least`."""

    least: int = 0
    required: bool = True

    def check(self, value: object, pointer: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise param_error(pointer, "应为整数", value)
        if not self.least <= value < 2**63:
            raise param_error(pointer, f"不应小于{self.least}", value)


@dataclass(frozen=True)
class Flag:
    """true or false."""

    required: bool = False

    def check(self, value: object, pointer: str) -> None:
        if not isinstance(value, bool):
            raise param_error(pointer, "应为布尔值", value)


@dataclass(frozen=True)
class Address:
    """Where to notify: https, no query, no IP; plain http only to this machine."""

    limit: int
    required: bool = True

    def check(self, value: object, pointer: str) -> None:
        Text(self.limit).check(value, pointer)
        parts = urlsplit(str(value))
        if not parts.hostname or parts.query or parts.fragment or "?" in str(value):
            raise param_error(pointer, "应为不带参数的完整URL", value)
        is_local = parts.hostname in LOOPBACK
        is_public = parts.scheme == "https" and not _is_ip(parts.hostname)
        if not is_public and not (is_local and parts.scheme in ("http", "https")):
            raise param_error(pointer, "应为公网可访问的https地址", value)


@dataclass(frozen=True)
class Many:
    """A list whose items all obey one rule."""

    item: Field
    required: bool = False
    limit: int = 3000

    def check(self, value: object, pointer: str) -> None:
        if not isinstance(value, list) or not value or len(value) > self.limit:
            raise param_error(pointer, "应为非空数组", value)
        for index, item in enumerate(value):
            self.item.check(item, f"{pointer}/{index}")


@dataclass(frozen=True)
class Group:
    """An object: the names it may and must have."""

    names: Mapping[str, Field]
    required: bool = True
    bytes_limit: int = field(default=0)

    def check(self, value: object, pointer: str) -> None:
        if not isinstance(value, dict):
            raise param_error(pointer or "/", "应为对象", value)
        for name, content in value.items():
            if name not in self.names:
                raise param_error(f"{pointer}/{name}", "此接口未定义该参数")
            if content is None:
                raise param_error(f"{pointer}/{name}", "不应为null")
            self.names[name].check(content, f"{pointer}/{name}")
        for name, rule in self.names.items():
            if rule.required and name not in value:
                raise param_error(f"{pointer}/{name}", "缺少必填参数")
        if (
            self.bytes_limit
            and len(json.dumps(value, ensure_ascii=False).encode()) > self.bytes_limit
        ):
            raise param_error(pointer, f"超过{self.bytes_limit}字节")


def body(description: Group) -> dict[str, Any]:
    """
    Return the request's JSON object, checked against the description.

    :raises PayRefusal: 400 PARAM_ERROR naming the first field that is wrong.
    """
    try:
        document = json.loads(request.get_data().decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise PayRefusal(400, "PARAM_ERROR", "请求体不是合法的JSON") from error
    description.check(document, "")
    return dict(document)


def _no_constant(name: str) -> object:
    raise ValueError(name)


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
