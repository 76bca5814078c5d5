"""
Which lines a promotion is about: all, or by category subtree, SPU, SKU and tag, minus exclusions.

A scope also names the index keys under which a snapshot files its promotion.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from promotions.pricing.cart import CartLine
from promotions.pricing.money import whole

Key = tuple[str, int | str]
EVERYTHING: Key = ("all", 0)


class EmptyScope(ValueError):
    """A scope names nothing, or excludes everything it names."""


def keys_of(line: CartLine) -> Iterator[Key]:
    """Yield every key under which a promotion may be filed that could concern `line`."""
    yield EVERYTHING
    yield ("sku", line.sku_id)
    yield ("spu", line.spu_id)
    for category_id in line.category_path:
        yield ("category", category_id)
    for tag in line.tags:
        yield ("tag", tag)


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """A set of goods. A category stands for its whole subtree."""

    category_ids: frozenset[int] = frozenset()
    spu_ids: frozenset[int] = frozenset()
    sku_ids: frozenset[int] = frozenset()
    tags: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name in ("category_ids", "spu_ids", "sku_ids"):
            for identifier in getattr(self, name):
                whole(identifier, name)

    def __bool__(self) -> bool:
        return bool(self.category_ids or self.spu_ids or self.sku_ids or self.tags)

    def index_keys(self) -> Iterator[Key]:
        """Yield the index keys of these goods, in a fixed order."""
        yield from (("category", identifier) for identifier in sorted(self.category_ids))
        yield from (("spu", identifier) for identifier in sorted(self.spu_ids))
        yield from (("sku", identifier) for identifier in sorted(self.sku_ids))
        yield from (("tag", tag) for tag in sorted(self.tags))

    def covers(self, line: CartLine) -> bool:
        """Say whether `line` is one of these goods."""
        return (
            line.sku_id in self.sku_ids
            or line.spu_id in self.spu_ids
            or not self.category_ids.isdisjoint(line.category_path)
            or not self.tags.isdisjoint(line.tags)
        )


NOTHING = Targets()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """
    The goods a promotion is about: `include` (None: all goods) without `exclude`.

    :raises EmptyScope: `include` names nothing, or `exclude` names all of it again.
    """

    include: Targets | None = None
    exclude: Targets = NOTHING

    def __post_init__(self) -> None:
        if self.include is not None and set(self.include.index_keys()) <= set(
            self.exclude.index_keys()
        ):
            raise EmptyScope("the scope names nothing that it does not exclude")

    def index_keys(self) -> Iterator[Key]:
        """Yield the index keys under which a promotion of this scope is filed."""
        if self.include is None:
            yield EVERYTHING
        else:
            yield from self.include.index_keys()

    def covers(self, line: CartLine) -> bool:
        """Say whether `line` is in scope; an exclusion always wins."""
        return (self.include is None or self.include.covers(line)) and not self.exclude.covers(line)


ALL_GOODS = Scope()
