"""
Texts as WeChat accepts them: no emoji, no control characters, cut to a limit.

Limits are counted in UTF-8 bytes, the stricter of the two readings the documents allow.
"""

WIDEST = 0xFFFF
"""WeChat Pay refuses characters of four UTF-8 bytes, which are those above this code point."""


def clean(text: str) -> str:
    """Drop what WeChat refuses anywhere in a body, and squeeze white space."""
    kept = "".join(c if c.isprintable() else " " for c in text if ord(c) <= WIDEST)
    return " ".join(kept.split())


def clip(text: str, limit: int) -> str:
    """Clean `text` and cut it to at most `limit` bytes, never through a character."""
    return clean(text).encode()[:limit].decode(errors="ignore").rstrip()
