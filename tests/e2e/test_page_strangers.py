"""The laptop farm's page answers its own browser window and refuses whoever else asks."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request

from tests.e2e.laptop import LaptopFarm


def test_strangers_are_refused(laptop: LaptopFarm) -> None:
    """Another name for this computer, another site's page, a press without the token, another function."""
    url = laptop.record.page_url
    assert ask(url, {"host": "evil.example"})[0] == 403
    assert ask(url + "/jobs", {"origin": "http://evil.example"})[0] == 403
    press = {"endpoint": "arn:aws:lambda:x:0:function:other", "params": {}}
    assert ask(url + "/act", {}, press)[0] == 403
    status, html = ask(url)
    token = re.search(r'name="farm-token" content="([^"]+)"', html)
    assert status == 200 and token
    status, said = ask(url + "/act", {"x-farm-token": token[1]}, press)
    assert (status, "a button calls" in said) == (403, True)


def ask(url: str, headers: dict[str, str] | None = None, body: object = None) -> tuple[int, str]:
    data = json.dumps(body).encode() if body is not None else None
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers or {}), timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
