"""
Fill the shop through its own admin API, as its merchant would; running it again changes nothing.

Accounts are made at run time and written to `accounts.json` beside the demo's other data.
"""

import json
import secrets
import subprocess
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from demo import campaigns, shop
from demo.client import CONFLICT, Client, Refused, Sandbox, sign_in, staff
from demo.processes import python

IMAGES = "https://img.example.com/siyu"
PEOPLE = {
    "demo-lin-xiao": "林晓",
    "demo-zhou-min": "周敏",
    "demo-chen-yu": "陈雨",
    "demo-zhao-lei": "赵磊",
    "demo-sun-qian": "孙倩",
    "demo-wu-tong": "吴桐",
}
DISTRIBUTORS = ("demo-lin-xiao", "demo-zhou-min")


def fill(
    mall_url: str,
    sandbox_url: str,
    folder: Path,
    env: Mapping[str, str],
    progress: Callable[[int, int], None],
) -> None:
    """Make sure the shop has its staff, goods, campaign and people; `progress` counts steps."""
    account = _account(folder, env)
    merchant = staff(mall_url, account["username"], account["password"])
    steps = _missing(mall_url, Sandbox(sandbox_url), merchant)
    for done, step in enumerate(steps, start=1):
        step()
        progress(done, len(steps))


def _missing(mall_url: str, sandbox: Sandbox, merchant: Client) -> list[Callable[[], None]]:
    """What is still to be done, a step each."""
    steps: list[Callable[[], None]] = []
    listed = {spu["title"] for spu in _all(merchant, "/products")}
    if products := [product for product in shop.PRODUCTS if product.title not in listed]:
        shelves = _shelves(merchant)
        steps += [partial(_offer, merchant, shelves, product) for product in products]
    steps.append(partial(_campaigns, merchant))
    for openid, name in PEOPLE.items():
        steps.append(partial(_person, mall_url, sandbox, openid, name))
    steps.append(partial(_distributors, mall_url, sandbox, merchant))
    return steps


def _account(folder: Path, env: Mapping[str, str]) -> dict[str, str]:
    path = folder / "accounts.json"
    if not path.exists():
        account = {
            "username": f"merchant-{secrets.token_hex(2)}",
            "password": secrets.token_urlsafe(12),
        }
        subprocess.run(
            python("-m", "flask", "--app", "wsgi", "staff-add", account["username"]),
            env=dict(env), input=account["password"] + "\n", text=True, check=True,
            capture_output=True,
        )  # fmt: skip
        path.write_text(json.dumps(account))
        path.chmod(0o600)
    account = json.loads(path.read_text())
    assert isinstance(account, dict)
    return account


def _all(merchant: Client, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = merchant.get(path, limit=50, **cursor)
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = {"cursor": page["next_cursor"]}


def _shelves(merchant: Client) -> dict[str, dict[str, Any]]:
    """The ids of categories, brands and the freight template by name, made where missing."""
    categories = {each["name"]: each["id"] for each in merchant.get("/categories")["items"]}
    for root, children in shop.CATEGORIES.items():
        if root not in categories:
            categories[root] = merchant.post("/categories", name=root)["id"]
        for child in children:
            if child not in categories:
                body = {"name": child, "parent_id": categories[root]}
                categories[child] = merchant.post("/categories", **body)["id"]
    brands = {each["name"]: each["id"] for each in merchant.get("/brands")["items"]}
    for brand in shop.BRANDS:
        if brand not in brands:
            brands[brand] = merchant.post("/brands", name=brand)["id"]
    templates = {each["name"]: each["id"] for each in merchant.get("/freight-templates")["items"]}
    if shop.FREIGHT_NAME not in templates:
        made = merchant.post("/freight-templates", **shop.freight_template())
        templates[made["name"]] = made["id"]
    return {"categories": categories, "brands": brands, "freight": templates}


def _offer(merchant: Client, shelves: dict[str, dict[str, Any]], product: shop.ProductSeed) -> None:
    number = shop.PRODUCTS.index(product) + 1
    spu = merchant.post(
        "/products",
        title=product.title,
        subtitle=product.subtitle,
        description=f"{product.title}：{product.subtitle}。\n\n本店保证正品，支持七天无理由退货。",
        images=[f"{IMAGES}/{number:03d}-{view}.jpg" for view in (1, 2, 3)],
        spec=[{"name": name, "values": list(values)} for name, values in product.spec],
        tags=list(product.tags),
        category_id=shelves["categories"][product.category],
        brand_id=shelves["brands"].get(product.brand or ""),
        freight_template_id=shelves["freight"][shop.FREIGHT_NAME],
        sort=len(shop.PRODUCTS) - number,
        skus=[
            {
                "code": f"SY{number:03d}-{place:02d}",
                "spec_values": list(sku.spec_values),
                "price_fen": sku.price_fen,
                "market_price_fen": sku.market_price_fen,
                "weight_g": sku.weight_g,
                "initial_stock": sku.stock,
            }
            for place, sku in enumerate(product.skus, start=1)
        ],
    )
    merchant.post(f"/products/{spu['id']}/on-shelf")


def _campaigns(merchant: Client) -> None:
    """Publish the shop's campaigns; the merchant's own list of products lacks their SKUs."""
    listed = {spu["title"]: spu["id"] for spu in _all(merchant, "/products")}
    wanted = (campaigns.TEA, campaigns.CLEANSER, campaigns.BOX, campaigns.SOAP)
    goods = {title: merchant.get(f"/products/{listed[title]}") for title in wanted}
    campaigns.publish(merchant, goods)


def _person(mall_url: str, sandbox: Sandbox, openid: str, name: str) -> None:
    sign_in(mall_url, sandbox, openid).patch("/me", nickname=name)


def _distributors(mall_url: str, sandbox: Sandbox, merchant: Client) -> None:
    """林晓 shares the shop with 周敏; both become distributors, by staff approval."""
    above: dict[str, str] = {}
    for openid in DISTRIBUTORS:
        person = sign_in(mall_url, sandbox, openid, invited=above)
        become_distributor(person, merchant)
        above = {"invite_code": person.get("/distributor")["invite_code"]}


def become_distributor(person: Client, merchant: Client) -> None:
    """Apply, and be approved where the shop wants that; harmless for who is one already."""
    try:
        person.post("/distributor/apply", is_adult=True)
    except Refused as refused:
        if refused.status != CONFLICT:
            raise
    if person.get("/distributor")["status"] == "pending":
        merchant.post(f"/distributors/{person.get('/me')['id']}/approve")
