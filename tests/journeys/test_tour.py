"""
The story of the mall, told against real processes over HTTP; then every balance proven.

Each run tells it once, with a blow in the middle (`test_kill_nine`); here nothing disturbs it.
"""

import pytest

from demo import tour

pytestmark = [pytest.mark.slow, pytest.mark.soak]


def test_the_tour_is_true_again_and_again(mall):
    for _ in range(3):
        tell(mall)


def tell(mall):
    lines: list[str] = []
    status = tour.tell(mall.url, mall.sandbox_url, mall.folder, lines.append)
    assert status == 0, "\n".join(lines)
    assert "every balance proves itself" in mall.flask("verify")
