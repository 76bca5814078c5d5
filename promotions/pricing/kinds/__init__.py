"""
The kinds of promotion, one file each, by the name a campaign carries.
"""

from promotions.pricing.kinds.spend_and_save import SpendAndSave
from promotions.pricing.rule import Rule

KINDS: dict[str, type[Rule]] = {SpendAndSave.kind: SpendAndSave}
