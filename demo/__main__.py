"""`python -m demo`: the whole mall on a local port, its tour told, until Ctrl-C."""

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path

from demo import tour
from demo.mall import Mall
from demo.processes import DidNotStart

LINE = "─" * 78


def main() -> int:
    """Run the mall until Ctrl-C; return the exit status."""
    options = _options()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    print("私域商城 Siyu Mall：正在启动", flush=True)
    mall = Mall(Path(options.data_dir), port=options.port, dev=options.dev, say=_say)
    try:
        mall.start()
        status = 0 if options.dev else tour.tell(mall.url, mall.sandbox_url, mall.folder, _say)
        if not options.dev:
            _say(mall.flask("verify"))
        _say(_addresses(mall))
        if options.once:
            return status
        while not stop.wait(1):
            if name := mall.family.ended():
                _say(f"{name} 意外退出，日志见 {mall.folder / 'logs'}")
                return 1
        _say("正在停止 …")
    except DidNotStart as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        mall.stop()
    return status


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--data-dir", default=os.environ.get("DATA_DIR", ".data"))
    parser.add_argument("--dev", action="store_true", help="reload on every change, no tour")
    parser.add_argument("--once", action="store_true", help="stop after the tour")
    return parser.parse_args()


def _addresses(mall: Mall) -> str:
    account = json.loads((mall.folder / "accounts.json").read_text())
    return f"""{LINE}
商城接口    {mall.url}/api/v1        （商品：{mall.url}/api/v1/products）
接口文档    {mall.url}/docs/         （离线可用）
运行指标    {mall.url}/metrics
沙箱微信    {mall.sandbox_url}/              （查看交易与通知、付款、注入故障）
商家账号    {account["username"]} / {account["password"]}    （POST {mall.url}/admin/v1/sessions）
再看一遍    make tour               停止：Ctrl-C
{LINE}"""


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
