"""The page's addresses."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from html import escape
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from farm.local.page.console import Console, ConsoleError, NotOursError
from farm.local.page.dashboard import DashboardError
from farm.local.page.guard import Doorman, Guarded
from farm.local.page.lifecycle import HEALTH

MAX_PRESS_BYTES: Final = 16 * 1024
RANGES: Final = (15, 60, 180)
"""Minutes that the graphs can show."""
_STATIC: Final = Path(__file__).with_name("static")
_TROUBLE: Final = (ConsoleError, DashboardError, BotoCoreError, ClientError, OSError, ValueError)


class BadRequestError(ValueError):
    """A request that our page does not make."""


def make_site(console: Console, doorman: Doorman) -> ASGIApp:
    """The whole application, guarded."""
    page = (_STATIC / "page.html").read_text("utf-8").replace("{token}", escape(doorman.token))

    async def index(_: Request) -> Response:
        return HTMLResponse(page)

    async def jobs(request: Request) -> Response:
        theme, width = _look(request.query_params.get("theme"), request.query_params.get("width"))
        return await _answer(lambda: console.jobs(theme=theme, width=width))

    async def graphs(request: Request) -> Response:
        _, width = _look(None, request.query_params.get("width"))
        asked = request.query_params.get("minutes", "")
        minutes = int(asked) if asked in map(str, RANGES) else RANGES[0]
        return await _answer(lambda: console.graphs(width=width, minutes=minutes))

    async def act(request: Request) -> Response:
        try:
            press = await _press(request)
        except BadRequestError as error:
            return PlainTextResponse(str(error), HTTPStatus.BAD_REQUEST)
        theme, width = _look(press.get("theme"), None)
        endpoint, parameters = press["endpoint"], press["params"]
        return await _answer(lambda: console.act(endpoint, parameters, theme=theme, width=width))

    return Guarded(
        Starlette(
            routes=[
                Route("/", index),
                Route("/page.css", _file("page.css")),
                Route("/page.js", _file("page.js")),
                Route("/jobs", jobs),
                Route("/graphs", graphs),
                Route("/act", act, methods=["POST"]),
                Route(HEALTH, lambda _: PlainTextResponse("well")),
            ]
        ),
        doorman,
    )


def _file(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_: Request) -> Response:
        return FileResponse(_STATIC / name)

    return answer


async def _answer(draw: Callable[[], str]) -> Response:
    try:
        return HTMLResponse(await run_in_threadpool(draw))
    except NotOursError as error:
        return PlainTextResponse(str(error), HTTPStatus.FORBIDDEN)
    except _TROUBLE as error:
        return PlainTextResponse(f"{type(error).__name__}: {error}", HTTPStatus.BAD_GATEWAY)


async def _press(request: Request) -> dict[str, Any]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_PRESS_BYTES:
            raise BadRequestError(f"a press of a button takes {MAX_PRESS_BYTES} bytes at most")
    try:
        press = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequestError(f"a press of a button is JSON: {error}") from error
    if (
        not isinstance(press, dict)
        or not isinstance(press.get("endpoint"), str)
        or not isinstance(press.get("params"), dict)
    ):
        raise BadRequestError("a press of a button has an endpoint and params")
    return press


def _look(theme: object, width: str | None) -> tuple[str, int]:
    """A theme and a width in CSS pixels, whatever was asked."""
    wide = int(width) if width and width.isascii() and width.isdigit() and len(width) < 6 else 1200
    return ("dark" if theme == "dark" else "light"), min(max(wide, 240), 4000)
