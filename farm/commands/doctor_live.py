"""`farm doctor --live`: asked for, made, told, and taken away again."""

from __future__ import annotations

import secrets
import signal
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from farm.commands.asked import print_json
from farm.plain_errors import FAILED, MisusedError, plain_errors

if TYPE_CHECKING:
    from farm.chosen_farm import ChosenFarm
    from farm.doctor.live.live_run import LiveRun
    from farm.doctor.live.verdict import Verdict


def examine_live(farm: ChosenFarm, *, yes: bool, json: bool) -> None:
    """Every verdict as it is found. Exits with 1 when something is not so or cannot be taken away."""
    from farm.doctor.live.examination import LIMIT_SECONDS, REMOVAL_SECONDS, examine
    from farm.doctor.live.verdict import Ruling

    signal.signal(signal.SIGTERM, _interrupt)  # what it has made must not outlive it
    with plain_errors():
        run = _new_run(farm)
        _ask(run, yes=yes, json=json)
        found: list[Verdict] = []
        run.begin(LIMIT_SECONDS - REMOVAL_SECONDS)
        try:
            for verdict in examine(run):
                found.append(verdict)
                if not json:
                    _print(verdict)
        finally:
            left = _take_away(run)
        broken = [verdict for verdict in found if verdict.ruling is Ruling.NOT_SO]
        if json:
            print_json(
                {
                    "well": not broken and not left,
                    "verdicts": [verdict.to_map() for verdict in found],
                    "left": left,
                }
            )
        else:
            _sum_up(found)
        if broken or left:
            raise typer.Exit(FAILED)


def _new_run(farm: ChosenFarm) -> LiveRun:
    from farm.doctor.live.examination import CONFIG
    from farm.doctor.live.live_run import LiveRun

    own = farm.clients.config
    clients = replace(farm.clients, config=own.merge(CONFIG) if own else CONFIG)
    return LiveRun(
        farm=replace(farm, clients=clients),
        run_id=secrets.token_hex(4),
        clock=time.monotonic,
        pause=time.sleep,
    )


def _ask(run: LiveRun, *, yes: bool, json: bool) -> None:
    """Say what it does and may cost, and have the person agree."""
    from farm.doctor.live.cost import most_dollars
    from farm.doctor.live.examination import LIMIT_SECONDS
    from farm.screen import say, standard_error

    group = run.group()
    by_hand = run.farm.fleet.hour_dollars if run.farm.fleet else run.backlog.worker_hour_dollars
    dollars = most_dollars(_types(group), hour_dollars=by_hand, seconds=LIMIT_SECONDS)
    region = run.farm.clients.session.region_name
    say(
        standard_error(),
        f"On the farm {run.farm.name} ({region}) this uploads a scene of three small frames and has it"
        " rendered by one of the farm's machines, writes a test record, makes a queue, and has the janitor"
        " go round once. All of it is taken away again. Jobs that are there go on. Whoever is told of jobs"
        " gets one mail."
        f" It takes ten minutes at most, and costs ${dollars:.2f} at most.",
    )
    if not yes:
        if json or not sys.stdin.isatty():
            raise MisusedError("nobody can be asked here: `--yes` agrees to it")
        typer.confirm("Do it?", abort=True, err=True)


def _types(group: object) -> list[str]:
    from farm.doctor.account import fleet_of

    return list(fleet_of(group).instance_types) if isinstance(group, dict) else []


def _take_away(run: LiveRun) -> list[str]:
    """What could not be, in words, which are said as well."""
    from farm.doctor.live.traces import remove
    from farm.screen import say, standard_error

    try:
        left = remove(run)
    except KeyboardInterrupt:
        say(
            standard_error(),
            f"broken off: s3://{run.farm.outputs['RenderBucketName']}/{run.project}/, the job"
            f" {run.job_id or '(none)'} and the queue {run.queue_name} may be there still",
            "red",
        )
        raise
    for words in left:
        say(standard_error(), words, "red")
    return left


def _print(verdict: Verdict) -> None:
    from farm.screen import say, standard_output

    style = {"✗": "red", "–": "yellow"}.get(verdict.ruling.mark, "")
    say(
        standard_output(),
        f"{verdict.ruling.mark} {verdict.assumption:<31}{verdict.ruling}: {verdict.words}",
        style,
    )


def _sum_up(found: list[Verdict]) -> None:
    from farm.doctor.live.verdict import Ruling
    from farm.screen import say, standard_output

    counts = {ruling: sum(verdict.ruling is ruling for verdict in found) for ruling in Ruling}
    words = ", ".join(f"{count} {ruling}" for ruling, count in counts.items())
    say(standard_output(), words, "red" if counts[Ruling.NOT_SO] else "green")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
