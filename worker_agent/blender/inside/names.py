"""Making file names from what a stranger wrote into File Output nodes."""

import re

_FRAME_LIKE = re.compile(r"-?\d+(_[LR])?\.\w+")
_UNSAFE = r'[\x00-\x1f/\\:*?"<>|{}%]'
_MAX_NAME = 80


def safe_path(path: str) -> str:
    """A relative path that stays below its folder; `#` stays, it is where the number goes."""
    names = [safe_name(part) for part in re.split(r"[/\\]+", path)]
    return "/".join(name for name in names if name)


def safe_suffix(suffix: str) -> str:
    """The end of a view's file names (`_L`), which may lead to no other folder."""
    return re.sub(_UNSAFE, "_", suffix)[:_MAX_NAME]


def safe_name(name: str) -> str:
    """One part of a path: no separators, drive letters, templates, leading dots."""
    cleaned = re.sub(_UNSAFE, "_", name).strip().lstrip(".")
    return cleaned.rstrip(". ")[:_MAX_NAME] if cleaned.strip("._ ") else ""


def last_part(path: str) -> str:
    """The name at the end of a path of either system."""
    return re.split(r"[/\\]+", path)[-1]


def unique(name: str, used: "set[str]") -> str:
    """Two nodes of different groups may share a name; none may look like a frame's file."""
    wanted = name or "File Output"
    if _FRAME_LIKE.fullmatch(wanted):
        wanted = f"node {wanted}"
    candidate, number = wanted, 2
    while candidate.lower() in used:
        candidate, number = f"{wanted} {number}", number + 1
    used.add(candidate.lower())
    return candidate
