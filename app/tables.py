"""The map of tables: every module that declares some, so that migrations and tests see them all."""

from sqlalchemy import MetaData

from app.core import auth, idempotency
from app.core.db import Base
from distribution import models as distribution_models
from promotions import models as promotions_models

MODULES = (auth, idempotency)


def metadata() -> list[MetaData]:
    """The metadata of the shop and of both engines."""
    return [Base.metadata, distribution_models.Base.metadata, promotions_models.Base.metadata]
