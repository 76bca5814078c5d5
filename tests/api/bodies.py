"""One request that succeeds for every operation with a body, on the shop of `tests.api.world`."""

from tests.api import bodies_campaigns, bodies_distribution, bodies_shop, bodies_shoppers
from tests.api.bodies_shoppers import FIRST_ORDER_FEN

__all__ = ["FIRST_ORDER_FEN", "REQUESTS"]

REQUESTS = (
    bodies_shoppers.REQUESTS
    | bodies_shop.REQUESTS
    | bodies_campaigns.REQUESTS
    | bodies_distribution.REQUESTS
)
