"""
A campaign as plain data, and the promotion the pricing engine makes of it.

`Campaign` is what a merchant sets up. It is stored partly in columns and partly in the JSON
`definition`; both directions of that are here and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from promotions import pricing
from promotions.models import Promotion, PromotionCounter

SCOPE_FIELDS = ("category_ids", "spu_ids", "sku_ids", "tags")


class UnknownKind(ValueError):
    """No kind of promotion has this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """
    Everything a merchant decides about a campaign.

    `includes` and `excludes` map `category_ids`, `spu_ids`, `sku_ids` and `tags` to lists; no
    `includes` means all goods. `terms` are the kind's own.
    """

    kind: str
    title: str
    terms: Mapping[str, Any]
    starts_at: datetime
    ends_at: datetime | None = None
    includes: Mapping[str, Any] | None = None
    excludes: Mapping[str, Any] = field(default_factory=dict)
    group: str | None = None
    group_mode: str = pricing.GroupMode.BEST.value
    priority: int = 0
    tags: tuple[str, ...] = ()
    agrees_with: tuple[str, ...] = ()
    stop_after: bool = False
    base: str = pricing.Base.RUNNING.value
    max_discount_fen: int | None = None
    max_uses: int | None = None
    budget_fen: int | None = None

    @property
    def is_capped(self) -> bool:
        """Whether uses or budget are limited."""
        return self.max_uses is not None or self.budget_fen is not None

    def compiled(self, promotion_id: int) -> pricing.Promotion:
        """
        Return the promotion the engine prices with.

        :raises UnknownKind: there is no such kind.
        :raises BadTerms: the terms contradict themselves.
        :raises EmptyScope: nothing is left in scope.
        :raises EmptyWindow: it ends no later than it starts.
        """
        rule = rule_of(self.kind, self.terms)
        return pricing.Promotion(
            promotion_id=promotion_id,
            title=self.title,
            rule=rule,
            lane=rule.lane,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            scope=pricing.Scope(
                include=None if self.includes is None else _targets(self.includes),
                exclude=_targets(self.excludes),
            ),
            group=self.group,
            group_mode=pricing.GroupMode(self.group_mode),
            priority=self.priority,
            tags=frozenset(self.tags),
            agrees_with=frozenset(self.agrees_with),
            stop_after=self.stop_after,
            base=pricing.Base(self.base),
            max_discount_fen=self.max_discount_fen,
            is_capped=self.is_capped,
        )

    def definition(self) -> dict[str, Any]:
        """Return what the `definition` column holds."""
        return {
            "terms": rule_of(self.kind, self.terms).to_json(),
            "includes": None if self.includes is None else _plain(self.includes),
            "excludes": _plain(self.excludes),
            "group_mode": self.group_mode,
            "agrees_with": sorted(self.agrees_with),
            "stop_after": self.stop_after,
            "base": self.base,
            "max_discount_fen": self.max_discount_fen,
        }

    def to_json(self) -> dict[str, Any]:
        """Return all of it as plain data, for the history."""
        return {
            **self.definition(),
            "kind": self.kind,
            "title": self.title,
            "starts_at": self.starts_at.isoformat(),
            "ends_at": None if self.ends_at is None else self.ends_at.isoformat(),
            "group": self.group,
            "priority": self.priority,
            "tags": sorted(self.tags),
            "max_uses": self.max_uses,
            "budget_fen": self.budget_fen,
        }


def rule_of(kind: str, terms: Mapping[str, Any]) -> pricing.Rule:
    """
    Return the rule of a kind with these terms.

    :raises UnknownKind: there is no such kind.
    :raises BadTerms: the terms contradict themselves.
    """
    if kind not in pricing.KINDS:
        raise UnknownKind(kind)
    return pricing.KINDS[kind].parse(terms)


def campaign_of(row: Promotion, counter: PromotionCounter | None) -> Campaign:
    """Return the campaign that is stored in `row` and, if it is limited, `counter`."""
    return Campaign(
        kind=row.kind,
        title=row.title,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        group=row.group_name,
        priority=row.priority,
        tags=tuple(row.tags),
        max_uses=None if counter is None else counter.max_uses,
        budget_fen=None if counter is None else counter.budget_fen,
        **{**row.definition, "agrees_with": tuple(row.definition["agrees_with"])},
    )


def _targets(chosen: Mapping[str, Any]) -> pricing.Targets:
    return pricing.Targets(**{name: frozenset(chosen.get(name, ())) for name in SCOPE_FIELDS})


def _plain(chosen: Mapping[str, Any]) -> dict[str, Any]:
    return {name: sorted(chosen[name]) for name in SCOPE_FIELDS if chosen.get(name)}
