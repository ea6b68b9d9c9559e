"""The laptop farm's page in a real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from contract.job import Job, JobState
from farm.local.page import lifecycle as page_process
from tests.e2e.browser import CHROMIUM, a_browser_at
from tests.e2e.laptop import ROOT, LaptopFarm, a_farm, keep_agents

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PATIENCE_SECONDS = 240
WIDTHS = (600, 1600)
HOSTILE = "<img src=x onerror=window.hacked=1>\"'&.blend"

OVER_TIME = {"frames": "3", "frame_timeout_seconds": "3", "max_attempts": "1"}
"""Of a frame that takes longer."""

pytestmark = pytest.mark.skipif(
    not Path(CHROMIUM).exists() and "CI" not in os.environ, reason=f"there is no {CHROMIUM}"
)


def a_scene(folder: Path, frame_seconds: int) -> Path:
    """Eight frames that take so long each, however quick the computer is."""
    path = folder / "scene.blend"
    program = Path(__file__).with_name("small_scene.py")
    env = {**os.environ, "FRAME_SECONDS": str(frame_seconds)}
    subprocess.run([sys.executable, str(program), str(path)], check=True, capture_output=True, env=env)
    return path


@pytest.fixture(scope="module")
def slow_scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_scene(tmp_path_factory.mktemp("slow"), 1)


@pytest.fixture(scope="module")
def too_slow_scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_scene(tmp_path_factory.mktemp("too_slow"), 600)


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LaptopFarm]:
    with a_farm(tmp_path_factory.mktemp("laptop"), FARM_BLENDER=sys.executable) as farm:
        keep_agents(farm, 1)
        yield farm


class Jobs(dict[str, str]):
    """Ids by what is seen of them. Each is sent when it is first asked for: the only agent takes those that
    wait in any order."""

    def __init__(self, farm: LaptopFarm, slow: Path, too_slow: Path) -> None:
        super().__init__()
        self._send = {
            "renders": lambda: farm.upload(slow, "film/shot_010.blend"),
            "fails": lambda: farm.upload(too_slow, "film/shot_020.blend", OVER_TIME),
            "hostile": lambda: farm.upload(slow, f"film/{HOSTILE}", {"frames": "1"}),
            "canceled": lambda: farm.upload(slow, "film/shot_030.blend", {"frames": "1-100"}),
        }

    def __missing__(self, name: str) -> str:
        self[name] = self._send[name]()
        return self[name]


@pytest.fixture(scope="module")
def jobs(farm: LaptopFarm, slow_scene: Path, too_slow_scene: Path) -> Jobs:
    return Jobs(farm, slow_scene, too_slow_scene)


@pytest.fixture(scope="module")
def page(farm: LaptopFarm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with a_browser_at(farm.record.page_url, tmp_path_factory.mktemp("chromium"), PATIENCE_SECONDS) as page:
        yield page


def of(page: Page, job_id: str) -> Locator:
    """A job on the page, large or on one line."""
    return page.locator(f"[data-job='{job_id}']")


def job_of(farm: LaptopFarm, job_id: str) -> Job | None:
    return farm.farm.records.job(job_id)


def wait_for(page: Page, farm: LaptopFarm, job_id: str, *states: JobState) -> Job:
    """The job, once it has such a state, and the page says so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not ((job := job_of(farm, job_id)) and job.state in states):
        assert time.monotonic() < deadline, f"{job_id} is not {states}: {job}\n{farm.logs()}"
        page.wait_for_timeout(200)
    of(page, job_id).and_(page.locator(f".{job.state.lower()}")).wait_for()
    return job


def test_progress_moves_while_it_renders(page: Page, farm: LaptopFarm, jobs: Jobs) -> None:
    card = of(page, jobs["renders"])
    card.locator(".state").filter(has_text="rendering").wait_for()
    shown: list[tuple[int, int]] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not shown or shown[-1][0] < 100:
        assert time.monotonic() < deadline, f"{shown}\n{farm.logs()}"
        if card.locator(".bar").count():
            words = card.locator(".facts").inner_text()
            percent, frames = (
                int(m[1]) for m in (re.search(p, words) for p in (r"(\d+) %", r"(\d+) of 8")) if m
            )
            if not shown or shown[-1] != (percent, frames):
                shown.append((percent, frames))
        page.wait_for_timeout(200)
    assert shown == sorted(shown)
    assert len([percent for percent, _ in shown if 0 < percent < 100]) >= 2, shown
    assert all(percent == 100 * frames // 8 for percent, frames in shown), shown
    wait_for(page, farm, jobs["renders"], JobState.DONE)


def test_the_latest_frames_are_seen(page: Page, farm: LaptopFarm, jobs: Jobs) -> None:
    images = of(page, jobs["renders"]).locator("img")
    images.nth(4).wait_for()
    sizes = images.evaluate_all("all => Promise.all(all.map(i => i.decode().then(() => i.naturalWidth)))")
    assert len(sizes) == 5 and min(sizes) > 0
    assert of(page, jobs["renders"]).locator(".no").all_inner_texts() == ["4", "5", "6", "7", "8"]


def test_a_failed_frame_says_why(page: Page, farm: LaptopFarm, jobs: Jobs) -> None:
    job = wait_for(page, farm, jobs["fails"], JobState.DONE_WITH_FAILURES)
    (record,) = farm.farm.records.frames(job.job_id, range(job.shards))
    assert "3 s" in record.reason
    shown = of(page, jobs["fails"])
    assert shown.locator(".why").inner_text() == f"frame 3{record.reason}"
    assert shown.locator(".btn").all_inner_texts() == ["Retry"]


def test_a_button_cancels_a_job_that_renders(page: Page, farm: LaptopFarm, jobs: Jobs) -> None:
    wait_for(page, farm, jobs["canceled"], JobState.RENDERING)
    button = of(page, jobs["canceled"]).locator(".btn", has_text="Cancel")
    dialog = page.locator("dialog")
    button.click()
    assert "Cancel shot_030.blend?" in dialog.inner_text()
    dialog.get_by_text("Not now").click()
    dialog.wait_for(state="hidden")
    job = job_of(farm, jobs["canceled"])
    assert job and job.state is JobState.RENDERING, "nothing is done before it is confirmed"
    button.focus()
    page.keyboard.press("Enter")
    dialog.locator("#dialog-yes").click()
    dialog.get_by_text("shot_030.blend is canceled").wait_for()
    dialog.locator("#dialog-yes").click()
    job = wait_for(page, farm, jobs["canceled"], JobState.CANCELED)
    assert job.reason == "canceled on request"


def test_a_job_name_runs_no_script(page: Page, farm: LaptopFarm, jobs: Jobs) -> None:
    wait_for(page, farm, jobs["hostile"], JobState.DONE)
    assert of(page, jobs["hostile"]).locator(".name").inner_text() == HOSTILE
    assert page.locator("img[src=x]").count() == 0
    assert page.evaluate("window.hacked") is None


def test_html_that_was_not_escaped_would_run_no_script(page: Page, farm: LaptopFarm) -> None:
    """First as it comes from a function that forgot to, then as if the page itself had put it in."""
    evil = "<div id=evil><img src=x onerror=window.hacked=1><script>window.hacked=1</script></div>"
    page.route("**/jobs?*", lambda route: route.fulfill(body=evil, content_type="text/html"))
    page.locator("#evil").wait_for(state="attached")
    page.unroute("**/jobs?*")
    assert page.locator("#jobs script, #jobs [onerror]").count() == 0
    broken = page.evaluate(
        """async (evil) => {
            const refused = new Promise((resolve) =>
                document.addEventListener("securitypolicyviolation", (e) => resolve(e.effectiveDirective)));
            document.querySelector("main").insertAdjacentHTML("beforeend", evil);
            document.querySelector("main").lastChild.remove();
            return refused;
        }""",
        evil,
    )
    assert broken.startswith("script-src")
    assert page.evaluate("window.hacked") is None
    page.locator(".card").first.wait_for()


def test_graphs_show_what_was_measured(page: Page, farm: LaptopFarm, jobs: Jobs) -> None:
    def graph(title: str) -> Locator:
        return page.locator(".graph").filter(has=page.get_by_text(title, exact=True))

    graph("Frames").locator(".line, .dot").first.wait_for(state="attached")
    assert re.search(r"done\s*[1-9]", graph("Frames").locator(".legend").inner_text())
    assert graph("Workers").locator(".line, .dot").count() > 0
    page.get_by_role("button", name="1 h", exact=True).click()
    assert page.get_by_role("button", name="1 h", exact=True).get_attribute("aria-pressed") == "true"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_readable_in_both_themes_and_at_every_width(
    page: Page, farm: LaptopFarm, jobs: Jobs, theme: str
) -> None:
    """The computer's theme at first, then the one that a person chooses. Pictures of it are kept in out/."""
    out = ROOT / "out"
    out.mkdir(exist_ok=True)
    of(page, jobs["renders"]).wait_for()
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 1000})
        page.locator(f".farm-jobs.{theme}.{'narrow' if width == 600 else 'wide'}").wait_for()
        page.screenshot(path=out / f"page-{width}-{theme}.png", full_page=True)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, "nothing lies beyond the window"
        seen = page.evaluate(_BRIGHTNESS)
        assert (seen["ground"] < 80) is (theme == "dark"), seen
        assert abs(seen["card"] - seen["text"]) > 120, seen
    other = "light" if theme == "dark" else "dark"
    page.get_by_role("button", name=other.capitalize(), exact=True).click()
    page.locator(f".farm-jobs.{other}").wait_for()
    page.get_by_role("button", name="Auto", exact=True).click()
    page.locator(f".farm-jobs.{theme}").wait_for()


_BRIGHTNESS = """() => {
    const of = (selector, property) => {
        const colour = getComputedStyle(document.querySelector(selector))[property];
        const [r, g, b] = colour.match(/\\d+/g).map(Number);
        return 0.3 * r + 0.6 * g + 0.1 * b;
    };
    return {
        ground: of("body", "backgroundColor"),
        card: of(".card", "backgroundColor"),
        text: of(".card .name", "color"),
    };
}"""


def test_a_page_that_was_killed_comes_again_under_its_address(page: Page, farm: LaptopFarm) -> None:
    process = page_process.running(farm.state)
    assert process
    os.kill(process.pid, signal.SIGKILL)
    page.locator("#live[data-state=lost]").wait_for()
    code, said = farm.run("up")
    assert (code, farm.record.page_url in said) == (0, True), said
    page.locator("#live[data-state=live]").wait_for()
    code, said = farm.run("status")
    assert (code, f"page: {farm.record.page_url}" in said) == (0, True), said
