"""
The matrix of disorder: every switch of the sandbox's, in every state it can meet, and its outcome.

It is generated from the sandbox's own list of switches and from the states in the models, so that a
new switch or state is a row or column without anybody's thinking of it. `test_disorder.py` plays
every cell; `docs/disorder.md` is `render()`.
"""

import sys
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from app.orders.models import OrderStatus
from app.payments.models import PaymentStatus, RefundStatus
from sandbox import faults


class Outcome(StrEnum):
    """What the mall does at once about a message or an answer that is not in order."""

    REFUSED = "401"
    """Answered 401, and nothing is kept."""
    SET_ASIDE = "set aside"
    """Answered 204, kept, nothing changed: a person decides."""
    TAKEN = "taken"
    """It is as good as in order."""
    ONCE = "once"
    """It comes more than once and counts once."""
    ASKED = "asked"
    """It does not come, or too late: WeChat is asked, and the message then changes nothing."""
    UNKNOWN = "asked again"
    """No answer that can be believed: nothing is concluded, the same is asked again later."""
    REFUSAL = "tried again"
    """A refusal: it is noted, and the same bytes are sent again later."""


MESSAGES: Mapping[str, Outcome] = {
    **dict.fromkeys(
        [*faults.SIGNATURE, "xml_body", "malformed_json", "wrong_key"], Outcome.REFUSED
    ),
    **dict.fromkeys(["wrong_amount", "wrong_appid", "wrong_mchid", "content"], Outcome.SET_ASIDE),
    "unknown_fields": Outcome.TAKEN,
    **dict.fromkeys(["duplicate", "answer_lost"], Outcome.ONCE),
    **dict.fromkeys(["lost", "delayed", "out_of_order"], Outcome.ASKED),
}
"""By switch of a notification. A refund's names no appid: a wrong one there is an extra field."""

ANSWERS: Mapping[str, Outcome] = {
    **dict.fromkeys(
        [*faults.SIGNATURE, "malformed_json", "lost", "cut", "429", "500", "503"], Outcome.UNKNOWN
    ),
    **dict.fromkeys(
        ["accepted_429", "accepted_500", "expired_token", "invalid_token"], Outcome.UNKNOWN
    ),
    **dict.fromkeys(["error", "not_enough"], Outcome.REFUSAL),
    **dict.fromkeys(["wrong_amount", "wrong_appid", "wrong_mchid", "content"], Outcome.SET_ASIDE),
    **dict.fromkeys(["unknown_fields", "slow"], Outcome.TAKEN),
}
"""
By switch of a call. What an answer says falsely is set aside only where it is a statement about
money; a false number (`content`) makes it the answer to another question, which is none.
"""

PAYMENT_ENDS: Mapping[PaymentStatus, PaymentStatus] = {
    PaymentStatus.CREATED: PaymentStatus.PAID,
    PaymentStatus.OPEN: PaymentStatus.PAID,
    PaymentStatus.CLOSED: PaymentStatus.PAID_LATE,
    PaymentStatus.PAID: PaymentStatus.PAID,
    PaymentStatus.PAID_LATE: PaymentStatus.PAID_LATE,
    PaymentStatus.PAID_DUPLICATE: PaymentStatus.PAID_DUPLICATE,
}
"""What an attempt in each state is once WeChat's true word that it is paid has been heard."""
ORDER_ENDS: Mapping[OrderStatus, OrderStatus] = {
    **{status: status for status in OrderStatus},
    OrderStatus.UNPAID: OrderStatus.PAID,
    OrderStatus.CLOSING: OrderStatus.PAID,
}
"""The same of an order, by default; with `revive_late_orders` a closed one may be paid."""
REFUND_ENDS: Mapping[RefundStatus, RefundStatus] = {
    **dict.fromkeys(RefundStatus, RefundStatus.SUCCESS),
    RefundStatus.CLOSED: RefundStatus.CLOSED,
    RefundStatus.REPLACED: RefundStatus.REPLACED,
}
"""The same of a refund, of WeChat's last word about it: of a closed one that it is closed."""

CALLS: Mapping[str, tuple[str, str]] = {
    "prepay": ("order unpaid", "the attempt is open, under one number and one body"),
    "query": ("payment open", "paid"),
    "close": ("order closing", "closed"),
    "refund": ("refund pending", "processing, under one number and one body"),
    "refund_query": ("refund processing", "success"),
}
"""By call: the only state it is made in, and where things are once all is well again."""
NO_CALL = "In every other state the call is not made."


class Cell(NamedTuple):
    """One switch in one state."""

    surface: str
    switch: str
    subject: str
    state: StrEnum
    outcome: Outcome
    end: StrEnum


def messages() -> Iterator[Cell]:
    """Every notification that can be spoilt, in every state of what it is about."""
    switches = sorted(faults.AT_CREATION | faults.AT_ATTEMPT)
    for switch in switches:
        for subject, ends in (("payment", PAYMENT_ENDS), ("order", ORDER_ENDS)):
            for state, end in ends.items():
                yield Cell("notify_payment", switch, subject, state, MESSAGES[switch], end)
        outcome = Outcome.TAKEN if switch == "wrong_appid" else MESSAGES[switch]
        for refund, end in REFUND_ENDS.items():
            yield Cell("notify_refund", switch, "refund", refund, outcome, end)


def outcome_of_call(call: str, switch: str) -> Outcome:
    """What the mall makes of a call's answer."""
    expected = ANSWERS[switch]
    if expected is not Outcome.SET_ASIDE:
        return expected
    if call in {"prepay", "close"} or (switch == "wrong_appid" and call != "query"):
        return Outcome.TAKEN  # What is wrong there is not looked at: it says nothing of money.
    return Outcome.UNKNOWN if switch == "content" else expected


HEAD = """# Disorder

Every way in which the sandbox can spoil a message or an answer, in every state of the order, the
attempt to pay and the refund it is about, and what the mall makes of it. This page is generated
from the sandbox's switches and the states in the code by `tests/app/payments/disorder.py`; every
cell is played by `tests/app/payments/test_disorder.py`, most of them in the ordinary run and all of
them in the long one.

A cell says what happens at once, then what everything is once the truth has been heard, which it
always is: by the next message, by asking, or by the daily match. In no cell does anything happen
twice, and after each `flask verify` finds nothing.

"""


def render() -> str:
    """Write docs/disorder.md."""
    words = "\n".join(f"- `{one}`: {meaning}" for one, meaning in MEANINGS.items())
    parts = [HEAD, words, "\n\n"]
    cells = list(messages())
    for surface, subject, title in (
        ("notify_payment", "payment", "A payment's notification, by the attempt's state"),
        ("notify_payment", "order", "A payment's notification, by the order's state"),
        ("notify_refund", "refund", "A refund's notification, by the refund's state"),
    ):
        chosen = [cell for cell in cells if (cell.surface, cell.subject) == (surface, subject)]
        parts += [f"## {title}\n\n", _table(chosen), "\n"]
    parts += ["## Calls to WeChat\n\n", NO_CALL, "\n\n", _calls()]
    return "".join(parts)


MEANINGS = {
    Outcome.REFUSED: "answered 401, nothing is kept",
    Outcome.SET_ASIDE: "kept and acknowledged, nothing changed; a person may decide",
    Outcome.TAKEN: "as good as in order",
    Outcome.ONCE: "comes more than once, counts once",
    Outcome.ASKED: "comes too late or never; WeChat is asked, what comes then changes nothing",
    Outcome.UNKNOWN: "nothing is concluded; WeChat is asked before the same bytes are sent again",
    Outcome.REFUSAL: "noted; the same bytes are sent again later, or staff have it asked",
}


def _table(cells: list[Cell]) -> str:
    states = list(dict.fromkeys(cell.state for cell in cells))
    lines = [
        f"| switch | {' | '.join(f'`{state}`' for state in states)} |",
        f"| --- |{' --- |' * len(states)}",
    ]
    for switch in dict.fromkeys(cell.switch for cell in cells):
        row = [cell for cell in cells if cell.switch == switch]
        shown = " | ".join(f"{cell.outcome} → {cell.end}" for cell in row)
        lines.append(f"| `{switch}` | {shown} |")
    return "\n".join(lines) + "\n"


def _calls() -> str:
    lines = [
        f"| switch | {' | '.join(f'`{call}`, {state}' for call, (state, _) in CALLS.items())} |",
        f"| --- |{' --- |' * len(CALLS)}",
    ]
    for switch in sorted(faults.CALL_KINDS):
        shown = " | ".join(str(outcome_of_call(call, switch)) for call in CALLS)
        lines.append(f"| `{switch}` | {shown} |")
    ends = " | ".join(end for _, end in CALLS.values())
    lines.append(f"| then | {ends} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render())
