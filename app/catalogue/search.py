"""
Search that works for Chinese without any extension: what words become, and what a query asks.

Chinese is not written in words, so a run of Chinese characters is indexed as its characters and its
bigrams: 保温杯 becomes 保 温 杯 保温 温杯. A query for two or more characters asks for all of its
bigrams, so every part of a title finds it. Runs of other letters and digits are words, lower-cased,
found by their beginning. All else separates.

Nothing but letters and digits ever reaches a tsquery, so no input can break one.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

HAN = (
    "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
"""Scripts written without spaces: Chinese, kana, and Hangul, whose words carry endings."""

RUN = re.compile(rf"(?P<han>[{HAN}]+)|(?P<word>[^\W_{HAN}]+)")
WORD_MAX = 64
TERMS_MAX = 64
"""A query is cut after so many terms; nobody types more."""


def tokens(texts: Iterable[str]) -> list[str]:
    """What `texts` are found by, sorted and without repeats: the lexemes of a tsvector."""
    found: set[str] = set()
    for run, is_han in _runs(" ".join(texts)):
        if is_han:
            found.update(run)
            found.update(_bigrams(run))
        else:
            found.add(run[:WORD_MAX])
    return sorted(found)


def query(text: str) -> str | None:
    """The tsquery, as text, that asks for everything in `text`; None if it holds no letter."""
    terms: dict[str, None] = {}
    for run, is_han in _runs(text):
        if not is_han:
            terms[f"'{run[:WORD_MAX]}':*"] = None
        else:
            terms.update(dict.fromkeys(f"'{each}'" for each in _bigrams(run) or [run]))
    return " & ".join(list(terms)[:TERMS_MAX]) or None


def _runs(text: str) -> Iterator[tuple[str, bool]]:
    plain = unicodedata.normalize("NFKC", text).casefold()
    for match in RUN.finditer(plain):
        yield match.group(), match.lastgroup == "han"


def _bigrams(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)]
