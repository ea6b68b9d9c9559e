"""Who may talk to the page, and what the page may do in a browser.

Every web site that a person visits can send requests to this computer. Those that come under another name
than the page's own (a name that a stranger's name server points here) are refused, what changes something
needs a token that only our own page can read, and no script runs but the page's own file.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_HEADER: Final = "x-farm-token"
HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Doorman:
    """Knows the page's own names and its token."""

    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def hosts(self) -> tuple[str, str]:
        return f"127.0.0.1:{self.port}", f"localhost:{self.port}"

    def refusal(self, method: str, headers: Headers) -> str:
        """Why a request is not answered; empty when it is."""
        host = headers.get("host", "")
        if host not in self.hosts:
            return f"host {host[:80]!r} is not this page's: open http://{self.hosts[0]}"
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{host}":
            return f"origin {origin[:80]!r} is not this page's"
        if method not in ("GET", "HEAD"):
            token = headers.get(TOKEN_HEADER, "")
            if not secrets.compare_digest(token.encode(), self.token.encode()):
                return "the token is not this page's: load the page again"
        return ""


@dataclass(frozen=True, slots=True)
class Guarded:
    """An application whose answers have our headers, and who is asked by nobody but our page."""

    app: ASGIApp
    doorman: Doorman

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = self.doorman.refusal(scope["method"], Headers(scope=scope))
        answer = PlainTextResponse(refusal, HTTPStatus.FORBIDDEN) if refusal else self.app
        await answer(scope, receive, send_guarded)
