"""Freight templates as staff keep them; what they charge is in `freight`."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, selectinload

from app.catalogue.integrity import refusing
from app.catalogue.models import ChargeBy, FreightRule, FreightTemplate
from app.core.errors import AppError, Invalid, NotFound


class FreightTemplateNotFound(NotFound):
    code, title = "freight_template_not_found", "运费模板不存在"


class FreightTemplateNameTaken(AppError):
    code, status, title = "freight_template_name_taken", 409, "运费模板名称已存在"


class FreightTemplateInUse(AppError):
    """Products still use it."""

    code, status, title = "freight_template_in_use", 409, "还有商品使用该运费模板，不能删除"


def create(
    session: Session, *, name: str, charge_by: ChargeBy, rules: Sequence[dict[str, Any]]
) -> FreightTemplate:
    """
    Add a template with its rules.

    :raises FreightTemplateNameTaken: another has the name.
    :raises Invalid: two rules are for one region, or none serves any.
    """
    _check(rules)
    template = FreightTemplate(name=name, charge_by=charge_by)
    with refusing(session, {"uq_freight_template_name": FreightTemplateNameTaken}):
        session.add(template)
    return _give(session, template, rules)


def change(
    session: Session,
    *,
    template_id: int,
    name: str,
    charge_by: ChargeBy,
    rules: Sequence[dict[str, Any]],
) -> FreightTemplate:
    """
    Replace a template and all its rules; orders already placed keep their freight.

    :raises FreightTemplateNotFound: there is no such template.
    :raises FreightTemplateNameTaken: another has the name.
    :raises Invalid: two rules are for one region, or none serves any.
    """
    _check(rules)
    template = session.get(FreightTemplate, template_id, with_for_update={"key_share": True})
    if template is None:
        raise FreightTemplateNotFound
    with refusing(session, {"uq_freight_template_name": FreightTemplateNameTaken}):
        template.name, template.charge_by = name, charge_by
    session.execute(delete(FreightRule).where(FreightRule.template_id == template_id))
    return _give(session, template, rules)


def remove(session: Session, *, template_id: int) -> None:
    """
    Delete a template no product uses.

    :raises FreightTemplateNotFound: there is no such template.
    :raises FreightTemplateInUse: a product uses it.
    """
    chosen = delete(FreightTemplate).where(FreightTemplate.id == template_id)
    with refusing(session, {"fk_spu_freight_template_id": FreightTemplateInUse}):
        if session.scalars(chosen.returning(FreightTemplate.id)).one_or_none() is None:
            raise FreightTemplateNotFound


def list_all(session: Session) -> list[FreightTemplate]:
    """Every template with its rules."""
    ordered = select(FreightTemplate).order_by(FreightTemplate.id)
    return list(session.scalars(ordered.options(selectinload(FreightTemplate.rules))))


def _check(rules: Sequence[dict[str, Any]]) -> None:
    prefixes = [rule["region_prefix"] for rule in rules]
    for at, prefix in enumerate(prefixes):
        if prefix in prefixes[:at]:
            raise Invalid(errors={f"rules.{at}.region_prefix": ["该地区已有规则"]})
    if not any(rule["is_served"] for rule in rules):
        raise Invalid(errors={"rules": ["至少要有一个可配送的地区"]})


def _give(
    session: Session, template: FreightTemplate, rules: Sequence[dict[str, Any]]
) -> FreightTemplate:
    session.add_all(FreightRule(template_id=template.id, **rule) for rule in rules)
    session.flush()
    return session.scalars(
        select(FreightTemplate)
        .where(FreightTemplate.id == template.id)
        .options(selectinload(FreightTemplate.rules)),
        execution_options={"populate_existing": True},
    ).one()
