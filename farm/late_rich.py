"""Two classes of rich that typer imports for any help text, and that no help text of ours uses.

With all that they bring, a Markdown parser and Pygments, they take as long to import as everything else.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any, Final

_RARELY_USED: Final = {"rich.markdown": "Markdown", "rich.traceback": "Traceback"}


class _Late(type):
    """A class that is imported when something is made of it, or asked of it."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return cls._imported()(*args, **kwargs)

    def __getattr__(cls, name: str) -> Any:
        return getattr(cls._imported(), name)

    def _imported(cls) -> Any:
        if isinstance(sys.modules.get(cls.__module__), _LateModule):
            del sys.modules[cls.__module__]
        return getattr(import_module(cls.__module__), cls.__name__)


class _LateModule(ModuleType):
    """Stands where the module will be."""


def import_rarely_used_late() -> None:
    """From now on; what has been imported stays as it is."""
    for module_name, class_name in _RARELY_USED.items():
        if module_name not in sys.modules:
            module = sys.modules[module_name] = _LateModule(module_name)
            setattr(module, class_name, _Late(class_name, (), {"__module__": module_name}))
