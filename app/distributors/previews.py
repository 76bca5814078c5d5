"""
What an order would pay the people above the buyer, by the rules in force or by others on trial.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy.orm import Session

from app.catalogue import queries as catalogue
from app.catalogue.queries import SellableSku
from app.core.errors import Invalid
from app.distributors import explaining, wording
from distribution.commissions import promises
from distribution.commissions.earning import ALL_GOODS, PaidLine, Rate, Target
from distribution.commissions.policy import Pay
from distribution.commissions.rules import BadRules, CommissionRules

ANY_GOODS = 0
"""The SKU and product of a line that names none: only what is set for the shop concerns it."""
LEVELS = ("level1", "level2")


def preview(
    session: Session,
    *,
    lines: Sequence[Mapping[str, Any]],
    rules: Mapping[str, Any] | None,
    rates: Sequence[Mapping[str, Any]],
    level1_grade_id: int | None,
    level2_grade_id: int | None,
) -> dict[str, Any]:
    """
    What an order would pay, by the rules and rates in force or by others that are only tried.

    :raises SkuNotFound: a SKU is unknown; its id is `sku_id`.
    :raises Invalid: the rules or rates tried could not be set.
    """
    skus = _skus(session, lines)
    tried = promises.Trial(
        rules=None if rules is None else CommissionRules(**rules),
        rates=[rate_of(each) for each in rates],
        level1_grade_id=level1_grade_id,
        level2_grade_id=level2_grade_id,
    )
    paid = [_line(seq, each, skus) for seq, each in enumerate(lines, start=1)]
    with checked():
        found = promises.preview(session, paid, tried)
    return _previewed(paid, skus, found)


def line_of(name: str, sku: SellableSku, *, paid_fen: int, quantity: int = 1) -> PaidLine:
    """Pieces of a SKU as if they were paid now."""
    cost_fen = sku.cost_price_fen
    return PaidLine(
        line_source=name,
        sku_id=sku.sku_id,
        spu_id=sku.spu_id,
        paid_fen=paid_fen,
        category_path=sku.category_path,
        quantity=quantity,
        cost_fen=None if cost_fen is None else cost_fen * quantity,
    )


def rate_of(fields: Mapping[str, Any]) -> Rate:
    """The rate that staff sent."""
    said = [Pay(fields[f"{level}_bp"], fields[f"{level}_fen"]) for level in LEVELS]
    first, second = (None if pay == Pay() else pay for pay in said)
    target = Target(fields["scope"], fields["target_id"] or ALL_GOODS)
    return Rate(target, fields["grade_id"], first, second, is_off=fields["is_off"])


@contextmanager
def checked() -> Iterator[None]:
    """The engine's refusal of rates that take more than the cap, as fields."""
    try:
        yield
    except BadRules as error:
        raise Invalid(errors={"level2_bp": ["两级佣金之和不能超过上限"]}) from error


def _skus(session: Session, lines: Iterable[Mapping[str, Any]]) -> dict[int, SellableSku]:
    wanted = {line["sku_id"] for line in lines if line["sku_id"] is not None}
    skus = catalogue.skus_for_pricing(session, wanted)
    for sku_id in sorted(wanted - skus.keys()):
        raise catalogue.SkuNotFound(sku_id=sku_id)
    return skus


def _line(seq: int, given: Mapping[str, Any], skus: Mapping[int, SellableSku]) -> PaidLine:
    quantity, paid_fen = given["quantity"], given["paid_fen"]
    if given["sku_id"] is None:
        return PaidLine(str(seq), ANY_GOODS, ANY_GOODS, paid_fen, quantity=quantity)
    sku = skus[given["sku_id"]]
    asked_fen = sku.price_fen * quantity if paid_fen is None else paid_fen
    return line_of(str(seq), sku, paid_fen=asked_fen, quantity=quantity)


def _previewed(
    lines: Sequence[PaidLine], skus: Mapping[int, SellableSku], found: promises.Preview
) -> dict[str, Any]:
    by_line: dict[str, list[dict[str, Any]]] = {line.line_source: [] for line in lines}
    for each in found.earned:
        version, cap_bp = found.rules.version, found.rules.cap_bp
        by_line[each.line_source].append(
            {
                **each._asdict(),
                "rule_name": explaining.rule_name(each, rules_version=version),
                "why": explaining.sentence(each, rules_version=version, cap_bp=cap_bp),
            }
        )
    total_fen = sum(each.amount_fen for each in found.earned)
    paid_fen = sum(line.paid_fen for line in lines)
    return {
        "paid_fen": paid_fen,
        "total_fen": total_fen,
        "text": _told(paid_fen, found),
        "compliance_note": wording.compliance_note(found.rules.levels),
        "lines": [
            {
                "sku_id": line.sku_id or None,
                "title": skus[line.sku_id].title if line.sku_id else "",
                "spec_text": skus[line.sku_id].spec_text if line.sku_id else "",
                "quantity": line.quantity,
                "paid_fen": line.paid_fen,
                "levels": by_line[line.line_source],
            }
            for line in lines
        ],
    }


def _told(paid_fen: int, found: promises.Preview) -> str:
    """Such as `一笔 ¥199.00 的订单：一级得 ¥19.90，二级得 ¥9.95，合计 ¥29.85`."""
    by_level = dict.fromkeys(range(1, found.rules.levels + 1), 0)
    for each in found.earned:
        by_level[each.level] += each.amount_fen
    shares = "，".join(
        f"{explaining.LEVELS[level]}得 {wording.yuan(fen)}" for level, fen in by_level.items()
    )
    total = f"，合计 {wording.yuan(sum(by_level.values()))}" if len(by_level) > 1 else ""
    return f"一笔 {wording.yuan(paid_fen)} 的订单：{shares}{total}"
