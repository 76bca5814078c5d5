"""
The restore drill against real servers: the database is lost, and not a fen goes without a word.

It starts a mall of its own, because it destroys it.
"""

import pytest

from demo.drill import Drill
from demo.lost import in_silence


@pytest.mark.slow
@pytest.mark.soak
def test_a_restored_mall_finds_what_wechat_knows_and_proves_itself(new_folder):
    lines: list[str] = []

    status = Drill(new_folder().resolve(), lines.append).run()

    said = "\n".join(lines)
    assert status == 0, said
    assert "收款：微信 6 笔 ¥708.00 = 本店 5 笔 ¥590.00 + 列出 1 笔 ¥118.00" in said
    assert "退款：微信 3 笔 ¥354.00 = 本店 2 笔 ¥236.00 + 列出 1 笔 ¥118.00" in said
    assert "佣金打款：微信 2 笔 ¥23.60 = 本店 1 笔 ¥11.80 + 列出 1 笔 ¥11.80" in said
    assert "every balance proves itself" in said


@pytest.mark.parametrize(
    ("here", "listed", "silent"),
    [
        ({"P1": 100, "P2": 5}, {}, set()),
        ({"P1": 100}, {"P2": 5}, set()),
        ({"P1": 100}, {}, {"P2"}),
        ({"P1": 99}, {"P2": 5}, {"P1"}),
        ({"P1": 99}, {"P1": 100, "P2": 5}, {"P1"}),
        ({"P1": 100}, {"P2": None}, {"P2"}),
    ],
)
def test_what_is_neither_here_nor_listed_to_the_fen_was_lost_in_silence(here, listed, silent):
    assert in_silence({"P1": 100, "P2": 5}, here, listed) == silent
