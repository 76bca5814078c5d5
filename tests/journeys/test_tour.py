"""The story of one trade, told against real processes over HTTP; then every balance proven."""

import pytest

from demo import tour

pytestmark = [pytest.mark.slow]


def test_the_tour_is_true_twice_in_a_row(mall):
    for _ in range(2):
        lines: list[str] = []
        status = tour.tell(mall.url, mall.sandbox_url, mall.folder, lines.append)
        assert status == 0, "\n".join(lines)
    assert "every balance proves itself" in mall.flask("verify")
