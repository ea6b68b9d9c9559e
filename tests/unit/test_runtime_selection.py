"""Which of the farm's Blenders renders a file, or why none does."""

from pathlib import Path

import pytest

from contract.runtimes import RuntimeSpec
from tests.support.scenes import scene_file
from worker_agent.blender import SceneRejected
from worker_agent.blender.file_header import BlenderVersion
from worker_agent.runtimes.selection import FileNeeds, choose_runtime, read_needs

SMOKE = Path(__file__).parents[3] / "shared/scenes/smoke.blend"


def farm(*names: str) -> list[RuntimeSpec]:
    """`4.5.15` is an executable, `4.5.15m` a module."""
    return [
        RuntimeSpec(version=name.removesuffix("m"), path="/x/python" if name.endswith("m") else "")
        for name in names
    ]


def needs(series: str, *fluid_domains: str) -> FileNeeds:
    major, minor = map(int, series.split("."))
    return FileNeeds(name="shot.blend", series=BlenderVersion(major, minor), fluid_domains=fluid_domains)


def name_of(spec: RuntimeSpec) -> str:
    return spec.version + ("m" if spec.path else "")


WIDE = ("3.6.23", "4.5.15m", "4.5.9", "4.10.1", "5.2.3m")


@pytest.mark.parametrize(
    ("series", "wanted", "offered", "chosen"),
    [
        ("4.5", None, WIDE, "4.5.15m"),  # its own series, the newest of it
        ("5.2", None, WIDE, "5.2.3m"),
        ("4.2", None, WIDE, "4.5.15m"),  # the nearest newer
        ("4.6", None, WIDE, "4.10.1"),
        ("4.99", None, WIDE, "5.2.3m"),
        ("2.79", None, WIDE, "3.6.23"),
        ("2.79", "4.5", WIDE, "4.5.15m"),
        ("2.79", "4.5.9", WIDE, "4.5.9"),
        ("4.5", "5.2", WIDE, "5.2.3m"),
        ("4.1", "4.1", ("4.1.2", "4.10.1"), "4.1.2"),  # 4.1 is not 4.10
        ("4.5", None, ("4.5.15m", "4.5.15"), "4.5.15"),
    ],
)
def test_the_nearest_series_that_loses_nothing(
    series: str, wanted: str | None, offered: tuple[str, ...], chosen: str
) -> None:
    for order in (offered, offered[::-1]):
        assert name_of(choose_runtime(needs(series), wanted, farm(*order))) == chosen


@pytest.mark.parametrize(
    ("series", "wanted", "offered", "chosen"),
    [
        ("4.5", None, WIDE, "4.5.9"),  # an older one of the series, for it is an executable
        ("5.0", None, ("5.0.1m", "5.2.3"), "5.2.3"),
        ("2.79", "4.5", WIDE, "4.5.9"),
    ],
)
def test_a_fluid_gets_an_executable(
    series: str, wanted: str | None, offered: tuple[str, ...], chosen: str
) -> None:
    assert name_of(choose_runtime(needs(series, "Tank"), wanted, farm(*offered))) == chosen


def refused(file: FileNeeds, wanted: str | None, *offered: str) -> SceneRejected:
    with pytest.raises(SceneRejected) as caught:
        choose_runtime(file, wanted, farm(*offered))
    return caught.value


def test_a_file_newer_than_the_farm_names_both_and_what_to_do() -> None:
    error = refused(needs("5.2"), None, "4.2.23", "4.5.15m")
    assert error.code == "file_too_new"
    assert "shot.blend was saved by Blender 5.2" in error.reason
    assert "newest Blender of this farm is 4.5.15" in error.reason
    assert "Give the farm Blender 5.2 or newer (variable blender_versions; on a laptop FARM" in error.reason
    assert "save the file with Blender 4.5." in error.reason


@pytest.mark.parametrize("wanted", ["4.5", "4.5.15", "4.2"])  # whether the farm has it or not
def test_an_older_blender_is_refused_with_both_named(wanted: str) -> None:
    error = refused(needs("5.0"), wanted, "4.5.15", "5.2.3")
    assert error.code == "file_too_new"
    assert f"blender_version is {wanted}, and shot.blend was saved by Blender 5.0" in error.reason
    assert "Ask for 5.0 or newer" in error.reason


@pytest.mark.parametrize("wanted", ["5.1", "4.5.1", "5.20"])
def test_what_the_farm_has_not_is_refused_with_what_it_has(wanted: str) -> None:
    error = refused(needs("4.5"), wanted, "5.2.3m", "4.5.15", "4.5.15m")
    assert error.code == "no_such_blender"
    assert f"blender_version is {wanted}, which this farm has not: it has 4.5.15, 5.2.3." in error.reason


def test_a_fluid_on_a_farm_of_modules_names_the_kind_the_object_and_the_remedy() -> None:
    error = refused(needs("4.2", "Tank", "Sea"), None, "3.6.23", "4.5.15m", "5.2.3m")
    assert error.code == "unsupported_simulation"
    for words in ("Mantaflow fluid", '"Tank", "Sea"', "4.5.15, 5.2.3 is a Python module", "baked or not"):
        assert words in error.reason
    assert "Give the farm a Blender executable of 4.2 or newer (variable blender_versions;" in error.reason
    assert "FARM_BLENDER=/path/to/blender" in error.reason


def test_a_fluid_that_asks_for_a_module_is_told_of_the_executable() -> None:
    error = refused(needs("4.2", "Tank"), "4.5", "3.6.23", "4.5.15m", "5.2.3")
    assert "Ask for blender_version 5.2.3, which is an executable here" in error.reason


def test_what_a_file_needs_is_read_from_the_file() -> None:
    read = read_needs(scene_file("fluid"))
    assert (read.name, str(read.series), read.fluid_domains) == ("fluid.blend", "4.5", ("Tank",))
    assert read_needs(scene_file("plain")).fluid_domains == ()


@pytest.mark.skipif(not SMOKE.is_file(), reason=f"{SMOKE} is not there")
def test_smoke_from_before_mantaflow_is_a_fluid_too() -> None:
    """Blender makes a fluid domain of it when it opens the file."""
    read = read_needs(SMOKE)
    assert (str(read.series), read.fluid_domains) == ("2.79", ("Smoke Domain",))


def test_what_is_no_blend_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.blend").write_bytes(b"Dear farm")
    with pytest.raises(SceneRejected, match=r"no\.blend is not a Blender file"):
        read_needs(tmp_path / "no.blend")
