"""What a machine is told of itself: EC2's instance metadata service, version 2."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

DEFAULT_ENDPOINT: Final = "http://169.254.169.254"
ENDPOINT_VARIABLE: Final = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
"""The AWS SDKs' own name for another endpoint."""
TOKEN_SECONDS: Final = 6 * 3600
"""How long a token is good; the service allows no more."""
TIMEOUT_SECONDS: Final = 1.0
"""The service is on the machine itself: one that is silent for longer is away."""
_MAX_BYTES = 64 * 1024
_RENEW_BEFORE_SECONDS = 300


class MetadataClient:
    """Used by one thread. No proxy is asked, whatever the environment says: it is on another machine."""

    def __init__(self, endpoint: str = DEFAULT_ENDPOINT, clock: Callable[[], float] = time.monotonic) -> None:
        self._base = endpoint.rstrip("/") + "/latest"
        self._clock = clock
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._token = ""
        self._renew_at = 0.0

    def get(self, path: str) -> str | None:
        """What is under `meta-data/<path>`; None when nothing is there.

        Raises OSError or http.client.HTTPException when the service is away or refuses.
        """
        return self._get(f"meta-data/{path}")

    def identity_document(self) -> str | None:
        """What EC2 says of this machine, as JSON. Raises as `get` does."""
        return self._get("dynamic/instance-identity/document")

    def _get(self, path: str) -> str | None:
        fresh = self._ensure_token()
        try:
            return self._read(path)
        except urllib.error.HTTPError as error:
            if error.code != HTTPStatus.UNAUTHORIZED or fresh:
                raise
        self._renew_at = 0.0  # the token was forgotten, by a service that was restarted, say
        self._ensure_token()
        return self._read(path)

    def _read(self, path: str) -> str | None:
        request = urllib.request.Request(
            f"{self._base}/{path}", headers={"X-aws-ec2-metadata-token": self._token}
        )
        try:
            return self._send(request)
        except urllib.error.HTTPError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return None
            raise

    def _ensure_token(self) -> bool:
        """Have a token that is good for a while; says whether it is a new one."""
        if self._clock() < self._renew_at:
            return False
        request = urllib.request.Request(
            f"{self._base}/api/token",
            method="PUT",
            headers={"X-aws-ec2-metadata-token-ttl-seconds": str(TOKEN_SECONDS)},
        )
        asked_at = self._clock()
        self._token = self._send(request)
        self._renew_at = asked_at + TOKEN_SECONDS - _RENEW_BEFORE_SECONDS
        return True

    def _send(self, request: urllib.request.Request) -> str:
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                text: bytes = answer.read(_MAX_BYTES)
        except urllib.error.HTTPError as error:
            error.close()  # an answer, too: its connection stays open otherwise
            raise
        return text.decode("utf-8", "replace").strip()
