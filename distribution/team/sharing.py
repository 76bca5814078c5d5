"""
The scene string of a mini-program code: who shares, and which product.

WeChat allows 32 visible characters of ASCII letters, digits and ``!#$&'()*+,/:;=?@-._~``.
The longest scene, `i=` with an invite code and `&s=` with a 19-digit id, is exactly 32.
"""

import re

SCENE = re.compile(r"i=(?P<code>[2-9A-HJ-NP-Z]{8})(?:&s=(?P<spu_id>[1-9][0-9]{0,18}))?")


def scene(invite_code: str, *, spu_id: int | None = None) -> str:
    """The scene that carries `invite_code` and, for a shared product, its id."""
    return f"i={invite_code}" + (f"&s={spu_id}" if spu_id is not None else "")


def invite_code_in(scene: str) -> str | None:
    """The invite code a scene carries; None if it is not one of ours."""
    found = SCENE.fullmatch(scene)
    return found["code"] if found else None


def spu_id_in(scene: str) -> int | None:
    """The product a scene carries; None if it carries none, or is not one of ours."""
    found = SCENE.fullmatch(scene)
    return int(found["spu_id"]) if found and found["spu_id"] else None
