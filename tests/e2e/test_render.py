"""A file goes in, its frames come out: by the `farm` command, and by any S3 tool."""

from __future__ import annotations

import io
import json
import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import av
import pytest
from PIL import Image

from contract.job import FrameState, Job, JobState, timestamp
from contract.keys import (
    SMALL_PICTURES_PREFIX,
    contact_sheet_key,
    make_job_id,
    output_prefix,
    preview_key,
    scratch_folder,
)
from contract.stored_part import whole_key
from contract.table import INDEX_PARTITION_KEY, JOB_LISTING, job_key
from farm.local import clients
from tests.e2e.laptop import LaptopFarm
from tests.support.jobs import a_job


def sizes(frames: dict[str, bytes]) -> dict[str, tuple[int, int]]:
    """The size of every frame, each decoded to its last pixel."""
    found = {}
    for name, content in frames.items():
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            found[name] = image.size
    return found


def test_farm_local_render(laptop: LaptopFarm, scene: Path) -> None:
    before = set(laptop.folder.glob("out/*"))
    code, said = laptop.run("render", str(scene), "--frames", "1-3,5", "--resolution-percentage", "50")
    assert code == 0, said
    (out,) = set(laptop.folder.glob("out/*")) - before
    assert out.name.startswith("scene-")
    frames = {path.name: path.read_bytes() for path in out.glob("*.png")}
    assert sizes(frames) == {f"{n:04d}.png": (32, 18) for n in (1, 2, 3, 5)}
    assert frames["0001.png"] != frames["0005.png"]  # the cube turns
    for name in frames:
        assert f"out/{out.name}/{name}" in said
    code, page = laptop.run("status")
    assert code == 0
    assert out.name in page
    assert "4/4" in page
    previewed(laptop, out.name, (1, 2, 3, 5))


def previewed(laptop: LaptopFarm, job_id: str, frames: tuple[int, ...]) -> None:
    """Small pictures of every frame, a video and a contact sheet are in the bucket, of the frames' size."""
    job = laptop.farm.records.job(job_id)
    assert job
    assert (job.made, job.preview_note) == (("preview.mp4", "contact_sheet.jpg"), "")
    assert job.scene["color_view"]["view"] == "AgX", "as new scenes have it"
    records = list(laptop.farm.records.frames(job_id, range(job.shards), FrameState.DONE))
    assert sorted(record.frame for record in records) == sorted(frames)
    assert {(job.device, record.device) for record in records} == {("CPU", "CPU")}

    def stored(key: str) -> io.BytesIO:
        return io.BytesIO(laptop.farm.s3.get_object(Bucket=laptop.farm.bucket, Key=key)["Body"].read())

    for record in records:
        assert record.thumbnail
        key = whole_key(record.thumbnail.key, output=output_prefix(job.project, job_id))
        assert key.startswith(SMALL_PICTURES_PREFIX), "or it stays for ever"
        data = stored(key).read()
        for start in (record.proxy.start if record.proxy else 0, record.thumbnail.start):
            with Image.open(io.BytesIO(data[start:])) as image:
                assert (image.format, image.size) == ("JPEG", (32, 18))
    with av.open(stored(preview_key(job.project, job_id)), "r") as video:
        (stream,) = video.streams.video
        assert (stream.width, stream.height, int(stream.average_rate or 0)) == (32, 18, 24)
        assert len(list(video.decode(stream))) == len(frames)
    with Image.open(stored(contact_sheet_key(job.project, job_id))) as sheet:
        assert sheet.size[0] > 2 * 240


def test_the_plain_aws_command_line(laptop: LaptopFarm, scene: Path) -> None:
    bucket = laptop.farm.bucket
    laptop.aws(
        *("s3", "cp", str(scene), f"s3://{bucket}/shots/010/", "--metadata", "start_frame=1,end_frame=3")
    )
    version = laptop.farm.s3.head_object(Bucket=bucket, Key="shots/010/scene.blend")["VersionId"]
    job = laptop.wait(make_job_id(bucket, "shots/010/scene.blend", version))
    assert (job.state, job.project, job.frames_done) == (JobState.DONE, "shots/010", 3), job.reason
    assert sizes(laptop.frames(job)) == {f"000{n}.png": (64, 36) for n in (1, 2, 3)}


def test_without_options_the_scenes_own_range_is_rendered(laptop: LaptopFarm, scene: Path) -> None:
    job = laptop.wait(laptop.upload(scene, "whole/scene.blend"))
    assert job.state is JobState.DONE, job.reason
    assert sorted(laptop.frames(job)) == [f"000{n}.png" for n in range(1, 9)]


@pytest.mark.parametrize(
    "key", ["a b/my scene.blend", "a+b/c+d=e&f.blend", "décor/scène Ünïcode 日本.blend", "root.blend"]
)
def test_keys_as_people_write_them(laptop: LaptopFarm, scene: Path, key: str) -> None:
    job = laptop.wait(laptop.upload(scene, key, {"frames": "2"}))
    assert (job.state, job.source_key) == (JobState.DONE, key), job.reason
    assert sorted(laptop.frames(job)) == ["0002.png"]


def test_names_in_options_may_be_in_any_language(laptop: LaptopFarm, scene: Path) -> None:
    code, said = laptop.run("render", str(scene), "--scene", "Szene Zwölf", "--frames", "1")
    assert code == 1
    assert "Szene Zwölf" in said


def test_the_same_key_again_renders_each_its_own_version(
    laptop: LaptopFarm, scene: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "scene.blend"
    broken.write_bytes(b"no scene")
    first = laptop.upload(scene, "twice/scene.blend", {"frames": "1"})
    second = laptop.upload(broken, "twice/scene.blend", {"frames": "1"})
    third = laptop.upload(scene, "twice/scene.blend", {"frames": "2"})
    jobs = [laptop.wait(job_id) for job_id in (first, second, third)]
    assert [job.state for job in jobs] == [JobState.DONE, JobState.FAILED, JobState.DONE]
    assert [sorted(laptop.frames(job)) for job in jobs] == [["0001.png"], [], ["0002.png"]]


def test_a_zip_is_unpacked(laptop: LaptopFarm, scene: Path, tmp_path: Path) -> None:
    (tmp_path / "packed").mkdir()
    shutil.copy(scene, tmp_path / "packed")
    bundle = Path(shutil.make_archive(str(tmp_path / "bundle"), "zip", tmp_path / "packed"))
    job: Job = laptop.wait(laptop.upload(bundle, "packed/bundle.zip", {"frames": "1"}))
    assert job.state is JobState.DONE, job.reason
    assert sorted(laptop.frames(job)) == ["0001.png"]


def test_a_job_whose_task_was_never_sent_is_rendered_all_the_same(laptop: LaptopFarm, scene: Path) -> None:
    """Its listener died between its two writes, and its event never came again."""
    key, created = "lost/output/scene.blend", timestamp(datetime.now(UTC))  # where no event is heard
    answer = laptop.farm.s3.put_object(Bucket=laptop.farm.bucket, Key=key, Body=scene.read_bytes())
    job = a_job(
        "scene-of-a-lost-task",
        project="lost",
        name="scene.blend",
        bucket=laptop.farm.bucket,
        source_key=key,
        source_version=answer["VersionId"],
        options={"frames": "2"},
        created_at=created,
        updated_at=created,
    )
    laptop.farm.table.put_item(
        Item={**job_key(job.job_id), **job.to_item(), INDEX_PARTITION_KEY: JOB_LISTING}
    )
    lambdas, name = clients.functions(laptop.record.endpoint), laptop.record.outputs["SweepFunctionName"]
    variables = lambdas.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    lambdas.update_function_configuration(
        FunctionName=name, Environment={"Variables": {**variables, "FARM_STALL_SECONDS": "1"}}
    )
    reports = []
    for _ in range(2):
        reports.append(json.loads(lambdas.invoke(FunctionName=name)["Payload"].read()))
        time.sleep(2)
    assert [report["sent_again"] for report in reports] == [[], [job.job_id]]
    ended = laptop.wait(job.job_id)
    assert ended.state is JobState.DONE, ended.reason
    assert sorted(laptop.frames(ended)) == ["0002.png"]


def test_a_jobs_scratch_space_goes_with_it_and_the_janitor_takes_what_is_left(
    laptop: LaptopFarm, scene: Path
) -> None:
    job = laptop.wait(laptop.upload(scene, "scratch/scene.blend", {"frames": "1"}))
    assert job.state is JobState.DONE, job.reason
    scratch = laptop.state.scratch
    assert not (scratch / scratch_folder(job.job_id)).exists()
    live = a_job("live", state=JobState.RENDERING, updated_at="2020-01-01T00:00:00.000Z")
    laptop.farm.table.put_item(Item={**job_key("live"), **live.to_item()})
    for job_id in (job.job_id, "live", "of-no-job"):
        (scratch / scratch_folder(job_id)).mkdir()
        os.utime(scratch / scratch_folder(job_id), (0, 0))
    (scratch / scratch_folder("of-no-job-yet")).mkdir()
    answer = clients.functions(laptop.record.endpoint).invoke(
        FunctionName=laptop.record.outputs["JanitorFunctionName"]
    )
    laptop.farm.table.delete_item(Key=job_key("live"))  # or the sweep would send agents to it
    report = json.loads(answer["Payload"].read())
    assert {path.name for path in (scratch / "jobs").iterdir()} == {"live", "of-no-job-yet"}, report
    assert (report["finished"], report["cleared"], report["scratch_bytes"]) == (True, 2, 0)
