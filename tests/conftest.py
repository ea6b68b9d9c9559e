"""Tests see the same whatever terminal a developer has."""

from __future__ import annotations

import os

from tests.support.terminals import without_terminal

for _name in set(os.environ) - set(without_terminal(os.environ)):
    del os.environ[_name]
