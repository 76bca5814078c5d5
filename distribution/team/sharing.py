"""
The scene string of a mini-program code, a poster or a link: who shares, how, and which product.

WeChat allows 32 visible characters of ASCII letters, digits and ``!#$&'()*+,/:;=?@-._~``.
The longest scene, a mark with an invite code and `&s=` with a 19-digit id, is exactly 32: the mark
itself must therefore say what carries it.
"""

import re

from distribution.team.states import Source

SCENE = re.compile(
    r"(?P<mark>[ilp])=(?P<code>[2-9A-HJ-NP-Z]{8})(?:&s=(?P<spu_id>[1-9][0-9]{0,18}))?"
)
MARKS = {Source.CODE: "i", Source.LINK: "l", Source.POSTER: "p"}
"""What a scene is carried by, in the words of the binding log, and its first letter."""
_CARRIERS = {mark: carrier for carrier, mark in MARKS.items()}


def scene(invite_code: str, *, spu_id: int | None = None, carrier: Source = Source.CODE) -> str:
    """The scene that carries `invite_code` and, for a shared product, its id."""
    return f"{MARKS[carrier]}={invite_code}" + (f"&s={spu_id}" if spu_id is not None else "")


def invite_code_in(scene: str) -> str | None:
    """The invite code a scene carries; None if it is not one of ours."""
    found = SCENE.fullmatch(scene)
    return found["code"] if found else None


def carrier_of(scene: str) -> Source | None:
    """What carried the scene; None if it is not one of ours."""
    found = SCENE.fullmatch(scene)
    return _CARRIERS[found["mark"]] if found else None


def spu_id_in(scene: str) -> int | None:
    """The product a scene carries; None if it carries none, or is not one of ours."""
    found = SCENE.fullmatch(scene)
    return int(found["spu_id"]) if found and found["spu_id"] else None
