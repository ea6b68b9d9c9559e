"""The Query protocol, which Auto Scaling speaks: a form comes in, XML goes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs
from uuid import uuid4
from xml.sax.saxutils import escape

Answer = tuple[HTTPStatus, str]

_XMLNS = "http://autoscaling.amazonaws.com/doc/2011-01-01/"


class QueryError(Exception):
    """The call is refused, as AWS would refuse it."""

    def __init__(
        self, message: str, code: str = "ValidationError", status: HTTPStatus = HTTPStatus.BAD_REQUEST
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True)
class Query:
    """One call: its parameters by their names in the form."""

    parameters: Mapping[str, str]

    @classmethod
    def parse(cls, body: str) -> Query:
        return cls({name: values[0] for name, values in parse_qs(body).items()})

    @property
    def action(self) -> str:
        return self.parameters.get("Action", "")

    def text(self, name: str) -> str:
        """A parameter that must be there. Raises QueryError."""
        value = self.parameters.get(name)
        if value is None:
            raise QueryError(f"1 validation error detected: Value at '{name}' failed to satisfy: not null")
        return value

    def flag(self, name: str) -> bool:
        """A true or false that must be there. Raises QueryError."""
        value = self.text(name)
        if value not in ("true", "false"):
            raise QueryError(f"{name} is {value[:80]!r}: expected true or false")
        return value == "true"

    def members(self, name: str) -> list[str]:
        """A list, in its order; empty when it is not there."""
        found: list[str] = []
        while (value := self.parameters.get(f"{name}.member.{len(found) + 1}")) is not None:
            found.append(value)
        return found


def result(action: str, content: object) -> str:
    """The answer to a call that succeeded."""
    return (
        f'<{action}Response xmlns="{_XMLNS}"><{action}Result>{_xml(content)}</{action}Result>'
        f"{_request_id()}</{action}Response>"
    )


def failure(error: QueryError) -> Answer:
    """The answer to a call that did not."""
    kind = "Sender" if error.status < HTTPStatus.INTERNAL_SERVER_ERROR else "Receiver"
    return error.status, (
        f'<ErrorResponse xmlns="{_XMLNS}"><Error><Type>{kind}</Type><Code>{error.code}</Code>'
        f"<Message>{escape(str(error))}</Message></Error><RequestId>{uuid4()}</RequestId></ErrorResponse>"
    )


def _xml(value: object) -> str:
    if isinstance(value, Mapping):
        return "".join(f"<{name}>{_xml(item)}</{name}>" for name, item in value.items())
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "".join(f"<member>{_xml(item)}</member>" for item in value)
    return escape(str(value))


def _request_id() -> str:
    return f"<ResponseMetadata><RequestId>{uuid4()}</RequestId></ResponseMetadata>"
