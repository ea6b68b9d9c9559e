"""What is sent to AWS: each process its own folder and the contract, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from aws_cdk import App, AssetStaging, Stack
from aws_cdk.cx_api import CloudAssembly

from bench.start_up import function_packages, packed_bytes
from stacks import assets
from tests.support.synthesized import ROOT, synthesize, synthesized

FUNCTIONS = ("accept_upload", "clear_scratch", "measure_backlog", "settle_dead_letters", "sweep_jobs")


@pytest.fixture(scope="module")
def staged() -> CloudAssembly:
    return synthesize({}, stage_assets=True)


def contents(staged: CloudAssembly, marker: str) -> set[str]:
    """The files of the staged asset that holds `marker`."""
    (folder,) = [f for f in Path(staged.directory).glob("asset.*") if (f / marker).exists()]
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def sources(*folders: str) -> set[str]:
    files = {
        str(p.relative_to(ROOT)) for folder in folders for p in (ROOT / folder).rglob("*") if p.is_file()
    }
    return {name for name in files if "__pycache__" not in name}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_holds_its_folder_and_the_contract(staged: CloudAssembly, name: str) -> None:
    expected = sources("contract", f"functions/{name}") | {"functions/__init__.py"}
    assert contents(staged, f"functions/{name}/handler.py") == expected


def test_the_agent_holds_its_folder_the_contract_and_the_pins(staged: CloudAssembly) -> None:
    assert contents(staged, "worker_agent/__main__.py") == sources("contract", "worker_agent") | {
        "requirements.txt"
    }


def test_every_function_is_a_small_package(staged: CloudAssembly) -> None:
    """What Lambda fetches before a cold start, packed as CDK packs it."""
    packed = {n: packed_bytes(folder) for n, folder in function_packages(Path(staged.directory)).items()}
    assert packed.keys() == {handler.parent.name for handler in ROOT.glob("functions/*/handler.py")}
    assert {name: size for name, size in packed.items() if not 1_000 < size < 200_000} == {}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_handler_is_where_its_function_looks(name: str) -> None:
    handlers = {f.properties.get("Handler") for f in synthesized().resources("AWS::Lambda::Function")}
    assert f"functions.{name}.handler.handle" in handlers
    assert "def handle(event" in (ROOT / f"functions/{name}/handler.py").read_text()


def agent_hash(root: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(assets, "ROOT", root)
    AssetStaging.clear_asset_hash_cache()
    stack = Stack(App(context={"aws:cdk:disable-asset-staging": True}, outdir=str(root.parent / "out")), "S")
    return assets.agent_code(stack, "Agent").asset_hash


def test_the_agents_hash_changes_with_the_agent_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "checkout"
    for name in ("contract", "worker_agent", "functions"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "requirements.txt", root)
    before = agent_hash(root, monkeypatch)
    for name in (
        "README.md",
        "tests/test_new.py",
        "functions/accept_upload/handler.py",
        "contract/__pycache__/job.pyc",
        ".farm/x",
        ".venv/y",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("new")
    assert agent_hash(root, monkeypatch) == before
    for name in (
        "contract/job.py",
        "worker_agent/__main__.py",
        "worker_agent/boot/install.sh",
        "requirements.txt",
    ):
        (root / name).write_text("new")
        after = agent_hash(root, monkeypatch)
        assert after != before, name
        before = after
