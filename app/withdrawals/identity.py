"""Chinese citizens' identity numbers: whether one can be true, and how old its owner is. Pure."""

import re
from datetime import date, datetime

from app.core.clock import china_day

ADULT_YEARS = 18
_FORM = re.compile(r"[1-9]\d{5}(\d{4})(\d{2})(\d{2})\d{3}[\dX]")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"


def born_on(number: str) -> date | None:
    """The birthday in an identity number of GB 11643; None if no such number can exist."""
    found = _FORM.fullmatch(number)
    if found is None or _check_digit(number) != number[-1]:
        return None
    year, month, day = (int(part) for part in found.groups())
    try:
        return date(year, month, day)
    except ValueError:
        return None


def is_adult(born: date, *, now: datetime) -> bool:
    """Whether somebody born on that day is eighteen at `now`, in Asia/Shanghai."""
    today = china_day(now)
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return years >= ADULT_YEARS


def mask(number: str) -> str:
    """`110101199003070000` → `1****************0`: the first and the last symbol."""
    return f"{number[:1]}{'*' * (len(number) - 2)}{number[-1:]}"


def _check_digit(number: str) -> str:
    weighed = sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False))
    return _CHECKS[weighed % 11]
