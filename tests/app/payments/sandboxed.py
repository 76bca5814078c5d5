"""A running sandbox as the tests of payments drive it."""

import httpx

from app.settings import WeChatSettings
from tests.app.wechat import platform as world


class Sandbox:
    """The control API of a running sandbox, seen from the mall's merchant."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, trust_env=False, timeout=20)

    def control(self, path: str, **body):
        answer = self.http.post(f"/control/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def look(self, path: str, **params):
        answer = self.http.get(f"/control/{path}", params=params).raise_for_status().json()
        return answer.get(path, answer)

    def settings(self, *, public_key: bool = True) -> WeChatSettings:
        platform = self.look("platform")
        key = {"public_key_id": platform["public_key_id"], "public_key": platform["public_key"]}
        none = {"public_key_id": None, "public_key": None}
        return world.settings(
            pay_api=self.url,
            weixin_api=self.url,
            app_secret="s" * 32,
            **(key if public_key else none),
        )

    def notifications(self, subject: str) -> list[str]:
        return [each["id"] for each in self.look("notifications", subject=subject)]

    def take(self, notification_id: str, **fault):
        return self.control(f"notifications/{notification_id}/take", **fault)
