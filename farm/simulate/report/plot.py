"""A picture of one workload: what was needed and what each policy did, one panel a policy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from farm.simulate.measures import Measures
from farm.simulate.model import Outcome
from farm.simulate.report.figures import dollars, duration
from farm.simulate.runs import Run, WorkloadRuns

_WIDTH_INCHES: Final = 12
_PANEL_INCHES: Final = 2
_TITLE_INCHES, _TOP_INCHES, _BOTTOM_INCHES = 0.3, 0.95, 0.55
_DOTS_PER_INCH: Final = 100
_NEEDED, _DESIRED, _SERVING, _BACKLOG, _LOST = "#b9d7ee", "#d1495b", "#1f4e79", "#8a8a8a", "#000000"
_HEADROOM: Final = 1.08
_LONG_SECONDS: Final = 3 * 3600


def draw(report: WorkloadRuns, path: Path) -> None:
    """Write the picture as PNG or SVG, by the file's ending. The same runs give the same bytes."""
    height = _PANEL_INCHES * len(report.runs) + _TOP_INCHES + _BOTTOM_INCHES
    figure = Figure(figsize=(_WIDTH_INCHES, height), dpi=_DOTS_PER_INCH)
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(report.runs), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    seconds, unit = (3600, "hours") if _end(report) > _LONG_SECONDS else (60, "minutes")
    most_backlog = max(s.backlog_seconds for run in report.runs for s in run.outcome.samples) / 3600
    for axes, run in zip(panels, report.runs, strict=True):
        _panel(axes, run, seconds)
        _backlog(axes, run.outcome, seconds, most_backlog)
    panels[-1].set_xlabel(f"{unit} since the first job arrived")
    panels[0].set_xlim(0, _end(report) / seconds * 1.01)
    panels[0].set_ylim(0, _most_machines(report) * _HEADROOM)
    handles, labels = panels[0].get_legend_handles_labels()
    top = 1 - _TITLE_INCHES / height
    figure.suptitle(
        report.workload.name, fontsize=15, fontweight="bold", x=0.06, y=1 - 0.1 / height, ha="left"
    )
    figure.legend(
        handles, labels, loc="upper right", bbox_to_anchor=(0.95, top), ncols=len(handles), frameon=False
    )
    figure.subplots_adjust(
        left=0.06, right=0.94, top=1 - _TOP_INCHES / height, bottom=_BOTTOM_INCHES / height, hspace=0.3
    )
    with mpl.rc_context({"svg.hashsalt": report.workload.name}):
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def file_name(workload: str, kind: str) -> str:
    """Such as `100-x-10-s.png`."""
    return f"{re.sub(r'[^a-z0-9]+', '-', workload.lower()).strip('-')}.{kind}"


def _end(report: WorkloadRuns) -> float:
    lives = (life.ended for run in report.runs for life in run.outcome.lives)
    samples = (sample.at for run in report.runs for sample in run.outcome.samples)
    return max([60.0, *lives, *samples])


def _most_machines(report: WorkloadRuns) -> int:
    samples = (sample for run in report.runs for sample in run.outcome.samples)
    return max([1, *(max(one.needed, one.desired, one.in_service) for one in samples)])


def _panel(axes: Axes, run: Run, seconds: float) -> None:
    outcome, its = run.outcome, run.measures
    samples, gone = outcome.samples, max((life.ended for life in outcome.lives), default=0.0)
    at = [sample.at / seconds for sample in samples] + [gone / seconds]
    needed, desired, serving = (
        [getattr(sample, name) for sample in samples] + [0] for name in ("needed", "desired", "in_service")
    )
    axes.fill_between(at, needed, step="post", color=_NEEDED, linewidth=0, label="machines needed")
    axes.step(at, desired, where="post", color=_DESIRED, linewidth=1.6, label="desired")
    axes.step(at, serving, where="post", color=_SERVING, linewidth=1.6, label="in service")
    axes.plot([], [], color=_BACKLOG, linestyle=":", label="backlog (right)")
    thrown = [life.ended / seconds for life in outcome.lives if life.was_busy]
    axes.plot(thrown, [0] * len(thrown), "x", color=_LOST, clip_on=False, zorder=5, label="ended while busy")
    for end in sorted(end for end in outcome.job_ends if end is not None)[-1:]:
        axes.axvline(end / seconds, color=_BACKLOG, linewidth=0.8, label="last job done")
    axes.set_ylabel("machines")
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(outcome.policy, loc="left", fontsize=11, fontweight="bold")
    axes.set_title(_in_words(its), loc="right", fontsize=10)


def _in_words(its: Measures) -> str:
    return (
        f"at most {its.most_desired} · {dollars(its.cost_dollars)} · "
        f"makespan {duration(its.makespan_seconds)} · to zero {duration(its.seconds_to_zero)}"
    )


def _backlog(axes: Axes, outcome: Outcome, seconds: float, most: float) -> None:
    right = axes.twinx()
    right.plot(
        [sample.at / seconds for sample in outcome.samples],
        [sample.backlog_seconds / 3600 for sample in outcome.samples],
        color=_BACKLOG,
        linestyle=":",
        linewidth=1.6,
    )
    right.set_ylim(0, most * _HEADROOM or 1)
    right.set_ylabel("machine hours")
    right.spines[["top", "left"]].set_visible(False)
