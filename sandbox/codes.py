"""
Mini-program codes: what may be asked for, and a picture that is always the same for it.

The picture looks like a code and cannot be scanned; its scene and page are written into it as PNG
text, so that a person or a test can read what it stands for.
"""

from __future__ import annotations

import collections
import hashlib
import re
import struct
import zlib
from dataclasses import dataclass
from typing import Any

from sandbox.errors import MiniRefusal
from sandbox.world import Merchant, Store, World

SCENE_LIMIT = 32
SCENE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]+")
PAGE = re.compile(r"[^/?][^?]*")
WIDTHS = range(280, 1281)
CALLS_A_MINUTE = 5000
UNCHECKED_PAGES = 60_000
CELLS = 25
CORNER = 7
SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Code:
    """What one picture stands for. `width` in pixels; an empty page is the home page."""

    appid: str
    scene: str
    page: str = ""
    env_version: str = "release"
    width: int = 430
    is_hyaline: bool = False


class Codes(Store):
    """What each mini-program has released, and how much it has asked for."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.released: dict[str, set[str]] = {}
        """Pages by appid; of a mini-program not named every page is released."""
        self._unchecked: dict[str, set[str]] = {}
        self._calls: dict[str, collections.deque[float]] = {}

    def count_call(self, merchant: Merchant) -> None:
        """
        Count a call.

        :raises MiniRefusal: 45009 too many within a minute.
        """
        now = self.world.clock.passed()
        calls = self._calls.setdefault(merchant.appid, collections.deque())
        while calls and calls[0] <= now - 60:
            calls.popleft()
        if len(calls) >= CALLS_A_MINUTE:
            raise MiniRefusal(45009, "reach max api daily quota limit")
        calls.append(now)

    def check_page(self, merchant: Merchant, page: str, *, is_checked: bool) -> None:
        """
        Refuse a page a code cannot lead to; no page is the home page.

        :raises MiniRefusal: 41030 malformed or not released, 45009 too many unchecked ones.
        """
        if not page:
            return
        if not PAGE.fullmatch(page):
            raise MiniRefusal(41030, "invalid page")
        if is_checked:
            if page not in self.released.get(merchant.appid, {page}):
                raise MiniRefusal(41030, "invalid page")
            return
        pages = self._unchecked.setdefault(merchant.appid, set())
        if page not in pages and len(pages) >= UNCHECKED_PAGES:
            raise MiniRefusal(45009, "reach max api daily quota limit")
        pages.add(page)


def read(merchant: Merchant, values: dict[str, Any]) -> Code:
    """
    Return the code a request asks for; its page is still to be checked.

    :raises MiniRefusal: 40169 no scene or too long, 40129 other characters, 40097 the rest.
    """
    scene = values.get("scene")
    if not isinstance(scene, str) or not 1 <= len(scene) <= SCENE_LIMIT:
        raise MiniRefusal(40169, "invalid length for scene, or the data is not json string")
    if not SCENE.fullmatch(scene):
        raise MiniRefusal(40129, "invalid scene")
    page, env = values.get("page", ""), values.get("env_version", "release")
    width, hyaline = values.get("width", 430), values.get("is_hyaline", False)
    is_good = (
        isinstance(page, str)
        and env in ("release", "trial", "develop")
        and isinstance(width, int)
        and width in WIDTHS
        and isinstance(hyaline, bool)
        and isinstance(values.get("check_path", True), bool)
    )
    if not is_good:
        raise MiniRefusal(40097, "invalid args")
    return Code(merchant.appid, scene, page, env, width, hyaline)


def picture(code: Code) -> bytes:
    """Return the PNG of a code: the same bytes for the same code."""
    cells = _cells(code)
    scale = [index * CELLS // code.width for index in range(code.width)]
    lines = [bytes(255 * (1 - row[column]) for column in scale) for row in cells]
    pixels = b"".join(b"\0" + lines[row] for row in scale)
    parts = [
        _chunk(b"IHDR", struct.pack(">IIBBBBB", code.width, code.width, 8, 0, 0, 0, 0)),
        _text("scene", code.scene),
        _text("page", code.page),
    ]
    if code.is_hyaline:
        parts.append(_chunk(b"tRNS", struct.pack(">H", 255)))
    parts += [_chunk(b"IDAT", zlib.compress(pixels, 9)), _chunk(b"IEND", b"")]
    return SIGNATURE + b"".join(parts)


def _cells(code: Code) -> list[list[int]]:
    """Return the pattern, 1 for black: digest bits, a white edge and three corner marks."""
    seed = "\n".join((code.appid, code.env_version, code.page, code.scene))
    bits = hashlib.shake_256(seed.encode()).digest(CELLS * CELLS)
    cells = [
        [
            bits[row * CELLS + column] & 1 if 0 < row < CELLS - 1 and 0 < column < CELLS - 1 else 0
            for column in range(CELLS)
        ]
        for row in range(CELLS)
    ]
    far = CELLS - 1 - CORNER
    for top, left in ((1, 1), (1, far), (far, 1)):
        for row in range(CORNER):
            for column in range(CORNER):
                ring = min(row, column, CORNER - 1 - row, CORNER - 1 - column)
                cells[top + row][left + column] = 0 if ring == 1 else 1
    return cells


def _text(keyword: str, text: str) -> bytes:
    return _chunk(b"iTXt", keyword.encode() + b"\0\0\0\0\0" + text.encode(errors="replace"))


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)
