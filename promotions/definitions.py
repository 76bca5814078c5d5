"""
A campaign as plain data, and the promotion the pricing engine makes of it.

`Campaign` is what a merchant sets up. It is stored partly in columns and partly in the JSON
`definition`; both directions of that are here and nowhere else.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from promotions import pricing
from promotions.models import Promotion, PromotionCounter
from promotions.pricing.kinds import DealRule
from promotions.states import MemberPeriod

COUPON_KINDS = "coupon_"
"""What the names of the kinds begin with that a buyer needs a coupon for."""
CAPS = ("max_uses", "budget_fen", "max_units", "member_max_uses", "member_max_units")
"""The limits that a counter carries, by the name they have there and in a set-up."""
SCOPE_FIELDS = ("category_ids", "spu_ids", "sku_ids", "tags")


class UnknownKind(ValueError):
    """No kind of promotion has this name."""


class Unreadable(ValueError):
    """A stored campaign says what this release does not understand: a newer one has written it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """
    Everything a merchant decides about a campaign.

    `includes` and `excludes` map `category_ids`, `spu_ids`, `sku_ids` and `tags` to lists; no
    `includes` means all goods. `terms` are the kind's own. `audience` has `levels`, `tags` and
    `is_new`, each of `slots` has `weekdays`, `from_minute` and `until_minute`. Each of `gift_stock`
    has `sku_id` and `total`, and so has each of `stock`: pieces set aside to be sold at a deal's
    price. `issue` says how the coupons of a coupon kind are issued. What a campaign makes cheaper
    earns nobody commission unless it `pays_commission`.
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
    audience: Mapping[str, Any] | None = None
    slots: Sequence[Mapping[str, Any]] = ()
    gift_stock: Sequence[Mapping[str, int]] = ()
    stock: Sequence[Mapping[str, int]] = ()
    issue: Mapping[str, Any] | None = None
    pays_commission: bool = True
    max_uses: int | None = None
    budget_fen: int | None = None
    max_units: int | None = None
    member_max_uses: int | None = None
    member_max_units: int | None = None
    member_period: str = MemberPeriod.LIFETIME.value

    @property
    def has_counter(self) -> bool:
        """Whether uses, budget or pieces are limited, for all together or for each member."""
        return any(getattr(self, name) is not None for name in CAPS)

    @property
    def is_capped(self) -> bool:
        """Whether it is limited in any way, its gifts included."""
        return self.has_counter or bool(self.gift_stock)

    @property
    def needs_coupon(self) -> bool:
        """Whether it is a template of coupons: only who holds one may use it."""
        return self.kind.startswith(COUPON_KINDS)

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
            scope=pricing.Scope(include=self._includes(rule), exclude=_targets(self.excludes)),
            group=self.group,
            group_mode=pricing.GroupMode(self.group_mode),
            priority=self.priority,
            tags=frozenset(self.tags),
            agrees_with=frozenset(self.agrees_with),
            stop_after=self.stop_after,
            base=pricing.Base(self.base),
            max_discount_fen=self.max_discount_fen,
            is_capped=self.is_capped,
            audience=audience_of(self.audience),
            slots=slots_of(self.slots),
            needs_coupon=self.needs_coupon,
            is_deal=isinstance(rule, DealRule),
            with_coupons=isinstance(rule, DealRule) and rule.with_coupons,
            has_stock=bool(self.stock),
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
            "audience": None if self.audience is None else _plain_audience(self.audience),
            "slots": [_plain_slot(slot) for slot in self.slots],
            "gift_stock": [
                {"sku_id": stock["sku_id"], "total": stock["total"]} for stock in self.gift_stock
            ],
            **({"stock": [dict(each) for each in self.stock]} if self.stock else {}),
            "issue": None if self.issue is None else dict(self.issue),
            "pays_commission": self.pays_commission,
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
            **{name: getattr(self, name) for name in CAPS},
            "member_period": self.member_period,
        }

    def _includes(self, rule: pricing.Rule) -> pricing.Targets | None:
        if rule.sku_ids is not None:
            return pricing.Targets(sku_ids=rule.sku_ids)
        return None if self.includes is None else _targets(self.includes)


def rule_of(kind: str, terms: Mapping[str, Any]) -> pricing.Rule:
    """
    Return the rule of a kind with these terms.

    :raises UnknownKind: there is no such kind.
    :raises BadTerms: the terms contradict themselves.
    """
    if kind not in pricing.KINDS:
        raise UnknownKind(kind)
    return pricing.KINDS[kind].parse(terms)


def audience_of(chosen: Mapping[str, Any] | None) -> pricing.Audience:
    """Return the audience that these levels, tags and newness describe; without any, everybody."""
    if chosen is None:
        return pricing.EVERYBODY
    return pricing.Audience(
        levels=frozenset(chosen.get("levels", ())),
        tags=frozenset(chosen.get("tags", ())),
        is_new=chosen.get("is_new"),
    )


def slots_of(chosen: Iterable[Mapping[str, Any]]) -> tuple[pricing.Slot, ...]:
    """
    Return the slots in the order given.

    :raises EmptyWindow: one ends no later than it starts.
    """
    return tuple(
        pricing.Slot(
            from_minute=slot["from_minute"],
            until_minute=slot["until_minute"],
            weekdays=frozenset(slot.get("weekdays", ())),
        )
        for slot in chosen
    )


def campaign_of(row: Promotion, counter: PromotionCounter | None) -> Campaign:
    """Return the campaign that is stored in `row` and, if it is limited, `counter`."""
    stored = {**row.definition, "agrees_with": tuple(row.definition["agrees_with"])}
    if counter is not None:
        stored |= {name: getattr(counter, name) for name in CAPS}
        stored["member_period"] = counter.member_period.value
    return Campaign(
        kind=row.kind,
        title=row.title,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        group=row.group_name,
        priority=row.priority,
        tags=tuple(row.tags),
        **stored,
    )


def compiled_of(row: Promotion, counter: PromotionCounter | None) -> pricing.Promotion:
    """
    Return the promotion the engine prices with of a stored campaign.

    :raises Unreadable: its kind, its terms or its manners are not known here.
    """
    try:
        return campaign_of(row, counter).compiled(row.id)
    except (KeyError, TypeError, ValueError) as error:
        raise Unreadable(f"a {row.kind}: {error!r}") from error


def _targets(chosen: Mapping[str, Any]) -> pricing.Targets:
    return pricing.Targets(**{name: frozenset(chosen.get(name, ())) for name in SCOPE_FIELDS})


def _plain(chosen: Mapping[str, Any]) -> dict[str, Any]:
    return {name: sorted(chosen[name]) for name in SCOPE_FIELDS if chosen.get(name)}


def _plain_audience(chosen: Mapping[str, Any]) -> dict[str, Any]:
    audience = audience_of(chosen)
    return {
        "levels": sorted(audience.levels),
        "tags": sorted(audience.tags),
        "is_new": audience.is_new,
    }


def _plain_slot(slot: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "weekdays": sorted(slot.get("weekdays", ())),
        "from_minute": slot["from_minute"],
        "until_minute": slot["until_minute"],
    }
