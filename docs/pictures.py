"""Make the README's pictures: `make pictures` renders the demo scene on a laptop farm and photographs it."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.text import Text

IMAGES: Final = Path(__file__).with_name("images")
CHROMIUM: Final = "/usr/bin/chromium"
QUIET: Final = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
HOUR_DOLLARS: Final = "0.38"
"""Of an 8-core machine, so that the pictures show a cost."""
WIDTH: Final = 1200
COLUMNS, LINES = 100, 20
FRAMES_FIRST: Final = 9
"""So many are done before anything is photographed."""
_ERASED: Final = re.compile(rb"(?:\r|\x1b\[2K|\x1b\[1A)*\x1b\[2K(?:\r|\x1b\[2K|\x1b\[1A)*")
"""Stands before each new page of a terminal's."""


def main(scene: Path) -> None:
    with tempfile.TemporaryDirectory() as folder, a_farm(Path(folder)) as env, a_browser() as browser:
        job_id = farm(env, "submit", str(scene)).strip()
        while frames_done(env, job_id) < FRAMES_FIRST:
            time.sleep(1)
        photograph_page(browser, farm(env, "open", "--print").split()[-1])
        photograph_watch(browser, env, job_id)
        farm(env, "download", job_id, str(Path(folder, "out")))
        with Image.open(next(Path(folder, "out").rglob("contact_sheet.jpg"))) as sheet:
            sheet.thumbnail((WIDTH, WIDTH))
            sheet.save(IMAGES / "contact_sheet.jpg", quality=82, optimize=True)


@contextmanager
def a_farm(folder: Path) -> Iterator[dict[str, str]]:
    """The environment in which `farm` finds it."""
    env = {**os.environ, "FARM_STATE_DIR": str(folder / "farm"), "FARM_LOCAL_HOUR_DOLLARS": HOUR_DOLLARS}
    try:
        farm(env, "local", "up")
        yield env
    finally:
        farm(env, "local", "down")


@contextmanager
def a_browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        try:
            yield browser
        finally:
            browser.close()


def farm(env: dict[str, str], *arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("farm")), *arguments]
    return subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout


def frames_done(env: dict[str, str], job_id: str) -> int:
    (done,) = re.findall(r'"frames_done": (\d+)', farm(env, "status", job_id, "--json"))
    return int(done)


def photograph_page(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": WIDTH, "height": 765}, color_scheme="dark")
    page.goto(address)
    page.wait_for_timeout(6_000)  # until its graphs are drawn
    save(page.screenshot(), IMAGES / "page.png")
    page.close()


def photograph_watch(browser: Browser, env: dict[str, str], job_id: str) -> None:
    """The terminal's last page in its own colors, drawn as SVG by rich."""
    pages = [page for page in _ERASED.split(seen_in_terminal(env, job_id)) if b"frames a minute" in page]
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text(f"$ farm watch {job_id}", style="bold"))
    console.print(Text.from_ansi(pages[-1].decode(errors="replace").replace("\r", "")))
    page = browser.new_page(viewport={"width": WIDTH, "height": 400})
    page.set_content(console.export_svg(title="farm watch"))
    page.wait_for_timeout(500)
    save(page.locator("svg").first.screenshot(omit_background=True), IMAGES / "watch.png")
    page.close()


def seen_in_terminal(env: dict[str, str], job_id: str, seconds: float = 8) -> bytes:
    """What `farm watch` writes to a terminal of its own until it is stopped by Ctrl-C."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(env, COLUMNS=str(COLUMNS), LINES=str(LINES), TERM="xterm-256color")
        program = str(Path(sys.executable).with_name("farm"))
        os.execv(program, [program, "watch", job_id])
    seen, deadline = b"", time.monotonic() + seconds
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.2)[0]:
            seen += os.read(terminal, 65536)
    os.write(terminal, b"\x03")
    os.waitpid(pid, 0)
    os.close(terminal)
    return seen


def save(png: bytes, path: Path) -> None:
    """With a palette: it is for a README."""
    with Image.open(io.BytesIO(png)) as picture:
        picture.convert("RGB").quantize(192, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
