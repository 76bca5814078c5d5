"""
The decisions of the merchant as one value, with a default for each. Pure.

A decision that is added later needs only a field here: what an older version does not say is the
default.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class BadShopRules(Exception):
    """The rules cannot be kept; `field` says which and `message`, in Chinese, why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.message = field, message


class RestPolicy(StrEnum):
    """What happens when a return breaks the threshold of a discount."""

    KEEP = "keep"
    """The paid share goes back; the rest keeps its price."""
    REPRICE = "reprice"
    """The rest is priced again, and the discount it lost is deducted."""


class StaffSilence(StrEnum):
    """How an after-sale goes on that staff did not answer in time."""

    APPROVE = "approve"
    REJECT = "reject"


class UploadShipping(StrEnum):
    """Whether WeChat is told of parcels (发货信息管理)."""

    AUTO = "auto"
    """As WeChat demands it of this mini-program."""
    ON = "on"
    OFF = "off"


DAY_MAX = 90
HOUR_MAX = 720
REVIEW_DAY_MAX = 365
MINUTE_MAX = 1_380

RANGES = {
    "receive_after_days": (1, DAY_MAX),
    "complete_after_days": (0, DAY_MAX),
    "staff_answer_hours": (1, HOUR_MAX),
    "buyer_sends_days": (1, DAY_MAX),
    "shop_receives_days": (1, DAY_MAX),
    "remind_unpaid_minutes": (0, MINUTE_MAX),
    "review_days": (1, REVIEW_DAY_MAX),
}
"""The least and the most of each number."""
CHOICES: Mapping[str, type[StrEnum]] = {
    "rest_policy": RestPolicy,
    "staff_answer_outcome": StaffSilence,
    "upload_shipping": UploadShipping,
}


@dataclass(frozen=True, slots=True)
class ShopRules:
    """
    One version of the rules; version 0 is the defaults of a shop that has decided nothing.

    :raises BadShopRules: a value is of the wrong kind or out of its range.
    """

    version: int = 0
    receive_after_days: int = 10
    """From shipping: then the goods count as received."""
    complete_after_days: int = 7
    """From receiving: the after-sales window, after which the order is complete."""
    revive_late_orders: bool = False
    """Money that comes for a closed order opens it again, if all it needs can be held again."""
    rest_policy: RestPolicy = RestPolicy.KEEP
    staff_answer_hours: int = 48
    """How long staff may take to answer an after-sale."""
    staff_answer_outcome: StaffSilence = StaffSilence.APPROVE
    buyer_sends_days: int = 7
    """How long the buyer may take to send goods back once that is agreed."""
    shop_receives_days: int = 10
    """How long the shop may take to confirm that goods are back."""
    remind_unpaid_minutes: int = 10
    """How long before an unpaid order closes its buyer is reminded; 0: never."""
    upload_shipping: UploadShipping = UploadShipping.AUTO
    reviews_wait_for_staff: bool = False
    """A review is shown only once staff have let it pass."""
    review_days: int = 30
    """From receiving: how long the buyer may review."""

    def __post_init__(self) -> None:
        """
        Refuse what no shop could keep.

        :raises BadShopRules: see there.
        """
        for name, (least, most) in RANGES.items():
            value = getattr(self, name)
            if type(value) is not int or not least <= value <= most:
                raise BadShopRules(name, f"须在 {least} 到 {most} 之间")
        for name, kind in CHOICES.items():
            if not isinstance(getattr(self, name), kind):
                raise BadShopRules(name, f"须为以下之一：{', '.join(kind)}")
        for name in ("revive_late_orders", "reviews_wait_for_staff"):
            if not isinstance(getattr(self, name), bool):
                raise BadShopRules(name, "须为 true 或 false")

    def values(self) -> dict[str, Any]:
        """Give every decision as plain data, without the version."""
        values = asdict(self)
        del values["version"]
        return values


def stored(version: int, values: Mapping[str, Any]) -> ShopRules:
    """Read one version as it was kept; what it does not know yet is the default."""
    known = {name: value for name, value in values.items() if name in ShopRules.__slots__}
    for name, kind in CHOICES.items():
        if name in known:
            known[name] = kind(known[name])
    return ShopRules(**known | {"version": version})
