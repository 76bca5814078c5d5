"""`product_list` and `product_page`: beside the same bytes from a bare Flask route."""

from bench import load
from bench.course import Course, compare


def product_list(course: Course) -> None:
    """The first page of a category with everything under it."""
    category = course.public.get("/categories")["items"][0]["id"]
    _page(course, "product_list", f"/api/v1/products?category_id={category}")


def product_page(course: Course) -> None:
    """One product with a matrix of SKUs."""
    found = course.public.get("/products", q="牛仔裤")["items"][0]["id"]
    _page(course, "product_page", f"/api/v1/products/{found}")


def _page(course: Course, name: str, path: str) -> None:
    body = course.public.http.get(path.removeprefix("/api/v1")).content
    (course.folder / f"{name}.json").write_bytes(body)
    compare(
        course,
        name,
        load.repeat(load.request("GET", path)),
        load.repeat(load.request("GET", f"/same/{name}")),
    )
