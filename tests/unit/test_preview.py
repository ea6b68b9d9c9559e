"""Video and contact sheet of a job: made by the real encoder of small pictures in a bucket."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from contract.frame_record import FrameRecord
from contract.job import Job
from contract.keys import proxy_key, small_pictures_prefix, thumbnail_key
from contract.stored_part import StoredPart
from tests.support.aws_edges import AwsEdges, aws_edges
from tests.support.preview_farm import BLUE, GREEN, JOB, RED, Farm, done, failed, jpeg
from worker_agent.output_check import Pictures
from worker_agent.preview import Made, maker
from worker_agent.preview.contact_sheet import MOST_CELLS, chosen
from worker_agent.stores.bucket import StoredProxy


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsEdges]:
    with aws_edges() as aws:
        yield aws


@pytest.fixture
def farm(aws: AwsEdges, tmp_path: Path) -> Farm:
    """With a job of its own for each test."""
    return Farm(aws, tmp_path, replace(JOB, job_id=f"scene-{uuid4().hex[:12]}"))


def test_a_video_and_a_sheet(farm: Farm) -> None:
    colors = {1: RED, 3: GREEN, 10: BLUE, 100: RED}
    for frame, color in colors.items():
        farm.has(frame, jpeg(color))
    made = farm.make([done(frame) for frame in colors])
    assert made == Made(files=("preview.mp4", "contact_sheet.jpg"))
    video = farm.video()
    assert (video.codec, video.pixels, video.size) == ("h264", "yuv420p", (64, 48))
    assert video.rate == Fraction(24)
    assert (video.counted, len(video.frames), video.index_first) == (4, 4, True)
    assert video.colorspace == 1, "BT.709"
    assert video.seconds == pytest.approx(4 / 24, abs=0.001)
    assert all(video.shows(number, color) for number, color in enumerate(colors.values()))
    head = farm.aws.s3.head_object(
        Bucket=farm.aws.render_bucket_name, Key=f"film/output/{farm.job.job_id}/preview.mp4"
    )
    assert head["ContentType"] == "video/mp4"
    sheet = farm.sheet()
    cells = [sheet[8 + 90, left + 120] for left in (8, 256, 504, 752) if left < sheet.shape[1]]
    assert len(cells) * 248 + 8 == sheet.shape[1]
    assert all(abs(cell - color).max() < 16 for cell, color in zip(cells, colors.values(), strict=False)), (
        "240 pixels wide, in reading order"
    )
    assert (sheet[190:206, 8:30] > 150).any(), "a number is below"


def test_frames_that_were_rendered_together_share_an_object(farm: Farm) -> None:
    colors = {7: RED, 1: GREEN, 3: BLUE}
    pictures = {
        frame: Pictures(thumbnail=jpeg(color, (19, 14)), proxy=jpeg(color)) for frame, color in colors.items()
    }
    parts = farm.bucket.put_pictures(farm.job, pictures)
    another = farm.bucket.put_pictures(farm.job, {1: pictures[7], 7: pictures[1]})
    own, others = ({part.proxy.key for part in of.values() if part.proxy} for of in (parts, another))
    assert own.isdisjoint(others), "another worker's would be written over it"
    (key,) = own
    assert farm.key(key).startswith(f"{small_pictures_prefix(farm.job.job_id)}0001-0007-"), "they go later"
    stored = farm.stored(key)
    for frame, of_frame in parts.items():
        small = of_frame.thumbnail
        assert small and small.key == key
        assert stored[small.start : small.start + small.size_bytes] == pictures[frame].thumbnail
    records = [
        replace(done(frame), proxy=parts[frame].proxy, thumbnail=parts[frame].thumbnail)
        for frame in sorted(parts)
    ]
    assert farm.make([*records, failed(8, "x")]).files == ("preview.mp4", "contact_sheet.jpg")
    video = farm.video()
    assert [video.shows(n, color) for n, color in enumerate((GREEN, BLUE, RED))] == [True] * 3
    assert len(video.frames) == 4


def test_what_an_older_agent_has_put_is_seen(farm: Farm) -> None:
    for key in (proxy_key("film", farm.job.job_id, 1), thumbnail_key("film", farm.job.job_id, 1)):
        farm.aws.s3.put_object(Bucket=farm.aws.render_bucket_name, Key=key, Body=jpeg(BLUE))
    farm.has(2, jpeg(GREEN))
    farm.make([done(1), done(2)])
    assert [farm.video().shows(0, BLUE), farm.video().shows(1, GREEN)] == [True, True]


def test_gaps_are_marked_where_they_are(farm: Farm) -> None:
    farm.has(2, jpeg(GREEN, (320, 180)))
    farm.has(4, b"no JPEG")
    frames = [failed(1, "out of memory"), done(2), done(3), done(4), failed(5, "\x1b[2J" + "long " * 500)]
    assert farm.make(frames).files == ("preview.mp4", "contact_sheet.jpg")
    video = farm.video()
    assert len(video.frames) == 5
    assert video.shows(1, GREEN)
    for number in (0, 2, 3, 4):
        picture = video.frames[number]
        assert picture.shape == (180, 320, 3)
        assert picture[:, :, 0].mean() > picture[:, :, 1].mean() + 20, "dark red"
        assert (picture.min(axis=2) > 150).any(), "letters"
    assert abs(video.frames[0] - video.frames[2]).max() > 60, "they say different things"


def test_an_object_that_is_shorter_than_its_records_say_leaves_gaps(farm: Farm) -> None:
    pictures = {n: Pictures(thumbnail=jpeg(RED, (19, 14)), proxy=jpeg(GREEN)) for n in (1, 2, 3)}
    parts = farm.bucket.put_pictures(farm.job, pictures)
    second = parts[2].proxy
    assert second
    farm.put(second.key, farm.stored(second.key)[: second.start + second.size_bytes // 2])
    elsewhere = StoredPart(key="proxies/nowhere.mjpeg", start=0, size_bytes=9)
    records = [replace(done(n), proxy=parts[n].proxy, thumbnail=parts[n].thumbnail) for n in pictures]
    records.append(replace(done(4), proxy=elsewhere, thumbnail=elsewhere))
    assert farm.make(records) == Made(files=("preview.mp4", "contact_sheet.jpg"))
    video = farm.video()
    assert [video.shows(number, GREEN) for number in range(4)] == [True, False, False, False]
    farm.put(second.key, farm.stored(second.key)[: second.start + 9])
    farm.bucket.keep_thumbnail(farm.job, records[0])
    assert farm.stored("thumbnails/0001.jpg") == pictures[1].thumbnail
    with pytest.raises(ClientError, match="InvalidRange"):  # the finish goes on without
        farm.bucket.keep_thumbnail(farm.job, records[2])
    farm.bucket.keep_thumbnail(farm.job, replace(done(5), thumbnail=second))
    with pytest.raises(ClientError, match="NoSuchKey"):
        farm.stored("thumbnails/0005.jpg")


def test_what_a_picture_lacks_is_told_once(farm: Farm) -> None:
    for frame in (1, 2):
        farm.has(frame, jpeg(RED), 'The preview is without "Größe".')
    assert farm.make([done(1), done(2)]).notes == ('The preview is without "Größe".',)


def test_an_older_agents_thumbnail_stands_in_for_a_proxy_that_is_past_its_time(farm: Farm) -> None:
    farm.has(1, jpeg(RED, (640, 480)))
    key = thumbnail_key("film", farm.job.job_id, 2)
    farm.aws.s3.put_object(Bucket=farm.aws.render_bucket_name, Key=key, Body=jpeg(BLUE, (192, 144)))
    farm.make([done(1), done(2)])
    assert farm.video().size == (640, 480)
    assert farm.video().shows(1, BLUE)


@pytest.mark.parametrize(
    ("size", "video"),
    [((33, 17), (34, 18)), ((1, 1), (16, 16)), ((1280, 1), (1280, 16)), ((1, 700), (16, 700))],
)
def test_sizes_that_video_has_not(farm: Farm, size: tuple[int, int], video: tuple[int, int]) -> None:
    farm.has(1, jpeg(RED, size))
    farm.has(2, jpeg(GREEN, size))
    assert farm.make([done(1), done(2), failed(3, "x")]).files == ("preview.mp4", "contact_sheet.jpg")
    assert farm.video().size == video
    if size[0] == size[1] or size == (33, 17):  # a line of one pixel has no middle
        assert farm.video().shows(1, GREEN)
    if size == (33, 17):
        assert abs(farm.video().frames[0][-1, -1] - RED).max() < 16, "no dark edge"
    assert max(farm.sheet().shape) < 1_000


def test_a_frame_of_another_size_is_put_in_a_box(farm: Farm) -> None:
    farm.has(1, jpeg(RED, (320, 180)))
    farm.has(2, jpeg(GREEN, (90, 180)))
    farm.make([done(1), done(2)])
    boxed = farm.video().frames[1]
    assert boxed.shape == (180, 320, 3)
    assert abs(boxed[90, 160] - GREEN).max() < 16
    assert boxed[90, 20].max() < 24, "black beside it"


def test_of_one_frame_there_is_a_sheet_and_no_video(farm: Farm) -> None:
    farm.has(7, jpeg(RED))
    assert farm.make([done(7)]) == Made(files=("contact_sheet.jpg",))


def test_of_no_picture_there_is_nothing_and_that_is_said(farm: Farm) -> None:
    assert farm.make([failed(1, "x"), done(2)]) == Made(
        notes=("There is no preview: not one frame has a picture.",)
    )


@pytest.mark.parametrize(
    ("fps", "rate"),
    [
        ("24.0", Fraction(24)),
        (str(24 / 1.001), Fraction(24000, 1001)),
        (str(30 / 1.00100004673), Fraction(30000, 1001)),
        ("12.5", Fraction(25, 2)),
        ("59.94005994005994", Fraction(60000, 1001)),
        ("0.5", Fraction(1, 2)),
        ("nan", Fraction(24)),
        ("inf", Fraction(24)),
        ("1e9", Fraction(24)),
        ("-3", Fraction(24)),
        ("1e-9", Fraction(24)),
        (None, Fraction(24)),
    ],
)
def test_the_rate_is_the_scenes(fps: str | None, rate: Fraction) -> None:
    scene = {} if fps is None else {"fps": fps}
    assert maker.frame_rate(replace(JOB, scene=scene)) == rate


def test_a_rate_that_is_no_whole_number_is_kept(farm: Farm) -> None:
    for frame in (1, 2):
        farm.has(frame, jpeg(RED))
    farm.job = replace(farm.job, scene={"fps": str(24 / 1.001)})
    farm.make([done(1), done(2)])
    assert farm.video().rate == Fraction(24000, 1001)


def test_a_sheet_of_many_frames_has_evenly_chosen_ones() -> None:
    assert chosen(0) == [] and chosen(1) == [0] and chosen(3) == [0, 1, 2]
    assert chosen(MOST_CELLS) == list(range(MOST_CELLS))
    many = chosen(5_000)
    assert (len(many), many[0], many[-1]) == (MOST_CELLS, 0, 4_999)
    assert {after - before for before, after in pairwise(many)} <= {25, 26}


def test_more_frames_than_cells(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = jpeg(RED)
    reads: list[int] = []

    def read(job: Job, record: FrameRecord) -> Any:
        reads.append(record.frame)
        return StoredProxy(data=picture, note="")

    monkeypatch.setattr(farm.bucket, "proxy", read)
    made = farm.make([done(frame) for frame in range(1, 251)])
    assert made.notes == ()
    assert sorted(reads) == list(range(1, 251))
    assert len(farm.video().frames) == 250
    height, width, _ = farm.sheet().shape
    assert 1.2 < width / height < 1.8
