"""The whole widget: a pure function from the board to HTML."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Final

from contract.job import JobState
from functions.show_jobs import style
from functions.show_jobs.board import Board
from functions.show_jobs.card import card
from functions.show_jobs.markup import NOTHING, Markup, div, element, span
from functions.show_jobs.request import Request
from functions.show_jobs.row import row
from functions.show_jobs.words import money

NARROW, WIDE = 760, 1100
"""CSS pixels: below the first there is one column and short rows, from the second on cards stand in pairs."""

_GROUPS: Final = {
    "rendering": (JobState.RENDERING, JobState.FINISHING, JobState.BAKING),
    "waiting": (JobState.QUEUED,),
    "held": (JobState.HELD,),
    "failed": (JobState.FAILED, JobState.DONE_WITH_FAILURES),
    "done": (JobState.DONE,),
    "canceled": (JobState.CANCELED,),
}


def render(
    board: Board,
    request: Request,
    *,
    function_arn: str,
    now: datetime,
    budget_dollars: float | None = None,
) -> str:
    """HTML with no script, whatever stands in the records. `function_arn` is what the buttons call."""
    size = "narrow" if request.width < NARROW else "wide" if request.width >= WIDE else "middle"
    cards = [card(job, function_arn=function_arn, now=now) for job in board.featured]
    rows = [row(job, function_arn=function_arn, now=now) for job in board.rows]
    return div(
        f"cwdb-no-default-styles {style.ROOT} {request.theme} {size}",
        element("style", Markup(style.sheet(request.theme))),
        _summary(board, budget_dollars),
        div("cards", *cards) if cards else _nothing_yet(),
        div("rows", *rows) if rows else NOTHING,
    ).html


def _summary(board: Board, budget_dollars: float | None) -> Markup:
    counts = Counter(job.view.state for job in board.jobs)
    groups = {name: sum(counts[state] for state in states) for name, states in _GROUPS.items()}
    said = [
        span("count", element("b", str(number)), f" {name}")
        for name, number in groups.items()
        if number or name == "rendering"
    ]
    spent = _spent(board.month_dollars, budget_dollars)
    return div("sum", *(said if board.jobs else ()), spent) if board.jobs or spent.html else NOTHING


def _spent(dollars: float, budget: float | None) -> Markup:
    """Nothing where machines cost nothing and nobody set a budget."""
    if not budget:
        return span("spent", element("b", money(dollars)), " this month") if dollars > 0 else NOTHING
    over = " over" if dollars >= budget else ""
    spent = money(dollars) or "$0"
    return span(f"spent{over}", element("b", spent), f" of {money(budget)} this month")


def _nothing_yet() -> Markup:
    return div(
        "none",
        element("b", "No jobs yet"),
        "Upload a .blend, or an archive with one, and it shows here.",
    )
