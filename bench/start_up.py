"""How soon everything but rendering starts: `python -m bench.start_up`.

The packages of the functions as CDK packs them, what their handlers take to import and to make their clients,
`cdk synth` and `farm --help`, and a verdict for each that has a bound. Each is the best of several runs.
Bounds are of the wall's seconds; the processor's, of children too, tell how much of them is other work on the
machine. In Lambda a processor is another: what counts there is which part is the largest.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

from bench.verdict import verdict
from farm.local.settings import ROOT

_TIMES: Final = 4
_HELPS: Final = 10
_SYNTHS: Final = 2
_MOST_HELP_SECONDS: Final = 0.3
_MOST_SYNTH_SECONDS: Final = 12
_MOST_PACKED_BYTES: Final = 200_000
_IMPORT: Final = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\w+)")
_CLIENT: Final = re.compile(r'boto3\.(?:client|resource)\("\w+"')
_TABLE: Final = "{:<22}{:>8}{:>9}{:>12}{:>9}{:>9}".format
_SDK: Final = frozenset({"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3"})
_TIMED: Final = """
import time
import boto3
began = time.perf_counter()
{calls}
print(time.perf_counter() - began)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """What a command took, in seconds: by the wall's clock, and of processors, its children's included."""

    wall: float
    processor: float

    @property
    def words(self) -> str:
        return f"{self.wall:.2f} s, {self.processor:.2f} processor seconds"


def main() -> None:
    load = os.getloadavg()
    with TemporaryDirectory(prefix="farm-bench-start-up-") as folder:
        out = Path(folder, "cdk.out")
        cdk = str(Path(sys.executable).with_name("cdk"))
        synth = best([cdk, "synth", "--quiet", "--output", str(out)], _SYNTHS)
        packages = function_packages(out)
        print(_TABLE("function", "packed", "import", "of it ours", "the SDK", "clients"))
        for name, package in sorted(packages.items()):
            print(_line(name, package))
        sizes = {name: packed_bytes(package) for name, package in packages.items()}
    python = [sys.executable, "-P"]
    shown, bare = best([*python, "-m", "farm", "--help"], _HELPS), best([*python, "-c", ""], _HELPS)
    print(f"farm --help: {shown.words}; Python alone: {bare.words}; the best of {_HELPS}")
    print(f"cdk synth: {synth.words}; the best of {_SYNTHS}")
    print("\n".join(verdicts(help_seconds=shown.wall, synth_seconds=synth.wall, packed=sizes)))
    print(f"load of the machine before the run: {', '.join(f'{each:.2f}' for each in load)}")


def verdicts(*, help_seconds: float, synth_seconds: float, packed: dict[str, int]) -> list[str]:
    """`packed`: bytes by the function's name; of these the largest has to hold."""
    largest = max(packed, key=packed.__getitem__)
    kilobytes, most = packed[largest] / 1000, _MOST_PACKED_BYTES / 1000
    return [
        verdict("farm --help", help_seconds, _MOST_HELP_SECONDS, form="{:.3f} s"),
        verdict("cdk synth", synth_seconds, _MOST_SYNTH_SECONDS, form="{:.1f} s"),
        verdict(f"the largest of {len(packed)} packages, {largest}", kilobytes, most, form="{:.1f} KB"),
    ]


def function_packages(assembly: Path) -> dict[str, Path]:
    """The staged folder of each function in a cloud assembly, by the function's name."""
    return {
        handler.parent.name: handler.parents[2] for handler in assembly.glob("asset.*/functions/*/handler.py")
    }


def packed_bytes(package: Path) -> int:
    """Of the archive that CDK makes of a staged folder."""
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(package.rglob("*")):
            packed.write(path, path.relative_to(package))
    return len(archive.getvalue())


def best(command: Sequence[str], times: int) -> Took:
    """Of the whole process, in this checkout; the quickest by the wall's clock."""

    def once() -> Took:
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT, env=_environment(ROOT))
        wall, after = perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        processor = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        return Took(wall=wall, processor=processor)

    return min((once() for _ in range(times)), key=lambda took: took.wall)


def _line(name: str, package: Path) -> str:
    imported = min((_import_microseconds(name, package) for _ in range(_TIMES)), key=Counter.total)
    ours = imported["functions"] + imported["contract"]
    sdk = sum(imported[part] for part in _SDK)
    calls = [f"{call})" for call in _CLIENT.findall((package / f"functions/{name}/handler.py").read_text())]
    timed = _TIMED.format(calls="\n".join(calls))
    clients = min(float(_python(package, "-c", timed).stdout) for _ in range(_TIMES))
    return _TABLE(
        name,
        f"{packed_bytes(package) / 1000:.0f} KB",
        *(f"{microseconds / 1e6:.3f} s" for microseconds in (imported.total(), ours, sdk, clients * 1e6)),
    )


def _import_microseconds(name: str, package: Path) -> Counter[str]:
    """Of the handler's module with all that it imports, in microseconds, by the packages' names."""
    said = _python(package, "-X", "importtime", "-c", f"import functions.{name}.handler").stderr
    taken: Counter[str] = Counter()
    for microseconds, part in _IMPORT.findall(said):
        taken[part] += int(microseconds)
    return taken


def _python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    environment = _environment(folder)
    return subprocess.run(command, check=True, text=True, capture_output=True, cwd=folder, env=environment)


def _environment(folder: Path) -> dict[str, str]:
    """Of a process that imports what is in that folder, as it would in Lambda or from a checkout."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(folder), "AWS_DEFAULT_REGION": "eu-central-1"}


if __name__ == "__main__":
    main()
