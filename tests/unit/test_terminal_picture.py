"""Pictures on terminals that can show them: what is sent is decoded again."""

from __future__ import annotations

import io
import re
from base64 import b64decode
from dataclasses import replace

import pytest
from PIL import Image, ImageChops, ImageStat

from contract.job import Job, JobState, Progress
from farm.follow import Snapshot
from farm.last_frame import BETWEEN_SECONDS, LastFrame
from farm.terminal_picture import COLOURS, MAX_PIXELS, PictureError, PictureProtocol, drawn, protocol_of
from tests.support.jobs import a_job


def jpeg(width: int = 64, height: int = 36) -> bytes:
    file = io.BytesIO()
    picture = Image.linear_gradient("L").resize((width, height))
    turned = picture.rotate(90).resize((width, height))
    Image.merge("RGB", (picture, ImageChops.invert(picture), turned)).save(file, "JPEG", quality=95)
    return file.getvalue()


def decode_kitty(said: str) -> Image.Image:
    chunks = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", said)
    assert "".join(f"\x1b_G{control};{data}\x1b\\" for control, data in chunks) == said
    assert chunks[0][0].startswith("a=T,f=100,")
    assert all("q=2" in control for control, _ in chunks), "the terminal must not answer"
    assert [control[-3:] for control, _ in chunks] == ["m=1"] * (len(chunks) - 1) + ["m=0"]
    assert all(len(data) <= 4096 for _, data in chunks)
    return Image.open(io.BytesIO(b64decode("".join(data for _, data in chunks))))


def decode_iterm2(said: str) -> Image.Image:
    found = re.fullmatch(r"\x1b\]1337;File=inline=1;[a-zA-Z0-9=;]*:([A-Za-z0-9+/=]*)\x07", said)
    assert found
    return Image.open(io.BytesIO(b64decode(found[1])))


def decode_sixel(said: str) -> Image.Image:
    found = re.fullmatch(r'\x1bPq"1;1;(\d+);(\d+)((?:#\d+;2;\d+;\d+;\d+)+)(.*)\x1b\\', said, re.DOTALL)
    assert found
    picture = Image.new("RGB", (int(found[1]), int(found[2])))
    palette = {
        int(number): tuple(round(int(part) * 2.55) for part in parts.split(";"))
        for number, parts in re.findall(r"#(\d+);2;(\d+;\d+;\d+)", found[3])
    }
    x = top = colour = 0
    for command, count, bits in re.findall(r"(#\d+|\$|-)|(?:!(\d+))?([?-~])", found[4]):
        if command.startswith("#"):
            colour = int(command[1:])
        elif command:
            x, top = 0, top + (6 if command == "-" else 0)
        else:
            run = range(x, x + int(count or 1))
            rows = [top + row for row in range(6) if (ord(bits) - 0x3F) >> row & 1]
            for place in ((column, row) for column in run for row in rows):
                picture.putpixel(place, palette[colour])
            x = run.stop
    return picture


DECODERS = {
    PictureProtocol.KITTY: decode_kitty,
    PictureProtocol.ITERM2: decode_iterm2,
    PictureProtocol.SIXEL: decode_sixel,
}


@pytest.mark.parametrize("protocol", list(PictureProtocol))
@pytest.mark.parametrize("size", [(64, 36), (31, 17), (640, 360)])
def test_what_is_sent_is_the_picture(protocol: PictureProtocol, size: tuple[int, int]) -> None:
    shown = DECODERS[protocol](drawn(jpeg(*size), protocol)).convert("RGB")
    meant = Image.open(io.BytesIO(jpeg(*size))).convert("RGB")
    meant.thumbnail(MAX_PIXELS)
    assert shown.size == meant.size
    if protocol is PictureProtocol.SIXEL:  # of few colours, each of 101 shades
        meant = meant.quantize(COLOURS, dither=Image.Dither.NONE).convert("RGB")
    far = max(ImageStat.Stat(ImageChops.difference(shown, meant)).mean)
    assert far < 2


@pytest.mark.parametrize(
    "data", [b"", b"\x1b]0;title\x07", jpeg()[:200], jpeg(4000, 2000), b"GIF89a" + b"\0" * 99]
)
def test_what_is_no_thumbnail_is_not_shown(data: bytes) -> None:
    with pytest.raises(PictureError):
        drawn(data, PictureProtocol.ITERM2)


@pytest.mark.parametrize(
    ("env", "protocol"),
    [
        ({"TERM": "xterm-kitty"}, PictureProtocol.KITTY),
        ({"TERM": "xterm-ghostty", "TERM_PROGRAM": "ghostty"}, PictureProtocol.KITTY),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, PictureProtocol.ITERM2),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, PictureProtocol.ITERM2),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, PictureProtocol.ITERM2),
        ({"TERM": "foot"}, PictureProtocol.SIXEL),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, None),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/tmux"}, None),
        ({"TERM": "screen-256color", "TERM_PROGRAM": "iTerm.app"}, None),
        ({"TERM": "dumb"}, None),
        ({}, None),
    ],
)
def test_only_terminals_that_are_known_to_can(env: dict[str, str], protocol: PictureProtocol | None) -> None:
    assert protocol_of(env) is protocol


def seen(frame: int | None, state: JobState = JobState.RENDERING) -> Snapshot:
    return Snapshot(job=replace(a_job(), state=state), progress=Progress(total=9, last_frame=frame))


def test_pictures_come_seldom_and_each_once() -> None:
    asked: list[int] = []

    def fetch(job: Job, frame: int) -> bytes | None:
        asked.append(frame)
        return None if frame == 3 else jpeg()

    last = LastFrame(fetch, PictureProtocol.KITTY)
    assert last.newer(Snapshot(job=None), 0) is None
    assert last.newer(seen(None), 0) is None
    assert last.newer(seen(1), 1) is not None
    assert last.newer(seen(1), 99) is None, "shown already"
    assert last.newer(seen(2), 1 + BETWEEN_SECONDS / 2) is None, "too soon"
    assert last.newer(seen(3), 50) is None, "there is none"
    assert last.newer(seen(4), 51) is not None
    assert last.newer(seen(5, JobState.DONE), 52) is not None, "the last of all"
    assert asked == [1, 3, 4, 5]


def test_a_thumbnail_that_is_no_picture_ends_nothing() -> None:
    last = LastFrame(lambda job, frame: b"\x1b[2J", PictureProtocol.SIXEL)
    assert last.newer(seen(1), 0) is None
