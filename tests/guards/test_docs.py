"""What the documents say is what the code does: settings, commands, errors, states, layers."""

import pkgutil
import re
import tomllib
from collections.abc import Iterator, Mapping
from enum import StrEnum
from importlib import import_module
from pathlib import Path

import pytest

from app import jobs, tables
from app.core import queue
from app.core.errors import TITLES, all_errors
from app.distributors import wording

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
READMES = ("README.md", "README.zh-CN.md")
DECISION_PARTS = ["Context", "Decision", "Consequences", "Alternatives"]

DIAGRAMS = {
    "order": ("app.orders.models", "TRANSITIONS"),
    "payment": ("app.payments.models", "PAYMENT_TRANSITIONS"),
    "refund": ("app.payments.models", "REFUND_TRANSITIONS"),
    "shipping upload": ("app.shipping.models", "UPLOAD_TRANSITIONS"),
    "after-sale": ("app.aftersales.models", "TRANSITIONS"),
    "distributor": ("distribution.team.states", "DISTRIBUTOR_TRANSITIONS"),
    "commission": ("distribution.commissions.states", "COMMISSION_TRANSITIONS"),
    "adjustment": ("distribution.ledger.states", "ADJUSTMENT_TRANSITIONS"),
    "withdrawal": ("distribution.withdrawals.states", "WITHDRAWAL_TRANSITIONS"),
    "payout": ("app.withdrawals.models", "PAYOUT_TRANSITIONS"),
    "promotion": ("promotions.states", "CAMPAIGN_TRANSITIONS"),
    "pack": ("promotions.states", "CAMPAIGN_TRANSITIONS"),
    "bill": ("app.reconciliation.models", "BILL_TRANSITIONS"),
    "break": ("app.reconciliation.models", "BREAK_TRANSITIONS"),
    "reminder": ("app.flash_sales.models", "TRANSITIONS"),
    "notice": ("app.notices.models", "TRANSITIONS"),
    "coupon": ("promotions.coupons.states", "COUPON_TRANSITIONS"),
    "buying team": ("promotions.group_buys.states", "TEAM_TRANSITIONS"),
    "seat": ("promotions.group_buys.states", "SEAT_TRANSITIONS"),
    "bulk share": ("promotions.bulk_buys.states", "SHARE_TRANSITIONS"),
}
"""The state diagrams of docs/architecture.md and the moves each is drawn from."""


def read(name: str) -> str:
    return (ROOT / name).read_text()


def section(text: str, title: str) -> str:
    """The text under the heading that ends with `title`, up to the next heading of its level."""
    found = re.search(rf"^(#+) (?:.* )?{re.escape(title)}$\n(.*?)(?=^\1 |\Z)", text, re.M | re.S)
    assert found, f"no section {title!r}"
    return found[2]


def rows(text: str) -> list[list[str]]:
    """The cells of every table row in `text`, heads and rules left out."""
    found = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    rules = {at for at, row in enumerate(found) if set(row[0]) <= {"-", ":"} and row[0]}
    heads = {at - 1 for at in rules}
    return [row for at, row in enumerate(found) if at not in rules | heads]


def environment() -> set[str]:
    """Every environment variable app/settings.py names, and those libraries of ours read."""
    source = read("app/settings.py")
    by_helper = re.findall(r"\b(?:_required|_file|_number)\(\s*env,\s*\"([A-Z0-9_]+)\"", source)
    direct = re.findall(r"\benv(?:\.get\(|\[)\s*\"([A-Z0-9_]+)\"", source)
    return {*by_helper, *direct, "PROMETHEUS_MULTIPROC_DIR"}


def requirements() -> set[str]:
    lines = read("requirements.txt").splitlines()
    return {line.split("==")[0] for line in lines if line and not line.startswith("#")}


def state_machines() -> Iterator[tuple[str, Mapping[StrEnum, set[StrEnum]]]]:
    """Every `…TRANSITIONS` of the product, each once, from the module that defines its states."""
    for package in ("app", "promotions", "distribution"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if not re.search(r"^\w*TRANSITIONS\b.* = \{", path.read_text(), re.M):
                continue
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for attribute, moves in vars(import_module(name)).items():
                if attribute.endswith("TRANSITIONS") and isinstance(moves, dict):
                    yield f"{name}.{attribute}", moves


@pytest.mark.parametrize("name", READMES)
def test_every_setting_is_in_the_configuration_table(name):
    title = "Configuration" if name == "README.md" else "配置"
    documented = re.findall(r"^\| `([A-Z0-9_]+)`", section(read(name), title), re.M)
    assert len(documented) == len(set(documented)), f"{name} explains a setting twice"
    assert set(documented) == environment(), f"{name}: the table and app/settings.py differ"


@pytest.mark.parametrize("name", READMES)
def test_every_requirement_says_why_it_is_there(name):
    title = "What it stands on" if name == "README.md" else "站在谁的肩上"
    listed = rows(section(read(name), title))
    explained = {package for row in listed for package in re.findall(r"`([^`]+)`", row[0])}
    assert explained == requirements(), f"{name}: the list and requirements.txt differ"
    assert all(row[1] for row in listed)


@pytest.mark.parametrize("name", READMES)
def test_the_layers_are_the_import_contract(name):
    contracts = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one.get("containers") == ["app"])
    title = "Layers" if name == "README.md" else "分层"
    block = re.search(r"```\n(.*?)```", section(read(name), title), re.S)
    assert block
    assert block[1].split("\n")[:-1] == layers, f"{name}: the layers are those of pyproject.toml"


@pytest.mark.parametrize("name", READMES)
def test_the_map_names_every_folder_of_the_shop(name):
    tree = read(name)
    folders = [path.parent for path in (ROOT / "app").glob("*/__init__.py")]
    for folder in [*folders, *(ROOT / each for each in ("promotions", "distribution", "sandbox"))]:
        assert f"{folder.name}/" in tree, f"{name}: the map lacks {folder.name}/"


def test_the_readmes_have_the_same_headings():
    levels = []
    for name in READMES:
        text = re.sub(r"```.*?```", "", read(name), flags=re.S)
        levels.append([len(marks) for marks in re.findall(r"^(#+) ", text, re.M)])
    assert levels[0] == levels[1]


@pytest.mark.parametrize("name", [*READMES, "CONTRIBUTING.md", "docs/operations.md"])
def test_every_make_target_named_exists(name):
    targets = set(re.findall(r"^([a-z]+):.*##", read("Makefile"), re.M))
    named = set(re.findall(r"`make ([a-z]+)[^`]*`|^make ([a-z]+)", read(name), re.M))
    unknown = {one or other for one, other in named} - targets
    assert not unknown, f"{name} names {unknown}: no such target"


def test_every_make_target_is_documented():
    targets = set(re.findall(r"^([a-z]+):.*##", read("Makefile"), re.M))
    documented = set(re.findall(r"`make ([a-z]+)", read("CONTRIBUTING.md")))
    assert targets == documented, "CONTRIBUTING.md lists every target of the Makefile"


def own_errors() -> set[tuple[str, int, str]]:
    """Code, status and title of every failure of the product, those of HTTP itself included."""
    for module in pkgutil.walk_packages([str(ROOT / "app")], "app."):
        import_module(module.name)
    product = [each for each in all_errors() if each.__module__.split(".")[0] == "app"]
    general = {(code, status, title) for status, (code, title) in TITLES.items()}
    return general | {(each.code, each.status, each.title) for each in product}


def test_every_error_code_is_documented():
    documented = [tuple(row) for row in rows(read("docs/errors.md"))]
    expected = [(f"`{code}`", str(status), title) for code, status, title in sorted(own_errors())]
    missing = "\n".join(f"| {' | '.join(row)} |" for row in expected if row not in documented)
    extra = [row for row in documented if row not in expected]
    assert not missing, f"docs/errors.md lacks\n{missing}"
    assert not extra, f"docs/errors.md has {extra}, the code has not"
    assert documented == sorted(documented), "docs/errors.md is sorted by code"


def test_one_error_code_means_one_thing():
    said: dict[str, set[tuple[int, str]]] = {}
    for code, status, title in own_errors():
        assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", code), f"{code} is not snake_case"
        said.setdefault(code, set()).add((status, title))
    for code, meanings in said.items():
        assert len(meanings) == 1, f"{code} is used for {meanings}"


def test_the_table_of_jobs_names_every_task(the_app):
    listed = re.findall(r"^(\w+\.\w+) \| .+ \| .+$", jobs.__doc__ or "", re.M)
    # Procrastinate brings tasks of its own, and other tests register some to try the queue.
    ours = re.compile(r"(?!builtin|test\.|procrastinate)")
    registered = {name for name in queue.procrastinate.tasks if ours.match(name)}
    assert sorted(listed) == sorted(registered), "app/jobs.py opens with a table of every task"


def drawn(name: str) -> set[tuple[str, str]]:
    """The moves between states in the diagram of `name`; `[*]` marks beginnings and ends."""
    block = re.search(
        rf"^\*\*{name}\*\*.*?```mermaid\nstateDiagram-v2\n(.*?)```",
        read("docs/architecture.md"),
        re.M | re.S | re.I,
    )
    assert block, f"docs/architecture.md has no diagram of {name}"
    return set(re.findall(r"(\S+) --> (\S+)", block[1]))


@pytest.mark.parametrize("name", sorted(DIAGRAMS))
def test_the_diagrams_are_the_transitions(name):
    module, attribute = DIAGRAMS[name]
    moves = getattr(import_module(module), attribute)
    between = {(str(one), str(to)) for one, targets in moves.items() for to in targets}
    ends = {(str(one), "[*]") for one, targets in moves.items() if not targets}
    found = {edge for edge in drawn(name) if edge[0] != "[*]"}
    wanted = "\n".join(f"    {one} --> {to}" for one, to in sorted(between | ends))
    assert found == between | ends, f"the diagram of {name} should have\n{wanted}"


def test_the_glossary_has_every_state():
    listed = {(row[0], row[1]) for row in rows(section(read("docs/glossary.md"), "States"))}
    stored = {
        (f"`{name.removeprefix('app.').split('.')[0]}.{type(state).__name__}`", f"`{state}`")
        for name, moves in state_machines()
        for state in moves
    }
    assert not stored - listed, f"docs/glossary.md lacks {sorted(stored - listed)}"
    assert not listed - stored, f"docs/glossary.md has {sorted(listed - stored)}, the code has not"


def test_the_glossary_says_what_the_shop_says():
    listed = rows(read("docs/glossary.md"))
    spoken = {f"`{state}`": chinese for state, chinese in wording.STATES.items()}
    kind = "`distribution.CommissionState`"
    assert {row[1]: row[2] for row in listed if row[0] == kind} == spoken
    chinese_words = {row[1] for row in listed}
    for account in wording.ACCOUNTS.values():
        assert account in chinese_words, f"docs/glossary.md has no word for {account}"


def test_the_glossary_has_one_row_per_word():
    words = [row for row in rows(read("docs/glossary.md")) if len(row) == 4]
    names = [row[0] for row in words]
    assert len(words) > 40
    assert len(names) == len(set(names))
    for word, chinese, meaning, _ in words:
        assert re.search(r"[\u4e00-\u9fff]", chinese), f"{word} has no Chinese"
        assert meaning


def test_words_we_do_not_use_name_no_table_or_column():
    refused = {
        synonym.strip(): row[0]
        for row in rows(read("docs/glossary.md"))
        if len(row) == 4
        for synonym in row[3].split(",")
        if synonym
    }
    for metadata in tables.metadata():
        for table in metadata.sorted_tables:
            for name in (table.name, *(column.name for column in table.columns)):
                bare = name.removesuffix("_id").removesuffix("_fen")
                assert bare not in refused, f"{table.name}: {name} should be {refused[bare]}"


def test_decisions_are_numbered_and_whole():
    pages = sorted((DOCS / "decisions").glob("*.md"))
    for number, page in enumerate(pages, start=1):
        text = page.read_text()
        assert re.fullmatch(rf"{number:04d}-[a-z0-9-]+\.md", page.name), f"{page.name}: number it"
        assert text.startswith(f"# {number:04d}. "), f"{page.name}: its title carries its number"
        assert re.findall(r"^## (.*)$", text, re.M) == DECISION_PARTS, page.name
        assert len(re.findall(r"^> \S", text, re.M)) == 1, f"{page.name}: one line to quote"


def test_links_between_documents_lead_somewhere():
    pages = [ROOT / name for name in READMES] + [ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)}: no {target}"


def test_files_named_in_the_documents_exist():
    pages = [ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md"), *(ROOT / name for name in READMES)]
    pattern = r"`((?:app|promotions|distribution|sandbox|demo|tests|migrations|docs)/[\w./-]+)`"
    for page in pages:
        for target in re.findall(pattern, page.read_text()):
            assert (ROOT / target).exists(), f"{page.relative_to(ROOT)}: no {target}"
