"""The table, the pictures and the JSON, from outcomes made by hand."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console
from rich.table import Table

from farm.simulate.bounds import Clairvoyant, bounds
from farm.simulate.criteria import criteria
from farm.simulate.measures import measure
from farm.simulate.model import AwsBehaviour
from farm.simulate.report.document import document
from farm.simulate.report.figures import duration
from farm.simulate.report.plot import draw, file_name
from farm.simulate.report.table import _SHORT, suite_table, summary, variants_table
from farm.simulate.runs import Run, VariantRun, WorkloadRuns, WorkloadVariants
from farm.simulate.setup import read_setup
from tests.support.outcomes import MACHINES, life, outcome, sample


def test_each_criterion_has_a_word_for_the_table() -> None:
    assert {one.name for one in run().criteria} | {"cost ÷ clairvoyant"} == set(_SHORT)


def run(**fields: Any) -> Run:
    found = outcome(**fields)
    measures = measure(found, bounds(found.workload, MACHINES), Clairvoyant(found.workload, MACHINES))
    return Run(outcome=found, measures=measures, criteria=criteria(found, measures, latency_seconds=300))


def slow(policy: str = "slow") -> Run:
    return run(policy=policy, job_ends=(900,), lives=(life(ended=2000, ended_by="scale-in", was_busy=True),))


def never(policy: str = "never") -> Run:
    return run(policy=policy, job_ends=(None,), lives=(life(ended=9000, ended_by="end"),))


def report(*runs: Run) -> WorkloadRuns:
    found = runs[0].outcome
    return WorkloadRuns(workload=found.workload, bounds=bounds(found.workload, MACHINES), runs=runs)


def printed(table: Table) -> list[list[str]]:
    """The cells of the printed lines that hold any."""
    paper = StringIO()
    Console(width=240, file=paper).print(table)
    lines = paper.getvalue().splitlines()
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]


def test_each_policy_has_a_row_with_its_numbers_and_what_it_missed() -> None:
    rows = {cells[0]: cells[1:] for cells in printed(suite_table([report(run(), slow(), never())]))}
    assert rows["by hand"][0] == "1 needed"
    assert rows["ours"] == [
        *("1", "1.00", "$520.00", "1.13", "1.13", "8 min", "1.61", "1.00"),
        *("0", "0 s", "60 s", "60 s", "0.3/0.0", "✓"),
    ]
    assert rows["slow"][7] == f"{1960 * 900 / (520 * 500):.2f}"
    assert rows["slow"][8] == "1"
    assert rows["slow"][-1] == "✗ busy ended, to zero"
    assert rows["never"][5] == "never"


def test_the_summary_counts_where_ours_is_best_and_names_what_beats_it() -> None:
    best, beaten = report(run(), slow(), never()), report(slow("ours"), run(policy="quick"), never())
    assert summary([best, beaten]) == (
        "ours is best on cost × makespan in 1 of 2 workloads\n  not in by hand: quick has 0.15 of ours"
    )


def test_ours_is_not_best_when_it_is_beaten_equalled_or_never_ends() -> None:
    assert report(run(), slow(), never()).ours_is_best
    assert not report(run(), run(policy="just as good")).ours_is_best
    assert not report(never("ours"), slow()).ours_is_best


def varied() -> WorkloadVariants:
    behaviours = (AwsBehaviour(), AwsBehaviour(high_periods=5), AwsBehaviour(high_periods=1))
    runs = (run(), slow(), run(lives=(life(ended=1000),)))
    return WorkloadVariants(
        workload="by hand",
        runs=tuple(
            VariantRun(behaviour=behaviour, criteria=one.criteria)
            for behaviour, one in zip(behaviours, runs, strict=True)
        ),
    )


def test_the_variants_show_the_worst_value_and_the_first_variant_that_misses() -> None:
    rows = {cells[1]: cells[2:] for cells in printed(variants_table([varied()]))}
    assert rows["seconds to zero"][:3] == ["1100", "300", "2 of 3"]
    assert "high 5" in rows["seconds to zero"][3]
    assert rows["overshoot"] == ["1", "1", "none", ""]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (119, "119 s"), (150, "2 min"), (10_000, "167 min"), (20_000, "5.6 h"), (None, "never")],
)
def test_durations_are_in_words(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def as_json() -> str:
    return document(
        setup=read_setup(),
        machines=MACHINES,
        behaviour=AwsBehaviour(),
        seed=1,
        reports=[report(run(), never())],
        variants=[varied()],
    )


def test_the_json_holds_everything_and_no_nan() -> None:
    text = as_json()
    assert text == as_json()
    content = json.loads(text)
    ours, other = content["workloads"][0]["policies"]
    assert ours["measures"]["cost_over_bound"] == 1.1304
    assert ours["samples"][0]["desired"] == 1
    assert ours["machines"][0]["ended_by"] == "itself"
    assert other["measures"]["makespan_seconds"] is None
    assert other["cost_times_makespan_over_ours"] is None
    assert {"name": "seconds to zero", "value": None, "at_most": 300, "met": False} in other["criteria"]
    assert content["variants"][0]["runs"][1]["behaviour"]["high_periods"] == 5
    assert content["setup"]["limits"]["frame_queue_bpi"] == read_setup().limits.frame_queue_bpi


def test_a_picture_is_png_or_svg_by_its_ending_and_the_same_each_time(tmp_path: Path) -> None:
    samples = tuple(sample(60 * i, needed=i % 5, desired=i % 7, in_service=i % 6) for i in range(30))
    drawn = report(run(samples=samples), slow(), never())
    for name in ("a.png", "a.svg", "b.svg"):
        draw(drawn, tmp_path / name)
    png, svg = (tmp_path / "a.png").read_bytes(), (tmp_path / "a.svg").read_bytes()
    assert svg == (tmp_path / "b.svg").read_bytes()
    assert png.startswith(b"\x89PNG") and int.from_bytes(png[16:20], "big") == 1200
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    for policy in ("ours", "slow", "never"):
        assert f"<!-- {policy} -->".encode() in svg, "each policy's panel has its title"


def test_file_names_are_plain() -> None:
    assert file_name("bake 20 min then 100 x 60 s", "svg") == "bake-20-min-then-100-x-60-s.svg"
