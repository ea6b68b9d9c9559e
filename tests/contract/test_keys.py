"""Which keys start jobs, and where a job's things lie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.keys import (
    JOB_ID,
    SMALL_PICTURES_PREFIX,
    Upload,
    frames_prefix,
    inspection_key,
    is_archive,
    make_job_id,
    output_prefix,
    read_upload_key,
    safe_file_name,
    scratch_folder,
    small_pictures,
)
from contract.stored_part import whole_key


@pytest.mark.parametrize(
    ("key", "upload"),
    [
        ("shots/010/scene.blend", Upload("shots/010", "scene.blend")),
        ("scene.blend", Upload("scene", "scene.blend")),
        ("film/SCENE.BLEND", Upload("film", "SCENE.BLEND")),
        ("film/a+b é.tar.gz", Upload("film", "a+b é.tar.gz")),
        ("film/x.tgz", Upload("film", "x.tgz")),
        ("film/x.zip", Upload("film", "x.zip")),
        ("/odd//scene.blend", Upload("odd", "scene.blend")),
        ("outputs/scene.blend", Upload("outputs", "scene.blend")),
    ],
)
def test_an_upload_starts_a_job(key: str, upload: Upload) -> None:
    assert read_upload_key(key) == upload


@pytest.mark.parametrize(
    "key",
    [
        "film/output/x-1/scene.blend",
        "output/scene.blend",
        "film/scene.blend1",
        "film/.blend",
        "film/notes.txt",
        "film/",
        "",
    ],
)
def test_anything_else_is_left_with_a_reason(key: str) -> None:
    assert isinstance(read_upload_key(key), str)


def test_what_a_job_brings_forth_starts_no_job() -> None:
    job_id = make_job_id("b", "film/x.blend", "1")
    for key in (frames_prefix("film", job_id) + "scene.blend", inspection_key("film", job_id)):
        assert isinstance(read_upload_key(key), str)


@pytest.mark.parametrize("key", ["output.blend", "proxies.blend", "proxies/x.blend", "job/x.blend"])
@pytest.mark.parametrize("front", ["", "output/", "output/proxies/", "/output/proxies/", "//output/"])
def test_no_projects_output_is_thrown_away_with_small_pictures(key: str, front: str) -> None:
    upload = read_upload_key(front + key)
    if isinstance(upload, Upload):
        assert not output_prefix(upload.project, "job").startswith(SMALL_PICTURES_PREFIX)
    assert whole_key(small_pictures("job", 1, 2, "a"), output="film/").startswith(SMALL_PICTURES_PREFIX)


def test_archives_are_known_by_their_names() -> None:
    assert [is_archive(name) for name in ("a.ZIP", "a.tar.gz", "a.tgz", "a.blend", "zip")] == [True] * 3 + [
        False
    ] * 2


@given(st.text(), st.text())
def test_a_job_id_is_one_per_version_and_fits_every_name(key: str, version: str) -> None:
    job_id = make_job_id("bucket", key, version)
    assert JOB_ID.fullmatch(job_id)
    assert job_id == make_job_id("bucket", key, version)
    assert job_id != make_job_id("bucket", key, version + "2")
    assert str(scratch_folder(job_id)) == f"jobs/{job_id}"


def test_a_job_id_shows_the_files_name() -> None:
    assert make_job_id("b", "shots/010/Féte du Roi.blend", "1").startswith("fete-du-roi-")


@pytest.mark.parametrize("job_id", ["", "../x", "a/b", "A", "x" * 65, "-a", "a\n"])
def test_a_scratch_folder_is_never_outside(job_id: str) -> None:
    with pytest.raises(ValueError, match="is no job id"):
        scratch_folder(job_id)


@given(
    st.text(alphabet=st.characters(exclude_characters="/"), max_size=300).map(lambda stem: stem + "x.blend")
)
def test_a_safe_name_is_one_path_part(name: str) -> None:
    safe = safe_file_name(name)
    assert "/" not in safe
    assert "\0" not in safe
    assert safe not in (".", "..")
    assert not safe.startswith("-")
    assert len(safe.encode()) <= 255


def test_a_plain_name_is_kept() -> None:
    assert safe_file_name("Shot 010 é+.blend") == "Shot 010 é+.blend"
