"""Who may sign in at the mall of the journeys."""

import json

from demo.mall import Mall


def credentials(mall: Mall) -> dict[str, str]:
    """The username and password of the mall's merchant."""
    account: dict[str, str] = json.loads((mall.folder / "accounts.json").read_text())
    return account
