"""Checks of the stacks: whether all are there, whole, and made of the code of this checkout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from farm.doctor.finding import Said, broken, warning, well
from stacks.farm_version import OUTPUT

_GOOD: Final = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")
_ROLLED_BACK: Final = ("UPDATE_ROLLBACK_COMPLETE",)
"""A deploy failed, and the stack is as it was before."""
_DEPLOY: Final = "`cdk deploy --all`"


def described(cloudformation: Any, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Those of the stacks that are there, by name."""
    wanted = set(names)
    return {
        stack["StackName"]: stack
        for page in cloudformation.get_paginator("describe_stacks").paginate()
        for stack in page["Stacks"]
        if stack["StackName"] in wanted and stack["StackStatus"] != "DELETE_COMPLETE"
    }


def complete(stacks: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> Said:
    """Every stack is there and was made to the end."""
    missing = [name for name in names if name not in stacks]
    if missing:
        return broken(f"stacks are missing: {', '.join(missing)}", f"{_DEPLOY} makes them")
    status = {name: str(stacks[name]["StackStatus"]) for name in names}
    bad = {n: s for n, s in status.items() if s not in _GOOD and s not in _ROLLED_BACK}
    moving = [f"{name} ({s})" for name, s in bad.items() if s.endswith("_IN_PROGRESS")]
    stuck = [f"{name} ({s})" for name, s in bad.items() if not s.endswith("_IN_PROGRESS")]
    if stuck:
        return broken(
            f"a deploy failed: {', '.join(stuck)}",
            f"the stack's events in CloudFormation's console say why; then {_DEPLOY}",
        )
    if moving:
        return warning(f"a deploy goes on: {', '.join(moving)}", "ask again when it has ended")
    back = [name for name, s in status.items() if s in _ROLLED_BACK]
    if back:
        return warning(
            f"the last deploy failed and was taken back: {', '.join(back)}",
            f"the stack's events in CloudFormation's console say why; then {_DEPLOY}",
        )
    return well(f"all {len(names)} stacks are complete")


def version(stacks: Mapping[str, Mapping[str, Any]], here: str) -> Said:
    """Every stack was deployed from the code of this checkout; `here` is its version."""
    found = {name: _output(stack, OUTPUT) for name, stack in stacks.items()}
    if not found:
        return broken("no stack is there", f"{_DEPLOY} makes them")
    other = [name for name, deployed in found.items() if deployed != here]
    if not other:
        return well(f"the farm runs the code of this checkout ({here})")
    what = "the farm" if len(other) == len(found) else ", ".join(other)
    return warning(
        f"{what} runs other code than this checkout ({here}): "
        f"{', '.join(sorted({found[name] or 'of no known version' for name in other}))}",
        f"{_DEPLOY} brings it to this code, or use the checkout that it was deployed from",
    )


def _output(stack: Mapping[str, Any], key: str) -> str:
    return next(
        (str(each["OutputValue"]) for each in stack.get("Outputs", []) if each["OutputKey"] == key), ""
    )
