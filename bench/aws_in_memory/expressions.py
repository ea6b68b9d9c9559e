"""DynamoDB's expressions, as far as the farm writes them, over items in DynamoDB's own JSON.

Paths are top-level attributes. Raises NotImplementedError for what is beyond that, with the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

Value = dict[str, Any]
"""As on the wire: {"S": "text"}."""
Item = dict[str, Value]
Names = Mapping[str, str]
Values = Mapping[str, Value]
Operand = Callable[[Item, Names, Values], Value | None]
Condition = Callable[[Item, Names, Values], bool]

_TOKEN: Final = re.compile(r"\s*([#:]?[A-Za-z_][A-Za-z0-9_]*|<=|>=|<>|[()=<>,+-])")
_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "=": lambda a, b: bool(a == b),
    "<>": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}


@lru_cache(maxsize=512)
def condition(text: str) -> Condition:
    """Of a condition, a filter or a key condition."""
    reader = Reader(text)
    found = reader.any_of()
    reader.end()
    return found


class Reader:
    """Reads one expression from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._at = 0

    @property
    def next(self) -> str:
        """Empty at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def take(self) -> str:
        token = self.next
        self._at += 1
        return token

    def takes(self, word: str) -> bool:
        """Whether that comes next; then it is taken."""
        if self.next.upper() != word:
            return False
        self._at += 1
        return True

    def expect(self, word: str) -> None:
        if not self.takes(word):
            self.refuse(f"expected {word!r} before {self.next!r}")

    def end(self) -> None:
        if self.next:
            self.refuse(f"nothing is known that goes on with {self.next!r}")

    def refuse(self, why: str) -> None:
        raise NotImplementedError(f"the expression {self._text!r}: {why}")

    def any_of(self) -> Condition:
        parts = [self._all_of()]
        while self.takes("OR"):
            parts.append(self._all_of())
        return parts[0] if len(parts) == 1 else lambda *of: any(part(*of) for part in parts)

    def _all_of(self) -> Condition:
        parts = [self._one()]
        while self.takes("AND"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda *of: all(part(*of) for part in parts)

    def _one(self) -> Condition:
        if self.takes("NOT"):
            inner = self._one()
            return lambda *of: not inner(*of)
        if self.takes("("):
            inner = self.any_of()
            self.expect(")")
            return inner
        if self.next in ("attribute_exists", "attribute_not_exists", "begins_with", "contains"):
            return self._function(self.take())
        return self._comparison()

    def _function(self, name: str) -> Condition:
        self.expect("(")
        first = self.operand()
        if name.startswith("attribute"):
            self.expect(")")
            return lambda *of: (first(*of) is None) == (name == "attribute_not_exists")
        self.expect(",")
        second = self.operand()
        self.expect(")")
        if name == "begins_with":
            return lambda *of: str(plain(first(*of)) or "").startswith(str(plain(second(*of))))
        return lambda *of: plain(second(*of)) in (plain(first(*of)) or ())

    def _comparison(self) -> Condition:
        left = self.operand()
        if self.takes("IN"):
            self.expect("(")
            choices = [self.operand()]
            while self.takes(","):
                choices.append(self.operand())
            self.expect(")")
            return lambda *of: plain(left(*of)) in [plain(choice(*of)) for choice in choices]
        sign = self.take()
        if sign not in _COMPARISONS:
            self.refuse(f"no comparison is called {sign!r}")
        compare, right = _COMPARISONS[sign], self.operand()

        def holds(item: Item, names: Names, values: Values) -> bool:
            a, b = left(item, names, values), right(item, names, values)
            if a is None or b is None:
                return sign == "<>" and a is not b
            return a.keys() == b.keys() and compare(plain(a), plain(b))

        return holds

    def operand(self) -> Operand:
        """An attribute, a value, or the size of an attribute."""
        token = self.take()
        if token == "size":
            self.expect("(")
            inner = self.operand()
            self.expect(")")
            return lambda *of: None if (found := inner(*of)) is None else {"N": str(len(plain(found)))}
        if token.startswith(":"):
            return lambda item, names, values: values[token]
        if not token or token in "()=<>,+-":
            self.refuse(f"expected an attribute or a value before {token!r}")
        return lambda item, names, values: item.get(names[token] if token[0] == "#" else token)


def plain(value: Value | None) -> Any:
    """For comparing: numbers are numbers, all else is as on the wire."""
    if value is None:
        return None
    ((kind, content),) = value.items()
    if kind == "L":
        return [plain(part) for part in content]
    return Decimal(content) if kind == "N" else content


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise NotImplementedError(f"the expression {text!r}: nothing is known of {text[at:]!r}")
        found.append(match[1])
        at = match.end()
    return found
