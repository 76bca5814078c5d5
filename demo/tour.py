"""
The story of the mall in chapters, over HTTP only: who does what, how many fen move, and why.

`python -m demo.tour` tells it against the running demo, or starts a mall of its own for it, then
runs `flask verify`; the exit status is 0 only if every figure is right.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from demo.accidents import Accidents
from demo.bargain import Bargain
from demo.client import Sandbox, staff
from demo.commission import Commission
from demo.mall import Mall
from demo.stampede import Stampede
from demo.teams import Teams
from demo.telling import Telling, WrongFigure
from demo.trade import Trade

Chapter = (
    type[Trade] | type[Bargain] | type[Commission] | type[Teams] | type[Stampede] | type[Accidents]
)

CHAPTERS: dict[str, Chapter] = {
    "一笔交易的故事": Trade,
    "一张优惠单的来龙去脉": Bargain,
    "一笔佣金的一生": Commission,
    "一场秒杀": Stampede,
    "一连串的意外": Accidents,
    "一个团的成与不成": Teams,
}


def tell(
    mall_url: str,
    sandbox_url: str,
    folder: Path,
    say: Callable[[str], None],
    *,
    patience: float = 0.0,
) -> int:
    """Tell the story against a running mall; return the exit status."""
    account = json.loads((folder / "accounts.json").read_text())
    merchant = staff(mall_url, account["username"], account["password"], patience=patience)
    telling = Telling(mall_url, Sandbox(sandbox_url), merchant, say, patience)
    try:
        for title, chapter in CHAPTERS.items():
            say(title)
            chapter(telling).tell()
    except WrongFigure as error:
        say(f"  ✗ {error}")
        return 1
    return 0


def main() -> int:
    """Tell it against the running demo, or against a mall started for it; then verify."""
    data_dir = Path(os.environ.get("DATA_DIR", ".data"))
    running = data_dir / "demo" / "running.json"
    if running.exists():
        at = json.loads(running.read_text())
        return _tell_and_verify(at["mall"], at["sandbox"], Path(at["data_dir"]), at["env"])
    with tempfile.TemporaryDirectory(prefix="siyu-tour-") as folder:
        mall = Mall(Path(folder), port=0, sandbox_port=0).start()
        try:
            return _tell_and_verify(mall.url, mall.sandbox_url, mall.data_dir, mall.env)
        finally:
            mall.stop()


def _tell_and_verify(mall: str, sandbox: str, data_dir: Path, env: dict[str, str]) -> int:
    status = tell(mall, sandbox, data_dir / "demo", lambda line: print(line, flush=True))
    verify = [sys.executable, "-m", "flask", "--app", "wsgi", "verify"]
    return subprocess.run(verify, env=env, check=False).returncode or status


if __name__ == "__main__":
    sys.exit(main())
