"""What a machine's user data writes before its last command."""

from __future__ import annotations

import re
import shlex


def written_files(script: str) -> dict[str, str]:
    """The files by their paths."""
    found = re.findall(r"^install -D -m 644 /dev/stdin (\S+) <<'(\S+)'\n(.*?\n)\2$", script, re.M | re.S)
    return {path: text for path, _, text in found}


def settings_in(text: str) -> dict[str, str]:
    """Of an environment file, as a shell reads it."""
    pairs = (shlex.split(line)[0].partition("=") for line in text.splitlines() if line)
    return {name: value for name, _, value in pairs}
