"""The list of Blenders that a worker is told, and the releases that the farm knows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.blender_releases import (
    KNOWN_VERSIONS,
    download_folder,
    executable_archive,
    is_version,
    numbers,
    read_version,
    series_of,
)
from contract.runtimes import (
    RuntimeForm,
    RuntimesError,
    RuntimeSpec,
    format_runtimes,
    parse_runtimes,
)

VERSIONS = st.sampled_from(KNOWN_VERSIONS)
PATHS = st.text(st.characters(blacklist_categories=["Cs", "Z", "C"]), max_size=30).map(
    lambda path: f"/{path}"
)


def test_the_three_ways_to_name_a_blender() -> None:
    specs = parse_runtimes("4.5.15, 3.4.1=/usr/bin/blender,5.2.3@/usr/bin/python3.13,4.2.23=/venv/bin/python")
    assert specs == (
        RuntimeSpec(version="4.5.15"),
        RuntimeSpec(version="3.4.1", path="/usr/bin/blender"),
        RuntimeSpec(version="5.2.3", wheel_python="/usr/bin/python3.13"),
        RuntimeSpec(version="4.2.23", path="/venv/bin/python"),
    )
    executable, module = RuntimeForm.EXECUTABLE, RuntimeForm.MODULE
    assert [spec.form for spec in specs] == [executable, executable, module, module]


@given(st.lists(st.builds(RuntimeSpec, version=VERSIONS, path=PATHS), min_size=1, max_size=1))
def test_any_path_survives(specs: list[RuntimeSpec]) -> None:
    assert parse_runtimes(format_runtimes(specs)) == tuple(specs)


def test_several_survive() -> None:
    specs = (
        RuntimeSpec(version="4.5.15"),
        RuntimeSpec(version="4.5.15", path="/a,b/100%/python"),
        RuntimeSpec(version="5.2.3", wheel_python="/a=b@c/python3.13"),
    )
    assert parse_runtimes(format_runtimes(specs)) == specs


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no Blender is named"),
        (" , ", "no Blender is named"),
        ("4.5", "'4.5' names no Blender: expected a version such as 4.5.15"),
        ("latest", "'latest' names no Blender"),
        ("/usr/bin/blender", "'/usr/bin/blender' names no Blender"),
        ("4.5.15=", "'4.5.15=' has no path"),
        ("4.5.15=blender", "'4.5.15=blender' has no path"),
        ("5.2.3@python3.13", "has no path"),
        ("4.5.15,4.5.15", "Blender 4.5.15 (executable) is named twice"),
        ("4.5.15,4.5.15=/opt/blender", "Blender 4.5.15 (executable) is named twice"),
    ],
)
def test_anything_else_is_refused_with_the_part(text: str, said: str) -> None:
    with pytest.raises(RuntimesError) as caught:
        parse_runtimes(text)
    assert said in str(caught.value)


def test_the_table_is_in_order_and_of_exact_versions() -> None:
    assert all(map(is_version, KNOWN_VERSIONS))
    assert sorted(KNOWN_VERSIONS, key=numbers) == list(KNOWN_VERSIONS)
    assert len({series_of(version) for version in KNOWN_VERSIONS}) == len(KNOWN_VERSIONS)


def test_where_an_executable_comes_from() -> None:
    assert (
        f"{download_folder('4.5.15')}/{executable_archive('4.5.15')}"
        == "https://download.blender.org/release/Blender4.5/blender-4.5.15-linux-x64.tar.xz"
    )


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("Blender 3.4.1\n", "3.4.1"),
        ("Blender 4.5.15 LTS\n\tbuild date: 2026-10-01\n", "4.5.15"),
        ("warning: no sound\nBlender 5.2.3 LTS", "5.2.3"),
        ("Python 3.11.7", None),
        ("I am no Blender 4.5.15", None),
        ("", None),
    ],
)
def test_a_blender_is_known_by_what_it_says(said: str, version: str | None) -> None:
    assert read_version(said) == version
